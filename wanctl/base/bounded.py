"""What is read of an answer, within bounds: of its size, also once it is unpacked, and of its whole time.

A timeout of the HTTP library counts from one byte to the next. A server that sends a byte now and then, or a
megabyte that unpacks to gigabytes, ends here.
"""

import zlib

import httpx

MOST_ANSWER = (
    32 * 1024 * 1024
)  # bytes of an answer that is JSON; a page of a thousand rows has half a megabyte
LONGEST_CALL = 300.0  # seconds from the call to the last byte of its answer
LONGEST_UPLOAD = 4 * 3600.0
LONGEST_LINK = 8_000  # characters
PLAIN = {"Accept-Encoding": "identity"}  # nothing is to be unpacked
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


class OutOfBounds(httpx.DecodingError):
    """The answer is larger than any, or packed in a way that nobody asked for."""


async def read_bounded(response: httpx.Response, most: int = MOST_ANSWER) -> bytes:
    """The whole content, unpacked if it is packed."""
    packed = response.headers.get("content-encoding", "").strip().lower()
    if packed not in _PACKED | {"", "identity"}:
        raise OutOfBounds("the answer is packed in a way that was not asked for", request=response.request)
    content = bytearray()
    async for chunk in response.stream:  # type: ignore[union-attr]  # of an asynchronous client
        if len(content) + len(chunk) > most:
            content.clear()  # an error that is kept, until the next try, keeps what is here
            raise OutOfBounds(f"the answer is larger than {most // 2**20} MB", request=response.request)
        content += chunk
    return _unpacked(bytes(content), most, response) if packed in _PACKED else bytes(content)


def _unpacked(content: bytes, most: int, response: httpx.Response) -> bytes:
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        whole = unpacking.decompress(content, most + 1)
    except zlib.error as error:
        raise OutOfBounds(f"the answer cannot be unpacked: {error}", request=response.request) from None
    if len(whole) > most:
        del whole
        raise OutOfBounds(f"the answer unpacks to more than {most // 2**20} MB", request=response.request)
    return whole


def usable_link(link: str) -> httpx.URL | None:
    """A link as a URL that a request can be made of; None where it is none."""
    if len(link) > LONGEST_LINK or not link.isprintable():
        return None
    try:
        url = httpx.URL(link.encode("utf-8").decode("utf-8"))
        host, port = url.host, url.port
        host.encode("idna") if host and not host.isascii() else host.encode("ascii")
    except (httpx.InvalidURL, ValueError):  # half a letter, an address that is none
        return None
    return url if port is None or 0 < port < 65_536 else None
