"""Over real sockets: resets, truncated bodies, large uploads, proxies; and what the logs show."""

import asyncio
import logging
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from tests.studio.service import SECRET, job, native, native_error, serve
from wanctl.studio.client import Studio
from wanctl.studio.credentials import Key
from wanctl.studio.errors import LostAnswer, ServerError, StudioError, Unreachable
from wanctl.studio.regions import Endpoint

_Result = TypeVar("_Result")
Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def no_sleep(_: float) -> None: ...


def over_a_socket(answering: Answering, question: Callable[[Studio], Awaitable[_Result]]) -> _Result:
    """Ask a server of a few lines that does to its connections what no framework would do."""

    async def serving() -> _Result:
        server = await asyncio.start_server(answering, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with (
            server,
            Studio(Endpoint.parse(f"http://127.0.0.1:{port}"), Key(SECRET), sleep=no_sleep) as studio,
        ):
            return await question(studio)

    return asyncio.run(serving())


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


async def truncate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"output": {"job_id"')
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("answering", [reset, truncate])
def test_a_broken_connection_is_a_lost_answer_to_a_create_and_a_fault_to_a_read(answering: Answering) -> None:
    requests = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        await answering(reader, writer)

    with pytest.raises(LostAnswer):
        over_a_socket(counted, lambda studio: studio.jobs.create({"model": "wan2.6-i2v"}))
    assert requests == 1
    with pytest.raises(ServerError):
        over_a_socket(counted, lambda studio: studio.jobs.get("ft-1"))
    assert requests == 6


def test_a_closed_port_is_unreachable() -> None:
    async def asking() -> None:
        server = await asyncio.start_server(reset, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        async with Studio(Endpoint.parse(f"http://127.0.0.1:{port}"), Key(SECRET), sleep=no_sleep) as studio:
            with pytest.raises(Unreachable):
                await studio.jobs.create({})

    asyncio.run(asking())


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://127.0.0.1:9", False),
        ("https://127.0.0.1:9", True),
        ("https://dashscope-intl.aliyuncs.com", True),
    ],
)
def test_authorities_are_read_for_https_only(url: str, read: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    load = ssl.create_default_context

    def noted(*arguments: Any, **more: Any) -> ssl.SSLContext:
        asked.append(more.get("cafile"))
        return load(*arguments, **more)

    monkeypatch.setattr(ssl, "create_default_context", noted)
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    async def main() -> None:
        async with Studio(Endpoint.parse(url), Key(SECRET)):
            """Opened, and nothing asked."""

    asyncio.run(main())
    assert bool(asked) is read


def test_a_proxy_of_the_environment_does_not_see_what_stays_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"GET /api/v1/")
        body = b'{"output": {"job_id": "ft-1"}}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    assert over_a_socket(answering, lambda studio: studio.jobs.get("ft-1")).job_id == "ft-1"


UPLOADING = """
import asyncio, resource, sys
from pathlib import Path
from wanctl.studio.client import Studio
from wanctl.studio.credentials import Key
from wanctl.studio.regions import Endpoint

async def answer(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\\r\\n")[0])
    while length > 0:
        length -= len(await reader.read(1 << 16))
    writer.write(b'HTTP/1.1 200 OK\\r\\nContent-Length: 18\\r\\n\\r\\n{"id":"file-ft-1"}')
    await writer.drain()

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Studio(Endpoint.parse(f"http://127.0.0.1:{port}"), Key("sk-x")) as studio:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await studio.files.upload(Path(sys.argv[1]), "big.zip")
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

asyncio.run(main())
"""


def test_an_upload_takes_little_memory_however_large_it_is(tmp_path: Path) -> None:
    big = tmp_path / "big.zip"
    with big.open("wb") as file:
        file.truncate(200_000_000)
    done = subprocess.run(
        [sys.executable, "-c", UPLOADING, str(big)], capture_output=True, text=True, check=True
    )
    grown = int(done.stdout) * (1 if sys.platform != "darwin" else 1 / 1024)
    assert grown < 64_000, f"{grown} kB more"


def everything(studio: Studio) -> list[Awaitable[Any]]:
    return [
        studio.jobs.create({"model": "m"}),
        studio.jobs.get("ft-1"),
        studio.jobs.list(),
        studio.checkpoints.export("ft-1", "checkpoint-20", "name"),
        studio.deployments.delete("m-1"),
        studio.download("https://oss.example/a.mp4?Signature=SIGNED", Path("/nowhere/a.mp4"), max_bytes=1),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        native(job()),
        native_error(401, "InvalidApiKey", "no"),
        httpx.Response(500),
        httpx.Response(302, headers={"location": "https://oss.example/b.mp4?Signature=SIGNED"}),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
    ],
)
def test_neither_the_key_nor_a_signature_is_ever_shown(
    answer: httpx.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def ask_everything(studio: Studio) -> list[BaseException | Any]:
        return list(await asyncio.gather(*everything(studio), return_exceptions=True))

    shown = repr(serve(answer).ask(ask_everything)) + caplog.text
    shown += "".join(repr(vars(record)) for record in caplog.records)
    for error in serve(answer).ask(ask_everything):
        while isinstance(error, BaseException):
            shown += f"{error} {error!r}" + (repr(vars(error)) if isinstance(error, StudioError) else "")
            error = error.__cause__ or error.__context__
    assert caplog.records
    assert SECRET not in shown
    assert "SIGNED" not in shown


def test_the_http_library_logs_over_real_sockets_without_signatures(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        elsewhere = b"http://127.0.0.1:1/b?Signature=SIGNED"
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % elsewhere)
        await writer.drain()
        writer.close()

    with pytest.raises(StudioError):
        over_a_socket(answering, lambda studio: studio.jobs.get("ft-1"))
    assert "httpcore" in caplog.text
    assert "SIGNED" not in caplog.text
    assert SECRET not in caplog.text


def test_a_call_is_logged_with_its_request_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wanctl.studio")
    serve(native(job())).ask(lambda studio: studio.jobs.get("ft-1"))
    assert "GET /api/v1/fine-tunes/ft-1 → 200, request id req-1, " in caplog.text
