"""A folder with a project whose account is the embedded sandbox, an image, and the commands in it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from tests.sandbox.conftest import Http
from tests.scenarios.playing import run_wanctl
from wanctl.sandbox import Sandbox

HEAD: dict[str, Any] = {
    "version": 1,
    "project": "rain",
    "sandbox": {"speed": "instant", "seed": 1, "start": "2026-03-18T09:00:00+08:00"},
}
MODEL = "wan2.6-i2v-flash"


@dataclass(frozen=True)
class VideoStage:
    """Where commands are run, and what the account saw of them."""

    folder: Path

    def generate(self, *words: str) -> tuple[str, int]:
        """The command, and everything that it prints."""
        return run_wanctl("generate", *words)

    def made(self, *words: str) -> dict[str, Any]:
        """The JSON of a command that has to succeed."""
        printed, code = self.generate(*words, "--format", "json")
        assert code == 0, printed
        found: dict[str, Any] = json.loads(f"\n{printed}"[f"\n{printed}".index("\n{\n") :])
        return found

    @property
    def image(self) -> tuple[str, ...]:
        return ("--model", MODEL, "--image", "face.png", "--prompt", "it rains")

    @property
    def videos(self) -> Path:
        return self.folder / "output" / "ai-video-wan-video" / "videos"

    def sandbox(self) -> Sandbox:
        return Sandbox.open(self.folder / "specs" / ".wanctl" / "sandbox")

    def arrange(self, kind: str, **rule: Any) -> None:
        sandbox = self.sandbox()
        sandbox.add_fault(kind, **rule)
        sandbox.close()

    def rig(self, **arranged: Any) -> None:
        sandbox = self.sandbox()
        Http(sandbox).post("/_sandbox/rig", json=arranged)
        sandbox.close()

    def tasks(self) -> list[dict[str, Any]]:
        """What was started, and so is paid unless it failed or was canceled."""
        sandbox = self.sandbox()
        found = list(sandbox.status()["tasks"])
        sandbox.close()
        return found

    def calls(self, method: str, part: str) -> int:
        sandbox = self.sandbox()
        count = sum(one.method == method and part in one.path for one in sandbox.requests())
        sandbox.close()
        return count

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(self.videos.glob("*.json"))]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VideoStage:
    for name in [one for one in os.environ if one.startswith(("DASHSCOPE_", "WANCTL_", "OUTPUT_"))]:
        monkeypatch.delenv(name)
    (tmp_path / ".git").mkdir()
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "wanctl.yaml").write_text(yaml.safe_dump(HEAD), encoding="utf-8")
    Image.new("RGB", (640, 360), (200, 30, 40)).save(tmp_path / "face.png")
    Image.new("RGB", (640, 360), (20, 130, 40)).save(tmp_path / "end.png")
    monkeypatch.chdir(tmp_path)
    return VideoStage(tmp_path)
