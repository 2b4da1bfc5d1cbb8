"""For each call that changes something: its answer is lost, or the process dies at it. Then apply again.

Exactly one upload, job, export and deployment come of it, and the last plan is empty.
"""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
import yaml

from tests.datasets import small_dataset
from wanctl.base.running import run
from wanctl.engine.converge import Patience
from wanctl.plan import Status
from wanctl.project import Project
from wanctl.project.provider import call_sandbox, open_sandbox

CALLS = [
    ("POST", "/compatible-mode/v1/files"),
    ("POST", "/api/v1/fine-tunes"),
    ("GET", "/export/"),
    ("POST", "/api/v1/deployments"),
    ("DELETE", "/api/v1/deployments/"),
]
FAULTS = ["answer lost", "never arrived", "killed before", "killed after"]


class Killed(BaseException):
    """The process ends here."""


class FaultyTransport(httpx.ASGITransport):
    """Fails once, at the first request that matches."""

    call: tuple[str, str] = ("", "")
    fault: str = ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        method, part = type(self).call
        if request.method != method or part not in request.url.path or not type(self).fault:
            return await super().handle_async_request(request)
        fault, type(self).fault = type(self).fault, ""
        if fault == "killed before":
            raise Killed
        if fault == "never arrived":
            raise httpx.ReadTimeout("no answer", request=request)
        response = await super().handle_async_request(request)
        await response.aread()
        if fault == "killed after":
            raise Killed
        raise httpx.ReadError("connection reset", request=request)


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose connection can fail."""
    folder = tmp_path / "specs"
    folder.mkdir()
    (tmp_path / ".git").mkdir()
    small_dataset(tmp_path / "data", clips=2)
    write(folder, "Then it rains.")
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", FaultyTransport)
    yield folder
    FaultyTransport.fault = ""


def write(folder: Path, effect: str) -> None:
    head = {
        "version": 1,
        "project": "rain",
        "polling": "30m",
        "sandbox": {"speed": "instant", "seed": 1, "start": "2026-03-18T09:00:00+08:00", "strict": False},
    }
    documents: list[dict[str, Any]] = [
        {"kind": "Dataset", "name": "train", "source": "../data"},
        {
            "kind": "FineTune",
            "name": "rain",
            "model": "wan2.6-i2v",
            "training": ["train"],
            "hyper_parameters": {"n_epochs": 40, "eval_epochs": 10},
            "allow": ["few-steps"],
        },
        {
            "kind": "Checkpoint",
            "name": "best",
            "finetune": "rain",
            "checkpoint": "checkpoint-20",
            "unseen": "allow",
        },
        {
            "kind": "Deployment",
            "name": "rain",
            "checkpoint": "best",
            "aigc_config": {"prompt": "Describe it.", "lora_prompt_default": effect},
        },
    ]
    (folder / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
    (folder / "all.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")


def apply(folder: Path) -> Status | None:
    """One run; None where it was killed."""
    try:
        outcome = Project.open(folder).apply(lambda *_: True, Patience(waits=True))
    except Killed:
        return None
    assert outcome is not None
    return outcome.plan.status


def rig(folder: Path, **quirks: bool) -> None:
    project = Project.open(folder)
    sandbox = open_sandbox(project.desired.settings, project.state)
    try:
        code, text = run(call_sandbox(sandbox, "POST", "/_sandbox/rig", {"quirks": quirks}))
        assert code == 200, text
    finally:
        sandbox.close()


def counts(folder: Path) -> dict[str, int]:
    """How many of each kind the account holds."""
    project = Project.open(folder)
    sandbox = open_sandbox(project.desired.settings, project.state)

    async def ask() -> dict[str, int]:
        async def get(path: str) -> Any:
            code, text = await call_sandbox(sandbox, "GET", path, None)
            assert code == 200, text
            return json.loads(text)

        jobs = (await get("/api/v1/fine-tunes?page_size=100"))["output"]["jobs"]
        return {
            "files": len((await get("/compatible-mode/v1/files"))["data"]),
            "jobs": len(jobs),
            "deployments": len((await get("/api/v1/deployments?page_size=100"))["output"]["deployments"]),
        }

    try:
        return asyncio.run(ask())
    finally:
        sandbox.close()


@pytest.mark.parametrize("echoes", [True, False], ids=["marks kept", "marks and files not kept"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]} {call[1]}")
def test_one_of_each_comes_of_it(specs: Path, call: tuple[str, str], fault: str, echoes: bool) -> None:
    rig(specs, keep_job_name=echoes, echo_file_ids=echoes)
    if call[0] == "DELETE":  # the second half of a changed aigc_config
        assert apply(specs) is Status.CONVERGED
        write(specs, "Then it pours.")
    FaultyTransport.call, FaultyTransport.fault = call, fault
    first = apply(specs)
    assert FaultyTransport.fault == "", "the fault was never met"
    assert first is (None if fault.startswith("killed") else Status.CONVERGED)
    for _ in range(3):
        last = apply(specs)
    assert last is Status.CONVERGED
    assert counts(specs) == {"files": 1, "jobs": 1, "deployments": 1}


class LaggingTransport(httpx.ASGITransport):
    """Lists do not show what was made a moment ago."""

    made: ClassVar[set[str]] = set()
    unseen = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        body = json.loads(await response.aread() or b"{}")
        kind = type(self)
        if request.method == "POST" and response.status_code == 200:
            row = body.get("output", body)
            kind.made = {row[key] for key in ("id", "job_id", "deployed_model") if key in row}
            kind.unseen = 6
        rows = body.get("data") or body.get("output", {})
        for name in ("jobs", "deployments"):
            if isinstance(rows, dict) and name in rows and kind.unseen:
                kept = [row for row in rows[name] if not kind.made & set(map(str, row.values()))]
                rows["total"] -= len(rows[name]) - len(kept)
                rows[name] = kept
        if isinstance(body.get("data"), list) and kind.unseen:
            body["data"] = [row for row in body["data"] if row["id"] not in kind.made]
        kind.unseen = max(0, kind.unseen - 1)
        return httpx.Response(response.status_code, json=body)


def test_lists_that_lag_make_nothing_twice(specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", LaggingTransport)
    assert apply(specs) is Status.CONVERGED
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", FaultyTransport)
    assert apply(specs) is Status.CONVERGED
    assert counts(specs) == {"files": 1, "jobs": 1, "deployments": 1}


def test_an_edit_after_a_lost_training_takes_no_other_job_for_it(specs: Path) -> None:
    """The job of the inputs before is there, unnamed; others are not to be thought trained by it."""
    rig(specs, keep_job_name=False, echo_file_ids=False)
    FaultyTransport.call, FaultyTransport.fault = ("POST", "/api/v1/fine-tunes"), "killed after"
    assert apply(specs) is None
    shutil.rmtree(specs.parent / "data")
    small_dataset(specs.parent / "data", clips=2, note="other captions")
    assert apply(specs) is Status.BLOCKED
    assert counts(specs)["jobs"] == 1
