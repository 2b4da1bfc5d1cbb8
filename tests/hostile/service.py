"""Hostile answers and links: what the service, or the host of a preview, can send."""

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.hostile.judging import Judged
from tests.studio.service import Service
from wanctl.studio.client import Studio
from wanctl.studio.download import LONGEST_DOWNLOAD

_Ask = Callable[[Studio], Any]
_BOMB = gzip.compress(b"\0" * 80_000_000, 9)
_DEEP = b'{"output": ' + b"[" * 100_000
_ROW = {"job_id": "ft-1", "status": "RUNNING"}


def _answer(name: str, response: httpx.Response, ask: _Ask) -> Judged:
    def judge(_: Path) -> object:
        found = Service([response]).ask(ask)
        return f"{len(found)} rows" if isinstance(found, tuple) else type(found).__name__

    return Judged(name, judge, lambda: response.content)


def _list(name: str, content: Any, **headers: str) -> Judged:
    """To the list of jobs, of which everything else depends."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return _answer(
        name, httpx.Response(200, content=body, headers=headers), lambda studio: studio.jobs.list()
    )


def _job(name: str, **fields: Any) -> Judged:
    body = json.dumps({"output": {**_ROW, **fields}})

    def judge(_: Path) -> object:
        answer = httpx.Response(200, content=body)
        job = Service([answer]).ask(lambda studio: studio.jobs.get("ft-1"))
        shown = {field: getattr(job, field, None) for field in fields}
        return json.dumps(shown, ensure_ascii=True, default=str)[:400]

    return Judged(name, judge, body.encode)


def _create(name: str, response: httpx.Response) -> Judged:
    """To a call that is billed: what it had for an effect must never be guessed."""
    return _answer(name, response, lambda studio: studio.jobs.create({"model": "wan2.6-i2v"}))


def _raw(name: str, content: bytes, **headers: str) -> Judged:
    kept = {key.replace("_", "-"): value for key, value in headers.items()}
    return _answer(name, _Packed(content, kept).response(), lambda studio: studio.jobs.list())


class _Packed:
    """A response whose content is sent as it is, whatever its headers say of it."""

    def __init__(self, content: bytes, headers: dict[str, str]) -> None:
        self._content, self._headers = content, headers

    def response(self) -> httpx.Response:
        made = httpx.Response(200, content=self._content)
        made.headers.update(self._headers)
        return made


def _rows(rows: list[Any], **beside: Any) -> dict[str, Any]:
    return {"output": {"jobs": rows, "total": len(rows), **beside}}


def _later(when: str) -> httpx.Response:
    return httpx.Response(429, headers={"retry-after": when})


ANSWERS = (
    _list("nothing", b""),
    _list("a page of HTML", b"<html><body>gateway</body></html>"),
    _list("binary", bytes(range(256))),
    _list("nested 100,000 levels", _DEEP),
    _list("a number of 100,000 digits", b'{"output": {"total": ' + b"9" * 100_000 + b', "jobs": []}}'),
    _list("NaN as a total", b'{"output": {"total": NaN, "jobs": []}}'),
    _list("a list", []),
    _list("null", None),
    _list("text", "all is well"),
    _list("an output of null", {"output": None}),
    _list("an output of text", {"output": "jobs"}),
    _list("rows that are null", _rows([None])),
    _list("rows that are numbers", _rows([1, 2])),
    _list("rows without a name", _rows([{"status": "RUNNING"}])),
    _list("a name that is a list", _rows([{"job_id": ["ft-1"]}])),
    _list("a name of half a letter", b'{"output": {"total": 1, "jobs": [{"job_id": "\\ud800"}]}}'),
    _list("a total that is less", _rows([_ROW], total=0)),
    _list("a total that is more", _rows([_ROW], total=5)),
    _list("a total that is negative", _rows([], total=-1)),
    _list("more to come without rows", _rows([], has_more=True)),
    _list("more to come, perhaps", _rows([_ROW], has_more="perhaps", total=None)),
    _list("two lists", {"output": {"a": [_ROW], "b": [_ROW]}}),
    _list("a failure in a success", {"code": "InternalError", "message": "no"}),
    _list("a failure of a number", {"code": 7, "message": ["x"]}),
    _list("a success in words", {"code": "Success", **_rows([_ROW])}),
    _list("escape sequences in a failure", {"code": "\x1b[2J", "message": "\x1b]0;x\x07\u202e"}),
    _list("a message of a megabyte", {"code": "Odd", "message": "x" * 1_000_000}),
    _list("a key in the message", {"code": "Odd", "message": "sk-0123456789abcdef is wrong"}),
    _list(
        "a signed link in the message", {"code": "Odd", "message": "see https://b.oss/x?Signature=PLANTED"}
    ),
    _raw("a bomb of gzip", _BOMB, content_encoding="gzip"),
    _raw("a bomb of deflate", zlib.compress(b"\0" * 80_000_000), content_encoding="deflate"),
    _raw("gzip that is none", b"no gzip", content_encoding="gzip"),
    _raw("a packing that nobody asked for", b"x", content_encoding="br"),
    _raw("packed twice", gzip.compress(b"{}"), content_encoding="gzip, gzip"),
    _raw("an answer of 40 MB", b" " * 40_000_000),
    _answer(
        "a redirection", httpx.Response(302, headers={"location": "https://evil/"}), lambda s: s.jobs.list()
    ),
    _answer("a status that nobody knows", httpx.Response(299, content=b"x"), lambda s: s.jobs.list()),
    _answer("a teapot", httpx.Response(418, content=b"short and stout"), lambda s: s.jobs.list()),
    _answer("a failure that is a list", httpx.Response(400, json=[1]), lambda s: s.jobs.list()),
    _answer("a retry in a year", _later("31536000"), lambda s: s.jobs.list()),
    _answer("a retry at NaN", _later("nan"), lambda s: s.jobs.list()),
    _answer("an id that climbs", httpx.Response(404), lambda s: s.jobs.get("../../x")),
    _answer("an id of a megabyte", httpx.Response(404), lambda s: s.jobs.get("x" * 1_000_000)),
    _answer("an id of half a letter", httpx.Response(404), lambda s: s.jobs.get("\ud800")),
    _answer("an id with a NUL", httpx.Response(404), lambda s: s.jobs.get("a\0b")),
    _job("a status of nobody", status="DANCING"),
    _job("a status that is a list", status=["RUNNING"]),
    _job("a status of escape sequences", status="\x1b[2JRUNNING"),
    _job("a usage of text", usage="many"),
    _job("a usage without end", usage=1e400),
    _job("a usage that is negative", usage=-5),
    _job("a time that is none", create_time="2026-99-99 25:61:61"),
    _job("a time of the year 0", create_time="0000-00-00 00:00:00"),
    _job("a time of a number", create_time=10**30),
    _job("parameters of text", hyper_parameters="n_epochs=1"),
    _job("files that are numbers", training_file_ids=[1, None, {"a": 1}]),
    _job("a signed link as its name", job_name="https://b.oss/x?Signature=PLANTED"),
    _create("billed, and an empty answer", httpx.Response(200, content=b"")),
    _create("billed, and no id", httpx.Response(200, json={"output": {}})),
    _create("billed, and a page", httpx.Response(502, content=b"<html>")),
    _create("billed, and a bomb", _Packed(_BOMB, {"content-encoding": "gzip"}).response()),
    _create("billed, and refused", httpx.Response(400, json={"code": "InvalidParameter", "message": "no"})),
)


def _link(name: str, link: str, answer: httpx.Response | None = None) -> Judged:
    """A preview's link; behind it is a good file unless another answer is given."""

    def judge(folder: Path) -> object:
        folder.mkdir(parents=True, exist_ok=True)
        service = Service([answer or httpx.Response(200, content=b"film")])
        place = folder / "film.mp4"

        async def fetch(studio: Studio) -> int:
            return await studio.download(link, place, max_bytes=1_000_000, within=LONGEST_DOWNLOAD)

        size = service.ask(fetch)
        assert all("authorization" not in request.headers for request in service.requests)
        return f"{size} bytes"

    return Judged(name, judge)


