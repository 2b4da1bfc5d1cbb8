"""Faults on demand: each fires as often as was asked; the account shows whether the call had its effect."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import DEPLOYMENTS, FILES, JOBS, START, Account
from wanctl.sandbox import RequestLine, Sandbox

FAULTS = "/_sandbox/faults"


def arrange(account: Account, kind: str, **rule: Any) -> str:
    return str(account.ask("POST", FAULTS, json={"kind": kind, **rule})["id"])


def counted(account: Account) -> list[tuple[int, int]]:
    """Matching calls, and how often each rule fired."""
    return [(rule["calls"], rule["fired"]) for rule in account.ask("GET", FAULTS)]


def jobs(account: Account) -> int:
    return int(account.sandbox.status()["counts"]["jobs"])


def creating(account: Account) -> httpx.Response:
    return account.http.post(JOBS, json=account.asking())


def codes(account: Account, calls: int, path: str = JOBS) -> list[int]:
    return [account.http.get(path).status_code for _ in range(calls)]


# rule → status, code of the native envelope (None: not JSON), whether the job is created
ANSWERED: list[tuple[dict[str, Any], int, str | None, bool]] = [
    ({"kind": "throttled"}, 429, "Throttling.RateQuota", False),
    ({"kind": "busy"}, 429, "Throttling", False),
    ({"kind": "quota"}, 429, "Throttling", False),
    ({"kind": "status"}, 503, None, False),
    ({"kind": "status", "status": 500}, 500, "InternalError", False),
    ({"kind": "status", "status": 500, "when": "after"}, 500, "InternalError", True),
    ({"kind": "status", "status": 502}, 502, None, False),
    ({"kind": "status", "status": 503, "when": "after"}, 503, None, True),
    ({"kind": "status", "status": 504, "when": "after"}, 504, None, True),
    ({"kind": "status", "status": 403}, 403, "AccessDenied", False),
    ({"kind": "status", "status": 429}, 429, "Throttling", False),
    ({"kind": "status", "status": 418}, 418, "InvalidParameter", False),
    ({"kind": "empty"}, 200, None, True),
    ({"kind": "empty", "when": "before"}, 200, None, False),
    ({"kind": "truncated"}, 200, None, True),
]


@pytest.mark.parametrize(("rule", "status", "code", "created"), ANSWERED)
def test_another_answer(
    account: Account, rule: dict[str, Any], status: int, code: str | None, created: bool
) -> None:
    arrange(account, **rule, method="POST", path=JOBS, count=1)
    answer = creating(account)
    assert (answer.status_code, jobs(account)) == (status, created)
    assert "retry-after" not in answer.headers
    assert answer.headers["x-request-id"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    if code:
        assert answer.json()["code"] == code
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    else:
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            answer.json()
    assert answer.headers["content-type"].startswith(
        "text/html" if status in {502, 503, 504} else "application/json"
    )
    assert creating(account).status_code == 200  # the next call is let through
    assert counted(account) == [(2, 1)]


def test_the_429s_say_what_the_service_says(account: Account) -> None:
    arrange(account, "throttled", count=1)
    arrange(account, "busy", count=1)
    arrange(account, "quota", count=1)
    clears, ends, stays = (account.http.get(JOBS).json()["message"] for _ in range(3))
    assert ends == "Too many fine-tune job in running, please retry later."
    assert clears == "Requests rate limit exceeded, please try again later."
    assert stays == "Only 20 fine-tune job in running or succeeded allowed per user."


def test_compatible_paths_have_their_envelope(account: Account) -> None:
    arrange(account, "throttled", path=f"{FILES}*", count=1)
    arrange(account, "status", status=500, path=f"{FILES}*", count=1)
    errors = [account.http.get(FILES).json()["error"] for _ in range(2)]
    assert [(one["code"], one["type"]) for one in errors] == [
        ("limit_requests", "invalid_request_error"),
        ("internal_error", "server_error"),
    ]


def test_a_truncated_answer_is_the_first_half_of_the_right_one(account: Account) -> None:
    path = f"{JOBS}/{account.create()}"
    whole = account.http.get(path).json()
    arrange(account, "truncated", count=1)
    cut = account.http.get(path)
    spelled = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
    assert 0 < len(cut.content) == len(spelled.encode()) // 2
    assert cut.text[60:] == spelled[60 : len(cut.text)]  # after the request id


@pytest.mark.parametrize(
    ("kind", "when", "error"),
    [
        ("reset", "before", httpx.ReadError),
        ("reset", "after", httpx.ReadError),
        ("timeout", "before", httpx.ReadTimeout),
        ("timeout", "after", httpx.ReadTimeout),
    ],
)
def test_no_answer(account: Account, kind: str, when: str, error: type[httpx.TransportError]) -> None:
    arrange(account, kind, method="POST", path=JOBS, when=when, count=1)
    body = account.asking()
    with pytest.raises(error) as caught:
        account.http.post(JOBS, json=body)
    assert caught.value.request.url.path == JOBS
    assert jobs(account) == (when == "after")
    assert account.sandbox.requests()[-1] == RequestLine(
        "POST", JOBS, "", 0, tuple(sorted(body)) if when == "after" else ()
    )
    assert creating(account).status_code == 200
    assert counted(account) == [(2, 1)]


@pytest.mark.parametrize(("kind", "effect"), [("reset", 0), ("timeout", 1), ("kill", None)])
def test_when_nothing_is_said(account: Account, kind: str, effect: int | None) -> None:
    """A reset and a death come before the effect, a timeout after it."""
    if effect is None:
        assert killed(account, None) == (9, 0)
        return
    arrange(account, kind, method="POST", path=JOBS)
    with pytest.raises(httpx.TransportError):
        creating(account)
    assert jobs(account) == effect


def killed(account: Account, when: str | None) -> tuple[int, int]:
    """The exit code of a process that creates a job in process, and how many jobs there are then."""
    body = json.dumps(account.asking())
    arrange(account, "kill", method="POST", path=JOBS, **({"when": when} if when else {}))
    folder = account.sandbox._store.blobs.parent
    script = f"""
