"""Names of this machine, as URLs and listening addresses have them."""

from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_loopback(host: str | None) -> bool:
    return host in LOOPBACK


def on_this_machine(url: str | None) -> bool:
    """The address leads to this very machine."""
    try:
        return is_loopback(urlsplit(url or "").hostname)
    except ValueError:
        return False


# In an HTTP client's mounts: calls to this machine never go through a proxy.
PAST_PROXIES = tuple(f"all://{f'[{host}]' if ':' in host else host}" for host in LOOPBACK)
