"""Answers and downloads have a size and a time as a whole, whatever a server does."""

import asyncio
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.studio.service import SECRET, Service, serve
from wanctl.base.bounded import LONGEST_LINK, usable_link
from wanctl.studio import wire
from wanctl.studio.client import Studio
from wanctl.studio.credentials import Key
from wanctl.studio.errors import LostAnswer, Misconfigured, Refused, ServerError
from wanctl.studio.regions import Endpoint
from wanctl.studio.wire import open_http


class _Dripping(BaseHTTPRequestHandler):
    """Sends a byte now and then, for ever."""

    stop = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        while not self.stop.wait(0.02):
            try:
                self.wfile.write(b" ")
            except OSError:
                return

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base has it
        """Nobody reads it."""


@contextmanager
def dripping() -> Iterator[str]:
    _Dripping.stop.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Dripping)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        _Dripping.stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


async def _no_sleep(_: float) -> None:
    """Tries follow each other at once."""


def test_an_answer_that_drips_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LONGEST_CALL", 0.1)

    async def ask(url: str) -> None:
        async with Studio(Endpoint.parse(url), Key(SECRET), sleep=_no_sleep) as studio:
            with pytest.raises(ServerError, match="whole answer did not come within"):
                await studio.jobs.get("ft-1")
            with pytest.raises(LostAnswer, match="may have had its effect"):
                await studio.jobs.create({"model": "wan2.6-i2v"})

    with dripping() as url:
        asyncio.run(ask(url))


def test_a_download_that_drips_ends(tmp_path: Path) -> None:
    async def ask(url: str) -> None:
        async with Studio(Endpoint.parse(url), Key(SECRET), sleep=_no_sleep) as studio:
            with pytest.raises(ServerError, match=r"did not come within 0\.1 s"):
                await studio.download(f"{url}/x.mp4", tmp_path / "x", max_bytes=10**6, within=0.1)

    with dripping() as url:
        asyncio.run(ask(url))
    assert list(tmp_path.iterdir()) == []


def test_what_unpacks_to_too_much_is_no_answer() -> None:
    bomb = httpx.Response(200, content=gzip.compress(b"\0" * 80_000_000))
    bomb.headers["content-encoding"] = "gzip"
    with pytest.raises(ServerError, match="unpacks to more than 32 MB"):
        serve(bomb).ask(lambda studio: studio.jobs.get("ft-1"))


def test_what_is_packed_is_unpacked() -> None:
    packed = httpx.Response(200, content=gzip.compress(b'{"output": {"job_id": "ft-1"}}'))
    packed.headers["content-encoding"] = "gzip"
    assert serve(packed).ask(lambda studio: studio.jobs.get("ft-1")).job_id == "ft-1"


def test_nothing_packed_is_asked_for() -> None:
    service = serve(httpx.Response(200, json={"output": {"job_id": "ft-1"}}))
    service.ask(lambda studio: studio.jobs.get("ft-1"))
    assert service.requests[0].headers["accept-encoding"] == "identity"


def test_thousands_of_previews_are_not_read_to_their_end() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page_no"])
        rows = [{"video_path": f"https://b.oss/{page}/{number}.mp4"} for number in range(100)]
        return httpx.Response(200, json={"output": {"list": rows, "total": 100_000}})

    service = Service(answer)
    with pytest.raises(ServerError, match="more than 5,000 rows"):
        service.ask(lambda studio: studio.jobs.previews("ft-1", "checkpoint-20"))
    assert len(service.requests) < 60


@pytest.mark.parametrize(
    "link",
    ["https://[::1/x", "https://h:99999/x", "https://h/\ud800", "x" * (LONGEST_LINK + 1), "https://h/\0"],
)
def test_what_is_no_link_is_refused_with_a_sentence(link: str, tmp_path: Path) -> None:
    assert usable_link(link) is None
    with pytest.raises(Refused, match="not a URL that can be followed"):
        serve(httpx.Response(200)).ask(lambda studio: studio.download(link, tmp_path / "x", max_bytes=9))


@pytest.mark.parametrize("proxy", ["ftp://x", "http://[::1"])
def test_a_proxy_that_is_none_is_said(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(Misconfigured, match="a proxy in the environment"):
        open_http(Endpoint.parse("https://dashscope-intl.aliyuncs.com"), None, {})
