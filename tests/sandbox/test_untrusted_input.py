"""Whatever is sent, the answer is one of the family's own, with an id, and nothing breaks."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.sandbox.conftest import CONFIG, DEPLOYMENTS, FILES, JOBS, Account

CHAT = "/compatible-mode/v1/chat/completions"
TASKS, GENERATE = "/api/v1/tasks", "/api/v1/services/aigc/video-generation/video-synthesis"
ENDPOINTS = [
    ("GET", FILES),
    ("GET", f"{FILES}/x"),
    ("POST", CHAT),
    ("GET", "/api/v1/files"),
    ("GET", "/api/v1/files/x"),
    ("GET", JOBS),
    ("GET", f"{JOBS}/x"),
    ("POST", f"{JOBS}/x/cancel"),
    ("DELETE", f"{JOBS}/x"),
    ("GET", f"{JOBS}/x/logs"),
    ("GET", f"{JOBS}/x/validation-results"),
    ("GET", f"{JOBS}/x/validation-details/checkpoint-1"),
    ("GET", f"{JOBS}/x/export/checkpoint-1?model_name=x"),
    ("GET", f"{JOBS}/x/checkpoints"),
    ("GET", DEPLOYMENTS),
    ("GET", f"{DEPLOYMENTS}/models"),
    ("PUT", f"{DEPLOYMENTS}/x/scale"),
    ("PUT", f"{DEPLOYMENTS}/x/update"),
    ("DELETE", f"{DEPLOYMENTS}/x"),
    ("GET", TASKS),
    ("GET", "/api/v1/uploads"),
    ("GET", "/api/v1/nowhere"),
    ("GET", "/compatible-mode/v1/nowhere"),
    ("GET", "/nowhere"),
    ("PATCH", JOBS),
]
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def is_an_answer(answer: Any, path: str) -> bool:
    """JSON in the envelope of the path's family, with the id in the header."""
    body = answer.json()
    if answer.status_code < 400:
        return bool(answer.headers["x-request-id"])
    if path.startswith("/compatible-mode/"):
        return set(body) == {"error"} and set(body["error"]) == {"message", "type", "param", "code"}
    return (
        set(body) == {"code", "message", "request_id"}
        and body["request_id"] == answer.headers["x-request-id"]
    )


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_a_key_is_needed_and_any_will_do(account: Account, method: str, path: str) -> None:
    for wrong in ("", "Bearer", "Bearer ", "Basic eDp5"):
        refused = account.http.request(method, path, headers={"Authorization": wrong})
        assert refused.status_code == 401
        assert is_an_answer(refused, path)
        assert "piKey" in refused.text or "api_key" in refused.text
    let_in = account.http.request(method, path, headers={"Authorization": "bearer x"})
    assert let_in.status_code in {200, 400, 404, 405}
    assert is_an_answer(let_in, path)


@pytest.fixture
def settled(account: Account) -> Account:
    """One of each, so that there is something to break."""
    account.deployed(f"wan2.6-i2v-{account.trained()}")
    return account


GOOD: dict[str, dict[str, Any]] = {
    JOBS: {
        "model": "wan2.6-i2v",
        "training_file_ids": ["?"],
        "validation_file_ids": [],
        "training_type": "efficient_sft",
        "job_name": "x",
        "hyper_parameters": {"n_epochs": 40, "split": 0.9, "eval_epochs": 10, "learning_rate": 2e-5},
    },
    DEPLOYMENTS: {"model_name": "?", "capacity": 1, "plan": "lora", "suffix": "s", "aigc_config": CONFIG},
    GENERATE: {
        "model": "wan2.6-i2v",
        "input": {"img_url": "https://example.com/a.png", "prompt": "p", "media": []},
        "parameters": {"resolution": "720P", "duration": 5},
    },
    CHAT: {
        "model": "qwen3-vl-plus",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "template: [x]"}]}],
        "stream": False,
        "stream_options": {"include_usage": True},
    },
    "/_sandbox/advance": {"seconds": 1},
    "/_sandbox/faults": {
        "kind": "latency",
        "method": "GET",
        "path": "*",
        "nth": 1,
        "count": 0,
        "probability": 1,
        "seed": 1,
        "when": "after",
        "seconds": 0,
    },
    "/_sandbox/rig": {
        "message": "x",
        "outage": {"count": 0, "after": 0},
        "quirks": {"job_quota": 20, "list_lag": 0},
    },
}


