"""Where Model Studio is: the regions, their base URLs, and which hosts the key may be sent to."""

import difflib
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from wanctl.studio.errors import Misconfigured, UntrustedEndpoint


@dataclass(frozen=True)
class Region:
    """A region of Model Studio. Keys belong to one region and do not work in another."""

    name: str
    base_url: str
    aliases: tuple[str, ...] = ()
    workspace_url: str | None = None  # the host of a workspace, which newer pages recommend


REGIONS = (
    Region(
        "singapore",
        "https://dashscope-intl.aliyuncs.com",
        ("intl", "international", "ap-southeast-1"),
        "https://{workspace}.ap-southeast-1.maas.aliyuncs.com",
    ),
    Region(
        "beijing",
        "https://dashscope.aliyuncs.com",
        ("cn", "china", "cn-beijing"),
        "https://{workspace}.cn-beijing.maas.aliyuncs.com",
    ),
    Region("us-virginia", "https://dashscope-us.aliyuncs.com", ("us", "virginia", "us-east-1")),
    Region("hong-kong", "https://cn-hongkong.dashscope.aliyuncs.com", ("hongkong", "hk", "cn-hongkong")),
    Region("frankfurt", "https://{workspace}.eu-central-1.maas.aliyuncs.com", ("eu", "eu-central-1")),
)


def region_named(name: str) -> Region | None:
    """The region of a name or an alias."""
    wanted = _spelled(name)
    return next((one for one in REGIONS if wanted == one.name or wanted in one.aliases), None)


def region_of(base_url: str) -> Region | None:
    """The region of a known host: its own, or one of its workspaces."""
    host = (urlsplit(base_url).hostname or "").lower()
    if _GATEWAY.fullmatch(host):
        return region_named(host.split(".")[1])
    return next((one for one in REGIONS if urlsplit(one.base_url).hostname == host), None)


def _spelled(name: str) -> str:
    return name.strip().lower().replace("_", "-")


_KNOWN_HOSTS = frozenset(urlsplit(region.base_url).hostname for region in REGIONS)
_GATEWAY = re.compile(r"[a-z0-9][a-z0-9_-]*\.[a-z0-9-]+\.maas\.aliyuncs\.com")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:]+")
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SUFFIXES = ("/api/v1", "/compatible-mode/v1")


def check_workspace(workspace: str) -> str:
    """The workspace id, if it can be one: it becomes a header and part of a host name."""
    if not _WORKSPACE.fullmatch(workspace):
        raise Misconfigured(f'"{workspace}" is not a workspace id: letters, digits, _ and -, at most 64')
    return workspace


@dataclass(frozen=True)
class Endpoint:
    """A base URL, taken apart and put together again, so that what was checked is what is called."""

    scheme: str
    host: str
    port: int | None = None
    prefix: str = ""
    named_outside_specs: bool = False

    @classmethod
    def for_region(cls, name: str, workspace: str | None = None) -> "Endpoint":
        """The endpoint of a region, by its name or an alias; that of a workspace in it, where it has one."""
        region = region_named(name)
        if region is None:
            raise Misconfigured(f'there is no region "{name}"', hint=_did_you_mean(_spelled(name)))
        pattern = region.workspace_url if workspace and region.workspace_url else region.base_url
        if "{workspace}" not in pattern:
            return cls.parse(pattern)
        if not workspace:
            raise Misconfigured(
                f"region {region.name} has a host for each workspace, and none is named",
                hint="write workspace: llm-… beside it; the console shows its id",
            )
        return cls.parse(pattern.format(workspace=check_workspace(workspace).lower()))

    @classmethod
    def parse(cls, base_url: str, *, named_outside_specs: bool = False) -> "Endpoint":
        """The endpoint of a base URL, with or without the path of one of the two APIs."""
        url = base_url.strip()
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise Misconfigured(f'"{base_url}" is not a URL: {error}') from None
        if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
            raise Misconfigured(f'"{base_url}" is not a base URL', hint="write it as https://host")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise Misconfigured(
                "a base URL has no user name, query or fragment", hint=f"write https://{host}"
            )
        prefix = parts.path.rstrip("/")
        for suffix in _SUFFIXES:
            prefix = prefix.removesuffix(suffix)
        return cls(parts.scheme, host, port, prefix, named_outside_specs)

    @property
    def base_url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{f':{self.port}' if self.port else ''}{self.prefix}"

    @property
    def native(self) -> str:
        return f"{self.base_url}/api/v1"

    @property
    def compatible(self) -> str:
        return f"{self.base_url}/compatible-mode/v1"

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def trusted(self) -> bool:
        """The service itself over https, or this machine."""
        if self.loopback:
            return True
        known = self.host in _KNOWN_HOSTS or _GATEWAY.fullmatch(self.host) is not None
        return known and self.scheme == "https" and self.port in {None, 443}

    def require_trust(self) -> None:
        """Stop before the key goes where only the specs want it to go."""
        if not (self.trusted or self.named_outside_specs):
            raise UntrustedEndpoint(
                f"the API key is not sent to {self.base_url}: it is no host of Model Studio"
                + (" over https" if self.scheme == "http" else ""),
                hint="if you trust it, name it outside the specs: --base-url URL, or WANCTL_BASE_URL=URL",
            )


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _did_you_mean(wanted: str) -> str:
    spellings = {spelling: one.name for one in REGIONS for spelling in (one.name, *one.aliases)}
    close = difflib.get_close_matches(wanted, spellings, n=1)
    listed = ", ".join(region.name for region in REGIONS)
    return f"did you mean {spellings[close[0]]}?" if close else f"the regions are {listed}"
