"""Where the account is, as the head of a plan says it: keys, models and prices depend on it."""

from pathlib import Path

import pytest

from wanctl.language.settings import Settings
from wanctl.project.host import Host
from wanctl.project.provider import place_name


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
