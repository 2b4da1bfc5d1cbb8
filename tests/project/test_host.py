"""The facts of the machine, also where it tells little."""

from pathlib import Path

import pytest

from wanctl.project.host import Host
from wanctl.studio.credentials import find_key
from wanctl.studio.errors import StudioError


def test_a_user_whom_nobody_knows_has_no_home_and_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is in a container that runs as any uid."""

    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(Path, "home", nowhere)
    monkeypatch.setattr("getpass.getuser", nobody)
    host = Host(environ={})
    assert host.actor == "unknown"
    find_key({"DASHSCOPE_API_KEY": "sk-one"}, host.home)
    with pytest.raises(StudioError, match="DASHSCOPE_API_KEY"):
        find_key({}, host.home)
