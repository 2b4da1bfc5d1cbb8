"""Five runs without a shared ledger, call by call in any order, while jobs leave the queue at any moment.

What runs is the engine, with its plans, its ledgers in memory and its client; the account is a few jobs here,
so that each call is one moment. A job that is looked at and canceled right after has not begun in between.
"""

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.harness import DATASET, FINETUNE, Harness
from wanctl.address import Address
from wanctl.base.running import run
from wanctl.dataset.contents import upload_name
from wanctl.engine.converge import Patience, converge
from wanctl.engine.gates import Approval
from wanctl.engine.journal import Journal, Stamp
from wanctl.engine.observe import RunSession
from wanctl.engine.polling import PollingPace
from wanctl.kinds.finetune.election import WITHDRAWS_WITHIN
from wanctl.ledger.record import Record
from wanctl.plan import Step, When
from wanctl.project import Project
from wanctl.project.events import Silent
from wanctl.studio.client import Studio
from wanctl.studio.credentials import Key
from wanctl.studio.regions import Endpoint

RAIN, TRAIN = Address.finetune("rain"), Address.dataset("train")
JOBS = "/api/v1/fine-tunes"
RUNS, ROUNDS = 5, 3
NOW = datetime(2026, 3, 18, 9, tzinfo=UTC)


@dataclass
class Account:
    """The jobs of an account, which one upload is in. Every job is created in the same second."""

    upload: str
    marks: bool
    ids: list[str]
    at_once: int = 1  # how many train side by side; the others queue
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    canceled_while_training: list[str] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> Any:
        method, path = request.method, request.url.path
        if path.endswith("/files"):
            file = {"id": "file-1", "filename": self.upload, "status": "processed"}
            return {"data": [file], "has_more": False}
        if path == JOBS and method == "POST":
            return {"output": self._create(json.loads(request.content))}
        if path == JOBS:
            return {"output": {"jobs": list(self.jobs.values()), "total": len(self.jobs)}}
        if path.endswith("/deployments"):
            return {"output": {"deployments": [], "total": 0}}
        job = self.jobs[path.removeprefix(f"{JOBS}/").partition("/")[0]]
        if path.endswith("/logs"):
            return {"output": {"total": 0, "logs": []}}
        if path.endswith("/cancel"):
            if job["status"] == "RUNNING":
                self.canceled_while_training.append(job["job_id"])
            job["status"] = "CANCELED"
        return {"output": job}

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        job = {"job_id": self.ids[len(self.jobs)], "status": "PENDING", "create_time": "2026-03-18 09:00:00"}
        job |= {key: body[key] for key in ("model", "training_file_ids", "hyper_parameters")}
        job |= {"job_name": body["job_name"]} if self.marks else {}
        self.jobs[job["job_id"]] = job
        return job

    @property
    def may_begin(self) -> list[str]:
        statuses = {name: job["status"] for name, job in self.jobs.items()}
        full = [*statuses.values()].count("RUNNING") >= self.at_once
        return [] if full else [name for name, status in statuses.items() if status == "PENDING"]

    @property
    def live(self) -> list[str]:
        return [name for name, job in self.jobs.items() if job["status"] in {"PENDING", "RUNNING"}]

    def begin(self, name: str) -> None:
        self.jobs[name]["status"] = "RUNNING"
        self.begun.add(name)


class Turns:
    """Who asks for something waits here until it is told to go on."""

    def __init__(self) -> None:
        self.waiting: dict[int, asyncio.Future[None]] = {}
        self.asks: dict[int, str] = {}

    async def mine(self, number: int, method: str) -> None:
        self.asks[number] = method
        self.waiting[number] = asyncio.get_running_loop().create_future()
        await self.waiting[number]

    def give(self, number: int) -> None:
        self.waiting.pop(number).set_result(None)


@dataclass
class Transport(httpx.AsyncBaseTransport):
    """One run's way to the account: each call about jobs waits for its turn; a cancel follows its look."""

    account: Account
    turns: Turns
    number: int

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith(JOBS) and not path.endswith(("/cancel", "/logs")):
            await self.turns.mine(self.number, request.method)
        return httpx.Response(200, json={"request_id": "r", **self.account.answer(request)})