import asyncio, httpx, pathlib
from wanctl.sandbox import Sandbox
async def main():
    transport = httpx.ASGITransport(app=Sandbox.open(pathlib.Path({str(folder)!r})).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        await client.post({JOBS!r}, content={body!r}, headers={{"Authorization": "Bearer x"}})
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, cwd="/")
    assert ended.stderr == b""
    return ended.returncode, jobs(account)


def test_killed_before_and_after(account: Account) -> None:
    assert killed(account, "before") == (9, 0)
    account.ask("DELETE", FAULTS)
    assert killed(account, "after") == (9, 1)
    assert [line.status for line in account.sandbox.requests() if line.path == JOBS] == [0, 0]


@pytest.mark.parametrize("when", ["before", "after"])
def test_latency(account: Account, when: str) -> None:
    arrange(account, "latency", seconds=0.15, when=when, count=1)
    slow, quick = (_spent(account) for _ in range(2))
    assert slow >= 0.15
    assert quick < 0.15


def _spent(account: Account) -> float:
    begun = time.perf_counter()
    assert account.http.get(JOBS).status_code == 200
    return time.perf_counter() - begun


@pytest.mark.parametrize(("when", "meanwhile"), [("before", 0), ("after", 1)])
def test_a_delay_is_before_the_effect_or_after_it(account: Account, when: str, meanwhile: int) -> None:
    body = account.asking()
    arrange(account, "latency", seconds=0.3, when=when, method="POST")

    async def look_while_it_waits() -> int:
        transport = httpx.ASGITransport(app=account.sandbox.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            headers = {"Authorization": "Bearer x"}
            call = asyncio.create_task(client.post(JOBS, json=body, headers=headers))
            await asyncio.sleep(0.15)
            found = jobs(account)
            assert not call.done()
            await call
        return found

    assert (asyncio.run(look_while_it_waits()), jobs(account)) == (meanwhile, 1)


def test_delays_add_up_and_the_first_fault_wins(account: Account) -> None:
    for rule in ("latency", "latency"):
        arrange(account, rule, seconds=0.06)
    for status in (500, 404):
        arrange(account, "status", status=status, nth=1)
    begun = time.perf_counter()
    assert account.http.get(JOBS).status_code == 500
    assert time.perf_counter() - begun >= 0.12
    assert counted(account) == [(1, 1), (1, 1), (1, 1), (0, 0)]  # the last one saw no call
    assert codes(account, 2) == [404, 200]
    assert counted(account) == [(3, 3), (3, 3), (3, 1), (2, 1)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [503, 503, 503, 503, 503]),
        ({"nth": 3}, [200, 200, 503, 200, 200]),
        ({"count": 2}, [503, 503, 200, 200, 200]),
        ({"nth": 2, "count": 2}, [200, 503, 503, 200, 200]),
        ({"nth": 4, "count": "all"}, [200, 200, 200, 503, 503]),
        ({"count": 0}, [200, 200, 200, 200, 200]),
        ({"probability": 0}, [200, 200, 200, 200, 200]),
        ({"probability": 1, "count": 1}, [503, 200, 200, 200, 200]),
    ],
)
def test_which_calls(account: Account, rule: dict[str, Any], expected: list[int]) -> None:
    arrange(account, "status", path=JOBS, **rule)
    assert codes(account, 3) == expected[:3]
    assert codes(account, 2, DEPLOYMENTS) == [200, 200]  # not of its path, and not counted
    assert codes(account, 2) == expected[3:]
    assert counted(account) == [(5, expected.count(503))]