_GOOD = "https://b.oss/x.mp4?Signature=PLANTED"
_TARGETS = {
    "plain http": "http://evil/x.mp4",
    "a file": "file:///etc/passwd",
    "ftp": "ftp://evil/x.mp4",
    "data": "data:video/mp4;base64,AAAA",
    "javascript": "javascript:alert(1)",
    "no scheme": "//evil/x.mp4",
    "a path": "/etc/passwd",
    "nothing": "",
    "blanks": "   ",
    "a user and a password": "https://user:PLANTED@evil/x.mp4",
    "a user": "https://user@evil/x.mp4",
    "no host": "https:///x.mp4",
    "an open bracket": "https://[::1/x.mp4",
    "an address that is none": "https://[zz::1]/x.mp4",
    "an address of too many parts": "https://[1:2:3:4:5:6:7:8:9]/x.mp4",
    "a port beyond all": "https://evil:99999/x.mp4",
    "a port of 0": "https://evil:0/x.mp4",
    "a negative port": "https://evil:-1/x.mp4",
    "a port of letters": "https://evil:http/x.mp4",
    "a NUL": "https://evil/a\0b.mp4",
    "a line's end": "https://evil/a\r\nHost: b",
    "half a letter": "https://evil/\ud800.mp4",
    "half a letter as host": "https://\ud800/x.mp4",
    "5,000 characters": "https://evil/" + "x" * 5_000,
    "10,000 characters": "https://evil/" + "x" * 10_000,
    "100,000 characters of a host": "https://" + "a" * 100_000,
    "a label of 70 characters": "https://" + "a" * 70 + ".com/x",
    "dots": "https://../x",
    "letters of another script": "https://\u0430li.com/x.mp4",
    "text that runs backwards": "https://evil/\u202e4pm.x",
    "a backslash": "https://evil\\@good/x.mp4",
    "a percent sign": "https://evil/%zz%",
    "this very machine, by its name": "https://localhost:1/x.mp4",
    "the clouds' own address": "http://169.254.169.254/latest/meta-data",
}
LINKS = (
    *(_link(f"link: {name}", link) for name, link in _TARGETS.items()),
    *(
        _link(f"redirected to: {name}", _GOOD, httpx.Response(302, headers={"location": link}))
        for name, link in _TARGETS.items()
        if link.isprintable() and link.isascii()
    ),
    _link("redirected to itself", _GOOD, httpx.Response(302, headers={"location": _GOOD})),
    _link("redirected to nowhere", _GOOD, httpx.Response(302)),
    _link("a file that is too large", _GOOD, httpx.Response(200, content=b"x" * 2_000_000)),
    _link("a bomb", _GOOD, _Packed(_BOMB, {"content-encoding": "gzip"}).response()),
    _link("a packing that nobody asked for", _GOOD, _Packed(b"x", {"content-encoding": "zstd"}).response()),
    _link("gone", _GOOD, httpx.Response(404, content=b"<Error>PLANTED</Error>")),
    _link("forbidden", _GOOD, httpx.Response(403)),
    _link("nothing there", _GOOD, httpx.Response(204)),
    _link("in part", _GOOD, httpx.Response(206, content=b"x")),
    _link("a failure", _GOOD, httpx.Response(503)),
)