def places(value: dict[str, Any]) -> list[tuple[str, ...]]:
    """Every field, at any depth."""
    inner = [
        (key, *rest) for key, child in value.items() if isinstance(child, dict) for rest in places(child)
    ]
    return [(key,) for key in value] + inner


def with_junk(body: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    key, *rest = place
    return {**body, key: with_junk(body[key], tuple(rest), value) if rest else value}


@settings(
    max_examples=examples(75),
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    target=st.sampled_from([(path, place) for path, body in GOOD.items() for place in [(), *places(body)]]),
    value=junk,
)
def test_no_body_breaks_anything(settled: Account, target: tuple[str, tuple[str, ...]], value: Any) -> None:
    path, place = target
    settled.rig(outage=None, quirks={"job_quota": 20})  # what the example before may have arranged
    rows = settled.sandbox.status()
    body = json.loads(json.dumps(GOOD[path]).replace('"?"', json.dumps(rows["files"][0]["id"])))
    if path == DEPLOYMENTS:
        body["model_name"] = rows["deployments"][0]["id"]
    sent = with_junk(body, place, value) if place else value
    headers = {"X-DashScope-Async": "enable"}
    answer = settled.http.post(path, content=json.dumps(sent), headers=headers)
    assert answer.status_code in {200, 400, 404, 409, 429}, answer.text
    assert is_an_answer(answer, path)
    settled.rig(outage=None)
    for lists in (JOBS, DEPLOYMENTS, FILES, TASKS, "/_sandbox/status"):  # and what was kept can be told
        found = settled.http.get(lists)
        assert found.status_code == 200, found.text


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (FILES, ["limit", "after", "create_after", "create_before", "purpose"]),
        (JOBS, ["page_no", "page_size", "model", "status"]),
        (f"{JOBS}/JOB/logs", ["offset", "line"]),
        (f"{JOBS}/JOB/validation-details/checkpoint-40", ["page_no", "page_size"]),
        (DEPLOYMENTS, ["page_no", "page_size", "status"]),
        (TASKS, ["page_no", "start_time", "end_time"]),
    ],
)
def test_no_query_breaks_anything(settled: Account, path: str, names: list[str]) -> None:
    path = path.replace("JOB", settled.sandbox.status()["jobs"][0]["id"])
    for name in names:
        for value in ("", "-1", "0", "9" * 30, "x", "½", "1.5", "99999999", "20261399"):
            answer = settled.http.get(path, params={name: value})
            assert answer.status_code in {200, 400}, (name, value, answer.text)
            assert is_an_answer(answer, path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 10_000])
def test_what_is_no_json_object(account: Account, content: bytes) -> None:
    for path in (JOBS, DEPLOYMENTS, GENERATE, CHAT):
        answer = account.http.post(path, content=content, headers={"X-DashScope-Async": "enable"})
        assert answer.status_code == 400, answer.text
        assert is_an_answer(answer, path)


@pytest.mark.parametrize("value", ["1e999", "NaN", "-Infinity", r'"\ud800"', "[" * 5000])
def test_what_cannot_be_written_down_is_not_taken(account: Account, value: str) -> None:
    body = account.asking(hyper_parameters={"extra": "?"})
    answer = account.http.post(JOBS, content=json.dumps(body).replace('"?"', value))
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    ("files", "data", "param"),
    [
        ({}, {"purpose": "fine-tune"}, "file"),
        ({"files": ("a.zip", b"x")}, {"purpose": "fine-tune"}, "file"),
        ([("file", ("a.zip", b"x")), ("file", ("b.zip", b"x"))], {"purpose": "fine-tune"}, "file"),
        ({"file": ("a.zip", b"x")}, {}, "purpose"),
        ({"file": ("a.zip", b"x")}, {"purpose": "vision"}, "purpose"),
    ],
)
def test_an_upload_that_is_not_one(account: Account, files: Any, data: dict[str, str], param: str) -> None:
    answer = account.http.post(FILES, files=files, data=data)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert account.ask("GET", FILES)["data"] == []


def test_an_upload_that_is_no_form(account: Account) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    answer = account.http.post(FILES, content=b"--x--", headers=headers)
    assert answer.status_code == 400
    assert is_an_answer(answer, FILES)
