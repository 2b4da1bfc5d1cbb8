"""What comes over the network: the service's answers, and webhooks."""

import asyncio
import hmac
from functools import cache
from hashlib import sha256
from typing import Any

from tests.fuzz.of_data import contents_of
from tests.fuzz.target import Target, small
from tests.hostile import service
from tests.watch.statuses import empty_status
from tests.watch.test_server import BODY, SECRET, Visit, signed
from wanctl.studio.objects import CheckpointRow, Job, LiveDeployment, Preview, RemoteFile
from wanctl.studio.reading import parse, parse_rows
from wanctl.studio.verdict import Call, CallEffect, judge

_STATUSES = (200, 201, 204, 299, 302, 400, 401, 403, 404, 409, 418, 429, 500, 502, 503)
_CALLS = (
    Call("GET", "/api/v1/fine-tunes", CallEffect.READ),
    Call("POST", "/api/v1/fine-tunes", CallEffect.ONCE),
    Call("PUT", "/api/v1/deployments/x", CallEffect.REPEATABLE),
    Call("DELETE", "/api/v1/deployments/x", CallEffect.REPEATABLE),
)
_OBJECTS = (Job, CheckpointRow, LiveDeployment, Preview, RemoteFile)
_PAGES = ("/", "/healthz", "/readyz", "/metrics", "/status.json", "/hook")
_ENOUGH = 200  # bytes of a message in a sentence: more is cut


def _meet_answer(content: bytes) -> None:
    """The first two bytes choose the call, the status and what is read; the third is Retry-After."""
    chosen, kind, *_ = (*content[:2], 0, 0)
    call, status = _CALLS[chosen // len(_STATUSES) % len(_CALLS)], _STATUSES[chosen % len(_STATUSES)]
    headers = {"retry-after": content[2:8].decode("latin-1"), "x-request-id": content[2:40].decode("latin-1")}
    reply = judge(call, status, headers, content[2:])
    model = _OBJECTS[kind % len(_OBJECTS)]
    if kind & 0x80:
        parse(model, reply.body.get("output"), reply)
    else:
        parse_rows(model, reply, "jobs", bare=bool(kind & 0x40))


def _answers() -> list[bytes]:
    good = b'{"output": {"jobs": [{"job_id": "ft-1", "status": "RUNNING"}], "total": 1}, "request_id": "r"}'
    bad = b'{"code": "Throttling", "message": "slow down", "request_id": "r"}'
    said = small([good, bad, *contents_of(service.ANSWERS)])
    return [bytes([0, 0]) + one for one in said] + [bytes([chosen, 0x80]) + bad for chosen in range(0, 60, 7)]


@cache
def _visit() -> tuple[Visit, asyncio.AbstractEventLoop]:
    return Visit(empty_status(), local=True), asyncio.new_event_loop()


def _meet_request(content: bytes) -> None:
    """A path, headers and a body, as in a request. It rings if the secret is known, and else never."""
    visit, loop = _visit()
    head, _, body = content.partition(b"\n\n")
    number, *lines = head.split(b"\n")
    headers = [
        (name.lower().strip(), value.strip()) for name, _, value in (one.partition(b":") for one in lines)
    ]
    rings = visit.rings
    status = loop.run_until_complete(_status_of(visit, number, headers, body))
    expected = hmac.new(SECRET.encode(), body, sha256).hexdigest().encode()
    knows = any(value in {SECRET.encode(), b"sha256=" + expected} for _, value in headers)
    assert (status == 202) == (visit.rings > rings)
    assert knows or status != 202
    assert 200 <= status < 500 or status == 503, status


async def _status_of(visit: Visit, number: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> int:
    hook = not number or number[0] % 4
    path = "/hook" if hook else _PAGES[number[0] // 4 % len(_PAGES)]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST" if hook else "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": number[1:],
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8788),
    }
    said: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            said.append(message["status"])

    await visit.application(scope, receive, send)
    return said[0]


def _requests() -> list[bytes]:
    sign = next(iter(signed().values())).encode()
    return [
        b"a\nx-hub-signature-256: " + sign + b"\n\n" + BODY,
        b"a\nx-hub-signature: " + sign + b"\n\n" + BODY,
        b"a\nx-gitlab-token: " + SECRET.encode() + b"\n\n" + BODY,
        b"a\nx-gitlab-token: \xe4\xff\n\n",
        *(bytes([number]) + b"\nhost: localhost:8788\n\n" for number in range(0, 24, 4)),
        *(
            bytes([0]) + b"\nhost: " + host + b"\n\n"
            for host in (b"localhost@evil", b"", b"[::1]", b"127.0.0.1, e")
        ),
    ]


ANSWER = Target(
    "answer",
    _meet_answer,
    cache(_answers),
    (
        *(
            b'"output"',
            b'"code"',
            b'"message"',
            b'"request_id"',
            b'"jobs"',
            b'"total"',
            b'"has_more"',
            b'"data"',
        ),
        *(b'"failed_uploads"', b'"error"', b'"detail"', b'"status"', b"null", b"NaN", b"1e999", b"\\ud800"),
        *(b"[", b"{", b"]", b"}", b'"', b": ", b", "),
    ),
)
WEBHOOK = Target(
    "webhook",
    _meet_request,
    cache(_requests),
    (
        b"x-hub-signature-256: sha256=",
        b"x-gitlab-token: ",
        b"host: ",
        b"\n\n",
        b"localhost",
        b"127.0.0.1",
        b"@",
    ),
)
