"""Fetch a signed link to a file: without the key or a password, from allowed places, up to a size and within
a time, whole or not at all."""

import asyncio
from pathlib import Path

import httpx

from wanctl.base.bounded import PLAIN, usable_link
from wanctl.base.files import PUBLIC, replacing
from wanctl.studio.errors import NotFound, Refused, ServerError, StudioError
from wanctl.studio.pace import Family, Pace, retrying
from wanctl.studio.regions import Endpoint, is_loopback
from wanctl.studio.verdict import Call, CallEffect
from wanctl.studio.wire import broken_off, open_http

_HOPS = 5
LONGEST_DOWNLOAD = (
    900.0  # seconds for one file with all tries: a store that sends a byte now and then ends, too
)


class KeylessClient:
    """A client of its own, which was never given the key, opened when it is first needed."""

    def __init__(
        self, endpoint: Endpoint, transport: httpx.AsyncBaseTransport | None, pace: Pace, user_agent: str
    ) -> None:
        self._endpoint = endpoint
        self._transport = transport
        self._pace = pace
        self._headers = {"User-Agent": user_agent}
        self._http: httpx.AsyncClient | None = None

    async def close(self) -> None:
        if self._http:
            await self._http.aclose()

    def _opened(self) -> httpx.AsyncClient:
        self._http = self._http or open_http(self._endpoint, self._transport, self._headers)
        return self._http


class Downloads(KeylessClient):
    """The downloads of one account."""

    async def fetch(
        self, url: str, destination: Path, *, max_bytes: int, within: float = LONGEST_DOWNLOAD
    ) -> int:
        """The file at the URL as `destination`; how many bytes it has."""
        start = _url(url)
        http = self._opened()

        async def attempt() -> int:
            call = Call("GET", _shown(start), CallEffect.READ)
            async with self._pace.turn(Family.DOWNLOADS):
                try:
                    return await self._follow(http, start, destination, max_bytes)
                except httpx.HTTPError as error:
                    raise broken_off(call, error) from error
                except (
                    httpx.InvalidURL,
                    ValueError,
                    OverflowError,
                ) as error:  # of an address that only the connection judges
                    kind = type(error).__name__
                    raise _fault(Refused, f"the link cannot be followed ({kind})", start) from None

        try:
            async with asyncio.timeout(within):
                return await retrying(attempt, self._pace)
        except TimeoutError:
            raise _fault(ServerError, f"the file did not come within {within:g} s", start) from None

    async def _follow(
        self, http: httpx.AsyncClient, place: httpx.URL, destination: Path, max_bytes: int
    ) -> int:
        for _ in range(_HOPS):
            allow_place(place, self._endpoint)
            async with http.stream("GET", place, headers=PLAIN) as response:
                if not response.is_redirect:
                    return await _keep(response, destination, max_bytes)
                place = _joined(place, response.headers.get("location", ""))
        raise _fault(Refused, "the link leads from one place to the next and does not end", place)


def _joined(place: httpx.URL, location: str) -> httpx.URL:
    """Where a redirection leads."""
    _url(location or "/")
    return _url(str(place.join(location)))


def _url(url: str) -> httpx.URL:
    found = usable_link(url)
    if found is None:
        raise Refused("the link is not a URL that can be followed")
    return found


def allow_place(url: httpx.URL, endpoint: Endpoint) -> None:
    """Raise where a place that the service names is none to send to, or to read from."""
    if url.userinfo:  # the HTTP library would make an Authorization of it
        raise _fault(Refused, "a link with a user or a password is not followed", url)
    own = (url.host, url.port) == (endpoint.host, endpoint.port) and endpoint.scheme == "http"
    if (url.scheme == "https" and url.host) or (url.scheme == "http" and (own or is_loopback(url.host))):
        return
    raise _fault(Refused, "a link is followed over https only", url)


async def _keep(response: httpx.Response, destination: Path, max_bytes: int) -> int:
    _check(response)
    packed = response.headers.get("content-encoding", "").strip().lower()
    if packed not in {"", "identity"}:
        raise _fault(Refused, "the store packed the file, which was not asked for", response.url)
    size = 0
    with replacing(destination, mode=PUBLIC) as file:
        async for chunk in response.stream:  # type: ignore[union-attr]  # as it comes: nothing is unpacked
            size += len(chunk)
            if size > max_bytes:
                raise _fault(Refused, f"the file is larger than {max_bytes} bytes", response.url)
            file.write(chunk)
    return size


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status >= 500:
        raise _fault(ServerError, "the store of the file failed", response.url, status)
    if status >= 400:
        raise _fault(NotFound, "the link has expired or its file is gone", response.url, status)
    if status != 200:
        raise _fault(Refused, "the store answered something else than the file", response.url, status)


def _fault(kind: type[StudioError], message: str, url: httpx.URL, status: int | None = None) -> StudioError:
    return kind(message, method="GET", path=_shown(url), status=status)


def _shown(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.host}{url.path}"
