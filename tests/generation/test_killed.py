"""A run that is killed at each call and each write of a request, and run again: one task is paid."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest

from tests.generation.conftest import MODEL, VideoStage
from wanctl.base.files import replace_file
from wanctl.project import Project
from wanctl.project.generating import generate

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="forks are what this is made of"),
]

REQUEST = {"model": MODEL, "prompt": "it rains", "audio": "rain.wav", "image": "face.png"}
WRITES, CALLS = "write", "call"
ENDINGS = ("before", "after")


def counting(at: tuple[str, int, str] | None, seen: list[tuple[str, int]]) -> Callable[[str, str], None]:
    """Notes each moment once, and ends this process at the one that is meant."""
    numbers: dict[str, int] = {}

    def meet(kind: str, when: str) -> None:
        if when == "before":
            numbers[kind] = numbers.get(kind, 0) + 1
            seen.append((kind, numbers[kind]))
        if at == (kind, numbers[kind], when):
            os.kill(os.getpid(), signal.SIGKILL)

    return meet


def played(at: tuple[str, int, str] | None) -> list[tuple[str, int]]:
    """The request, in this process; what it met."""
    seen: list[tuple[str, int]] = []
    meet = counting(at, seen)

    class Transport(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            meet(CALLS, "before")
            response = await super().handle_async_request(request)
            await response.aread()
            meet(CALLS, "after")
            return response

    def replaced(*given: Any, **named: Any) -> None:
        meet(WRITES, "before")
        replace_file(*given, **named)
        meet(WRITES, "after")

    with (
        mock.patch("wanctl.project.provider.httpx.ASGITransport", Transport),
        mock.patch("wanctl.generation.records.replace_file", replaced),
    ):
        generate(REQUEST, Project.open(Path("specs")))
    return seen


def killed(at: tuple[str, int, str]) -> bool:
    """In a child, which is gone afterwards; whether it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            played(at)
            code = 0
        finally:
            os._exit(code)
    _, ended = os.waitpid(child, 0)
    return os.WIFSIGNALED(ended)


def sound(path: Path) -> None:
    """Four seconds of silence, as a WAV."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes([128]) * 32000)


def test_killed_anywhere_it_is_paid_once(stage: VideoStage, monkeypatch: pytest.MonkeyPatch) -> None:
    sound(stage.folder / "rain.wav")
    moments = played(None)
    assert {(WRITES, 1), (WRITES, 2), (WRITES, 3), (CALLS, 1), (CALLS, 3)} <= set(moments)
    for number, (kind, nth) in enumerate(moments):
        for when in ENDINGS:
            folder = stage.folder / f"{number}-{when}"
            (folder / "specs").mkdir(parents=True)
            (folder / ".git").mkdir()
            for name in ("specs/wanctl.yaml", "face.png", "rain.wav"):
                (folder / name).write_bytes((stage.folder / name).read_bytes())
            monkeypatch.chdir(folder)
            here = VideoStage(folder)
            assert killed((kind, nth, when)), (kind, nth, when)
            made = generate(REQUEST, Project.open(Path("specs")))
            assert made.file.read_bytes()[4:8] == b"ftyp"
            assert len(here.tasks()) == 1, (kind, nth, when, here.records())
            assert [one["state"] for one in here.records()] == ["done"]
