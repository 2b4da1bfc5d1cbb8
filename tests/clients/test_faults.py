"""Faults over a real connection: it is reset, it stays silent, or it carries half an answer."""

import socket
from typing import Any

import httpx
import openai
import pytest

from tests.clients.conftest import KEY, ServedSandbox
from tests.plain_http import http

FILES = "/compatible-mode/v1/files"


def arrange(served: ServedSandbox, kind: str, **rule: Any) -> None:
    served.call("POST", "/_sandbox/faults", json={"kind": kind, **rule})


def uploads(served: ServedSandbox) -> int:
    return int(served.sandbox.status()["counts"]["files"])


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("kind", "error"), [("reset", httpx.ReadError), ("timeout", httpx.ReadTimeout)], ids=["reset", "timeout"]
)
def test_no_answer(
    capfd: pytest.CaptureFixture[str], served: ServedSandbox, kind: str, error: type[Exception], when: str
) -> None:
    arrange(served, kind, when=when, count=1, method="POST", path=FILES)
    files, data = {"file": ("a.zip", b"x")}, {"purpose": "fine-tune"}
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=0.5) as client:
        with pytest.raises(error):
            client.post(FILES, files=files, data=data)
        assert uploads(served) == (when == "after")
        assert client.post(FILES, files=files, data=data).status_code == 200
    assert served.sandbox.faults()[0]["fired"] == 1
    assert capfd.readouterr().err == ""  # the server has nothing to complain of


def test_a_reset_is_one_on_the_wire(served: ServedSandbox) -> None:
    """Not merely an end: the peer's socket says so."""
    arrange(served, "reset", count=1)
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as wire:
        wire.sendall(b"GET /api/v1/fine-tunes HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            wire.recv(100)


@pytest.mark.parametrize(("kind", "empty"), [("truncated", False), ("empty", True)])
def test_a_broken_answer(served: ServedSandbox, kind: str, empty: bool) -> None:
    arrange(served, kind, count=1)
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = http.get(f"{served.url}/api/v1/fine-tunes", headers=headers)
    assert (answer.status_code, not answer.content) == (200, empty)
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


def test_the_openai_client_tries_again(served: ServedSandbox) -> None:
    """By itself, after each of these: an upload whose answer was lost is there twice."""
    client = openai.OpenAI(api_key=KEY, base_url=f"{served.url}/compatible-mode/v1", max_retries=2)
    arrange(served, "reset", when="after", count=1)
    arrange(served, "throttled", count=1)
    client.files.create(file=("a.zip", b"x"), purpose="fine-tune")
    assert uploads(served) == 2
    assert [line.status for line in served.sandbox.requests()] == [0, 429, 200]