@dataclass
class StandingClock:
    """No time passes by itself: nothing is waited for here."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"it waits for {seconds} s")


@dataclass
class OneRun:
    """A project of its own in front of the account, applied again and again."""

    project: Project
    transport: Transport
    record: Record
    step: Step | None = None
    clock: StandingClock = field(default_factory=StandingClock)

    async def apply(self, times: int) -> None:
        for _ in range(times):
            async with Studio(
                Endpoint.parse("http://127.0.0.1:9"), Key("sk-0123456789abcdef"), transport=self.transport
            ) as studio:
                await self._apply(studio)

    async def _apply(self, studio: Studio) -> None:
        clock = self.clock
        session = RunSession(
            desired=self.project.desired,
            local=self.project.local,
            studio=studio,
            clock=clock,
            journal=Journal(self._save, self.record, Stamp(), clock.now),
            polling=PollingPace(),
            archive=_nothing_to_pack,
        )
        draft = await session.survey()
        outcome = await converge(session, draft, Approval.of(draft.plan), Patience(), Silent())
        self.record, self.step = session.journal.record, outcome.plan.step(RAIN)

    def _save(self, record: Record) -> Record:
        return record.model_copy(update={"serial": record.serial + 1})


def _nothing_to_pack(address: Address, _: str) -> Any:
    raise AssertionError(f"{address} is uploaded already")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    harness = Harness.begun(tmp_path_factory.mktemp("five"))
    harness.write(DATASET, FINETUNE)
    project = harness.project()
    assert project.local
    return project


async def race(account: Account, runs: list[OneRun], turns: Turns, choose: Callable[[int], int]) -> None:
    """All runs at once: `choose` says whose call is next, or which job leaves the queue."""
    at_work = {number: asyncio.create_task(one.apply(ROUNDS)) for number, one in enumerate(runs)}
    while at_work:
        # each saves its ledger in a thread, and then comes to its next call
        while not all(number in turns.waiting or task.done() for number, task in at_work.items()):  # noqa: ASYNC110
            await asyncio.sleep(0)
        for number in [one for one, task in at_work.items() if task.done()]:
            at_work.pop(number).result()
        events: list[Callable[[], None]] = [
            *(lambda one=number: turns.give(one) for number in sorted(turns.waiting)),
            *(lambda one=name: account.begin(one) for name in account.may_begin),
        ]
        if events:
            events[choose(len(events) - 1)]()


async def one_after_the_other(runs: list[OneRun], turns: Turns) -> None:
    for one in runs:
        at_work = asyncio.create_task(one.apply(2))
        while not at_work.done():
            for number in list(turns.waiting):
                turns.give(number)
            await asyncio.sleep(0)
        at_work.result()


@pytest.mark.parametrize("marks", [True, False], ids=["marks kept", "marks not kept"])
@settings(
    max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_one_job_stands_and_what_trains_is_never_taken_back(
    project: Project, marks: bool, data: st.DataObject
) -> None:
    facts = project.local[TRAIN].facts
    assert facts
    ids = data.draw(st.permutations([f"ft-{number}" for number in range(RUNS)]))
    at_once = data.draw(st.sampled_from([1, 1, 2]))
    account = Account(upload_name("rain", "train", facts.digest), marks, ids, at_once)
    turns = Turns()
    empty = Record(lineage="a", project="rain", endpoint="sandbox")
    runs = [OneRun(project, Transport(account, turns, number), empty) for number in range(RUNS)]

    async def played() -> None:
        await race(account, runs, turns, lambda most: data.draw(st.integers(0, most)))
        await one_after_the_other(runs, turns)
        await one_after_the_other(runs, turns)

    run(played())
    assert not account.canceled_while_training
    assert account.live, account.jobs
    if len(account.live) > 1:
        assert set(account.live) <= account.begun, "only of those that train a person decides"
        assert at_once > 1
        return
    for one in runs:
        assert one.step
        assert (one.step.when, one.step.remote_id) == (When.SERVICE, account.live[0]), one.step
        assert one.record.intents == ()


@pytest.mark.parametrize("marks", [True, False], ids=["marks kept", "marks not kept"])
@pytest.mark.parametrize("ids", [["ft-1", "ft-2"], ["ft-2", "ft-1"]], ids=["first", "second"])
def test_ours_of_the_same_second_goes_if_the_other_run_never_comes_back(
    project: Project, marks: bool, ids: list[str]
) -> None:
    """It may have looked before ours was there. Of two that stay both would be paid."""
    facts = project.local[TRAIN].facts
    assert facts
    account = Account(upload_name("rain", "train", facts.digest), marks, [*ids, "ft-3"])
    turns = Turns()
    empty = Record(lineage="a", project="rain", endpoint="sandbox")
    gone, later = (OneRun(project, Transport(account, turns, number), empty) for number in range(2))

    async def goes_on(number: int, until: Callable[[], bool]) -> None:
        while not until():
            if number in turns.waiting:
                turns.give(number)
            await asyncio.sleep(0)

    async def played() -> None:
        second = asyncio.create_task(later.apply(1))
        await goes_on(1, lambda: 1 in turns.waiting and turns.asks[1] == "POST")
        first = asyncio.create_task(gone.apply(1))
        await goes_on(0, first.done)
        await goes_on(1, second.done)
        first.result()
        second.result()
        later.clock.moment += WITHDRAWS_WITHIN
        second = asyncio.create_task(later.apply(1))
        await goes_on(1, second.done)
        second.result()

    run(played())
    assert [job["status"] for job in account.jobs.values()] == ["PENDING", "CANCELED"]
    assert later.step
    assert later.step.remote_id == ids[0]


def test_the_account_has_as_many_jobs_as_runs_where_all_of_them_look_first(project: Project) -> None:
    """Or the races above would be none."""
    facts = project.local[TRAIN].facts
    assert facts
    account = Account(upload_name("rain", "train", facts.digest), True, [f"ft-{one}" for one in range(RUNS)])
    turns = Turns()
    empty = Record(lineage="a", project="rain", endpoint="sandbox")
    runs = [OneRun(project, Transport(account, turns, number), empty) for number in range(RUNS)]
    next_one = itertools.count()
    run(race(account, runs, turns, lambda most: next(next_one) % min(RUNS, most + 1)))
    assert len(account.jobs) == RUNS
    assert len(account.live) == 1
