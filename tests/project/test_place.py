"""Where the account is, as the head of a plan says it: keys, models and prices depend on it."""

from pathlib import Path

import pytest

from wanctl.language.settings import Settings
from wanctl.project.host import Host
from wanctl.project.provider import endpoint_name, place_name, resolve_endpoint


@pytest.mark.parametrize(
    ("more", "named", "place"),
    [
        ({}, None, None),
        ({"provider": "model-studio"}, None, "singapore"),
        ({"provider": "model-studio", "region": "beijing"}, None, "beijing"),
        ({"provider": "model-studio"}, "http://127.0.0.1:8080", "127.0.0.1:8080"),
        (
            {"provider": "model-studio", "base_url": "https://dashscope-us.aliyuncs.com"},
            None,
            "dashscope-us.aliyuncs.com",
        ),
    ],
)
def test_place(more: dict[str, str], named: str | None, place: str | None) -> None:
    settings = Settings.model_validate({"version": 1, "project": "rain", **more})
    environ = {"WANCTL_BASE_URL": named} if named else {}
    assert place_name(settings, Host(environ=environ, home=Path("/nonexistent"))) == place


@pytest.mark.parametrize(
    ("region", "called", "bound"),
    [
        (
            "singapore",
            "https://llm-1.ap-southeast-1.maas.aliyuncs.com",
            "https://dashscope-intl.aliyuncs.com",
        ),
        ("beijing", "https://llm-1.cn-beijing.maas.aliyuncs.com", "https://dashscope.aliyuncs.com"),
        ("frankfurt", *["https://llm-1.eu-central-1.maas.aliyuncs.com"] * 2),
        ("us-virginia", *["https://dashscope-us.aliyuncs.com"] * 2),
    ],
)
def test_a_workspace_is_called_at_its_own_host_and_keeps_its_ledger(
    region: str, called: str, bound: str
) -> None:
    head = {"version": 1, "project": "rain", "provider": "model-studio", "region": region}
    settings = Settings.model_validate({**head, "workspace": "llm-1"})
    host = Host(environ={}, home=Path("/nonexistent"))
    assert resolve_endpoint(settings, host).base_url == called
    assert endpoint_name(settings, host) == bound
