"""Regions, base URLs, and where the key may go."""

import pytest

from wanctl.studio.errors import Misconfigured, UntrustedEndpoint
from wanctl.studio.regions import REGIONS, Endpoint, region_of

INTL = "https://dashscope-intl.aliyuncs.com"


@pytest.mark.parametrize(
    ("name", "workspace", "base"),
    [
        ("singapore", None, INTL),
        ("intl", None, INTL),
        ("AP_Southeast_1", None, INTL),
        ("singapore", "llm-ABC", "https://llm-abc.ap-southeast-1.maas.aliyuncs.com"),
        ("beijing", None, "https://dashscope.aliyuncs.com"),
        ("cn", "llm-abc", "https://llm-abc.cn-beijing.maas.aliyuncs.com"),
        ("us-virginia", "llm-abc", "https://dashscope-us.aliyuncs.com"),
        ("hong-kong", "llm-abc", "https://cn-hongkong.dashscope.aliyuncs.com"),
        ("frankfurt", "llm-abc", "https://llm-abc.eu-central-1.maas.aliyuncs.com"),
    ],
)
def test_regions_by_name_and_alias(name: str, workspace: str | None, base: str) -> None:
    endpoint = Endpoint.for_region(name, workspace)
    assert endpoint.native == f"{base}/api/v1"
    assert endpoint.compatible == f"{base}/compatible-mode/v1"
    assert endpoint.trusted


def test_a_misspelt_region_is_guessed() -> None:
    with pytest.raises(Misconfigured, match="did you mean singapore"):
        Endpoint.for_region("singapur")
    with pytest.raises(Misconfigured, match="the regions are singapore, beijing"):
        Endpoint.for_region("mars")


def test_a_region_of_workspaces_needs_one() -> None:
    with pytest.raises(Misconfigured, match="none is named"):
        Endpoint.for_region("frankfurt")
    with pytest.raises(Misconfigured):
        Endpoint.for_region("frankfurt", "evil.example/")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (INTL, "singapore"),
        ("https://llm-1.ap-southeast-1.maas.aliyuncs.com/api/v1", "singapore"),
        ("https://llm-1.cn-beijing.maas.aliyuncs.com", "beijing"),
        ("https://llm-1.eu-central-1.maas.aliyuncs.com", "frankfurt"),
        ("https://llm-1.mars.maas.aliyuncs.com", None),
        ("http://127.0.0.1:8000", None),
    ],
)
def test_a_known_host_tells_its_region(url: str, name: str | None) -> None:
    region = region_of(url)
    assert (region.name if region else None) == name


def test_names_of_regions_do_not_overlap() -> None:
    names = [name for region in REGIONS for name in (region.name, *region.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "path", ["", "/", "/api/v1", "/api/v1/", "/compatible-mode/v1", "/compatible-mode/v1/"]
)
def test_a_base_url_may_end_with_the_path_of_an_api(path: str) -> None:
    assert Endpoint.parse(f"https://dashscope.aliyuncs.com{path}") == Endpoint.for_region("beijing")


@pytest.mark.parametrize(
    "url",
    [
        "https://dashscope-intl.aliyuncs.com",
        "https://dashscope-intl.aliyuncs.com:443/api/v1",
        "https://DASHSCOPE-INTL.aliyuncs.com",
        "https://llm-1.ap-southeast-1.maas.aliyuncs.com",
        "http://127.0.0.1:8000",
        "http://localhost:8000/prefix",
        "http://[::1]:8000",
        "https://127.8.8.8",
    ],
)
def test_trusted(url: str) -> None:
    endpoint = Endpoint.parse(url)
    assert endpoint.trusted
    endpoint.require_trust()


@pytest.mark.parametrize(
    "url",
    [
        "http://dashscope-intl.aliyuncs.com",
        "https://dashscope-intl.aliyuncs.com:8443",
        "https://dashscope-intl.aliyuncs.com.evil.example",
        "https://evil.example/dashscope-intl.aliyuncs.com",
        "https://evil-dashscope-intl.aliyuncs.com",
        "https://bucket.oss-cn-beijing.aliyuncs.com",
        "https://maas.aliyuncs.com.evil.example",
        "https://evil.example/.maas.aliyuncs.com",
        "https://localhost.evil.example",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://2130706433",
    ],
)
def test_untrusted_unless_named_outside_the_specs(url: str) -> None:
    with pytest.raises(UntrustedEndpoint, match="not sent to"):
        Endpoint.parse(url).require_trust()
    Endpoint.parse(url, named_outside_specs=True).require_trust()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "dashscope.aliyuncs.com",
        "ftp://dashscope.aliyuncs.com",
        "https://",
        "https://user:pass@dashscope.aliyuncs.com",
        "https://dashscope.aliyuncs.com\\@evil.example",
        "https://dashscope.aliyuncs.com?next=evil",
        "https://dashscope.aliyuncs.com#x",
        "https://dashscope.aliyuncs.com:port",
        "https://dash scope.aliyuncs.com",
        "https://dashscopе.aliyuncs.com",  # noqa: RUF001 - a Cyrillic letter in the host is the point
        "https://[::1",
    ],
)
def test_no_base_url(url: str) -> None:
    with pytest.raises(Misconfigured):
        Endpoint.parse(url)
