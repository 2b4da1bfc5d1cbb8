"""Which URLs a dataset may have: specs may come from a stranger, and a URL is fetched where plans run.

Named stores and https only; no chain of protocols, nothing in the machine's own network. A password in one
is found and hidden with all other credentials (`secrecy`).
"""

import ipaddress
from urllib.parse import urlsplit

from wanctl.base.words import listed, quoted
from wanctl.dataset.remote import EXTRAS
from wanctl.language.root import PathRefused

_STORES = sorted({*EXTRAS, "file"} - {"http"})


def local_part(url: str) -> str | None:
    """The path behind file://; None for a URL that may be fetched; anything else is refused."""
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if "::" in url or "\\" in url or not url.isprintable():
        raise PathRefused(f"{quoted(url)} is not a plain URL")
    if scheme == "file":
        return rest.removeprefix("localhost/")
    if scheme not in EXTRAS:
        raise PathRefused(
            f"{scheme}:// is not known", f"there are {listed(_STORES)}; or a path, or {{file_id: …}}"
        )
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise PathRefused(f"{url} is not a URL: {error}") from None
    if not host:
        raise PathRefused(f"{url} names no bucket or host")
    if scheme in {"http", "https"}:
        _check_host(scheme, host)
    return None


def _check_host(scheme: str, host: str) -> None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        inside, loopback = host.endswith((".internal", ".local")), host == "localhost"
    else:
        loopback = address.is_loopback
        inside = not address.is_global and not loopback
    if inside:
        raise PathRefused(f"{host} is in the machine's own network, which specs cannot reach")
    if scheme == "http" and not loopback:
        raise PathRefused("http:// is not encrypted", "write https://")
