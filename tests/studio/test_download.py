"""Signed links: never with the key, from allowed places, whole or not at all."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.studio.service import Service, serve
from wanctl.studio.errors import NotFound, Refused, ServerError, StudioError

LINK = "https://oss.example/preview.mp4?Signature=SIGNED"


def fetch(service: Service, link: str, destination: Path, most: int = 1000) -> int:
    return service.ask(lambda studio: studio.download(link, destination, max_bytes=most))


def test_a_file_is_fetched_without_the_key(tmp_path: Path) -> None:
    service = serve(httpx.Response(200, content=b"video"))
    assert fetch(service, LINK, tmp_path / "a.mp4") == 5
    assert (tmp_path / "a.mp4").read_bytes() == b"video"
    assert "authorization" not in service.requests[0].headers
    assert "x-dashscope-workspace" not in service.requests[0].headers


@pytest.mark.parametrize(
    ("link", "allowed"),
    [
        ("https://anywhere.example/a", True),
        ("http://127.0.0.1:8000/a", True),
        ("http://localhost/a", True),
        ("http://anywhere.example/a", False),
        ("http://dashscope-intl.aliyuncs.com/a", False),
        ("file:///etc/passwd", False),
        ("ftp://anywhere.example/a", False),
        ("", False),
        ("https://", False),
        ("https://user@anywhere.example/a", False),
        ("https://user:secret@anywhere.example/a", False),
        ("http://:secret@127.0.0.1:8000/a", False),
    ],
)
def test_links_are_followed_to_allowed_places_only(tmp_path: Path, link: str, allowed: bool) -> None:
    service = serve(httpx.Response(200, content=b"x"))
    if allowed:
        assert fetch(service, link, tmp_path / "a") == 1
    else:
        with pytest.raises(Refused):
            fetch(service, link, tmp_path / "a")
        assert service.requests == []


def test_a_redirect_is_followed_under_the_same_rules(tmp_path: Path) -> None:
    def found(location: str) -> httpx.Response:
        return httpx.Response(302, headers={"location": location})

    service = serve(found("/b.mp4"), found("https://else.example/c.mp4"), httpx.Response(200, content=b"x"))
    assert fetch(service, LINK, tmp_path / "a") == 1
    hosts = [f"{one.url.host}{one.url.path}" for one in service.requests]
    assert hosts == ["oss.example/preview.mp4", "oss.example/b.mp4", "else.example/c.mp4"]
    for location in ("http://else.example/", "file:///etc/passwd", "https://u:p@oss.example/b"):
        with pytest.raises(Refused):
            fetch(serve(found(location)), LINK, tmp_path / "b")
    with pytest.raises(Refused, match="does not end"):
        fetch(serve(found("/round")), LINK, tmp_path / "b")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(403, text="<Error>AccessDenied</Error>"), NotFound),
        (httpx.Response(404), NotFound),
        (httpx.Response(500), ServerError),
        (httpx.ReadTimeout("slow"), ServerError),
        (httpx.Response(206, content=b"part"), Refused),
        (httpx.Response(200, content=b"x" * 1001), Refused),
    ],
)
def test_what_fails_leaves_nothing_behind(
    tmp_path: Path, answer: httpx.Response | Exception, expected: type[StudioError]
) -> None:
    old = tmp_path / "a.mp4"
    old.write_bytes(b"old")
    with pytest.raises(expected) as caught:
        fetch(serve(answer), LINK, old)
    assert "SIGNED" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert old.read_bytes() == b"old"


def test_a_file_that_comes_too_slowly_is_given_up(tmp_path: Path) -> None:
    class Dripping(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(0.01)
                yield b"x"

    service = Service(lambda _: httpx.Response(200, stream=Dripping()))
    with pytest.raises(ServerError, match=r"did not come within 0\.1 s") as caught:
        service.ask(lambda studio: studio.download(LINK, tmp_path / "a", max_bytes=10**9, within=0.1))
    assert "SIGNED" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