def test_probability_follows_from_the_seed(account: Account) -> None:
    def thrown(seed: int) -> list[int]:
        account.ask("DELETE", FAULTS)
        arrange(account, "status", probability=0.4, seed=seed)
        return codes(account, 30)

    first = thrown(1)
    assert first == thrown(1) != thrown(2)
    assert 4 <= first.count(503) <= 20


@pytest.mark.parametrize(
    ("rule", "method", "path", "disturbed"),
    [
        ({"method": "GET"}, "GET", JOBS, True),
        ({"method": "POST"}, "GET", JOBS, False),
        ({"path": "/api/v1/fine-tunes"}, "GET", f"{JOBS}/x", False),
        ({"path": "/api/v1/fine-tunes*"}, "GET", f"{JOBS}/x/checkpoints", True),
        ({"path": "*/checkpoints"}, "GET", f"{JOBS}/x/checkpoints", True),
        ({"path": "/api/v1/fine-tunes*"}, "GET", DEPLOYMENTS, False),
        ({"path": "/_oss/*"}, "GET", "/_oss/files/x", True),
        ({}, "GET", "/nowhere", True),
        ({}, "GET", "/_sandbox/status", False),
    ],
)
def test_what_it_matches(
    account: Account, rule: dict[str, Any], method: str, path: str, disturbed: bool
) -> None:
    arrange(account, "status", **rule)
    assert (account.http.request(method, path).status_code == 503) is disturbed
    assert counted(account) == [(1, 1) if disturbed else (0, 0)]


def test_listing_and_taking_back(account: Account) -> None:
    first = arrange(account, "reset", nth=2, method="POST", path="/x*")
    second = arrange(account, "latency", seconds=0, when="before")
    listed = account.ask("GET", FAULTS)
    counts = {"calls": 0, "fired": 0}
    assert listed == account.sandbox.faults()
    assert listed == [
        {"id": first, "kind": "reset", "nth": 2, "method": "POST", "path": "/x*", **counts},
        {"id": second, "kind": "latency", "seconds": 0, "when": "before", **counts},
    ]
    assert account.ask("DELETE", f"{FAULTS}/{first}") == {"cleared": 1}
    assert account.http.delete(f"{FAULTS}/{first}").status_code == 404
    assert [one["id"] for one in account.sandbox.faults()] == [second]
    assert account.sandbox.add_fault("empty") != second
    assert account.sandbox.clear_faults() == 2
    assert account.sandbox.faults() == []


def test_rules_are_shared_by_processes_and_end_with_a_reset(account: Account, tmp_path: Path) -> None:
    arrange(account, "status", nth=3)
    other = Sandbox.open(tmp_path / "account", start=START)
    assert codes(account, 1) + codes(Account(other, b""), 1) + codes(account, 2) == [200, 200, 503, 200]
    assert counted(account) == [(4, 1)]
    other.close()
    account.ask("POST", "/_sandbox/reset")
    assert account.ask("GET", FAULTS) == []


def test_an_outage_is_a_rule_of_its_own(account: Account) -> None:
    arrange(account, "latency", seconds=0)
    account.rig(outage={"status": 502, "after": 1})
    account.rig(outage={"status": 504})  # in place of the one before
    assert codes(account, 2) == [504, 504]
    assert [(one["id"], one["fired"]) for one in account.sandbox.faults()] == [("1", 2), ("outage", 2)]
    account.rig(next_job="FAILED")  # says nothing of the outage
    assert codes(account, 1) == [504]
    account.rig(outage=None)
    assert codes(account, 1) == [200]
    assert [one["id"] for one in account.sandbox.faults()] == ["1"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "kind"),
        ({"kind": "explode"}, "there is latency, throttled"),
        ({"kind": ["reset"]}, "there is latency, throttled"),
        ({"kind": "reset", "when": "during"}, "there is before, after"),
        ({"kind": "reset", "seconds": 1}, "seconds is for the kind latency only"),
        ({"kind": "empty", "status": 500}, "status is for the kind status only"),
        ({"kind": "status", "status": 200}, "status"),
        ({"kind": "latency", "seconds": -1}, "seconds"),
        ({"kind": "quota", "when": "after"}, "before the effect only"),
        ({"kind": "truncated", "when": "before"}, "after the effect only"),
        ({"kind": "reset", "nth": 0}, "nth"),
        ({"kind": "reset", "count": -1}, "a number from 0"),
        ({"kind": "reset", "count": True}, "a number from 0"),
        ({"kind": "reset", "count": "some"}, "a number from 0"),
        ({"kind": "reset", "probability": 1.5}, "probability"),
        ({"kind": "reset", "method": "get"}, "method"),
        ({"kind": "reset", "pth": "*"}, "pth"),
    ],
)
def test_what_is_no_fault(account: Account, rule: dict[str, Any], said: str) -> None:
    answer = account.http.post(FAULTS, json=rule)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert said in answer.json()["message"]
    assert account.sandbox.faults() == []
