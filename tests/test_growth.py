"""Work grows with the number of resources and no faster: the steps of the interpreter are counted, so that
the machine and its other work have no say in it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import yaml

from tests.bench.chains import apply_all, write
from wanctl.address import Address
from wanctl.base.running import run
from wanctl.engine.planner import make_plan
from wanctl.kinds.context import LocalData
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.resources import Desired, Rename
from wanctl.ledger.record import Intent, Record
from wanctl.plan import Plan
from wanctl.project import Project
from wanctl.render.text.plan import plan_lines
from wanctl.sandbox import Sandbox

SIZES = (8, 16, 32)  # chains
LINEAR = 2.1  # what twice the growth may cost: a look at all for each would make it 4 in the end
NEARLY_LINEAR = 2.4  # for counts so small that chance has a part in them


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """How many steps the interpreter took inside."""
    count = 0

    def step(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        yield lambda: count
    finally:
        sys.settrace(before)


def steps_of(work: Callable[[], object]) -> int:
    work()  # caches and patterns that are made once are no part of it
    with counted() as count:
        work()
    return count()


@dataclass(frozen=True)
class World:
    """Chains that are applied, as the planner is given them."""

    specs: Path
    desired: Desired
    snapshot: Snapshot
    record: Record
    local: dict[Address, LocalData]


def applied(folder: Path, chains: int) -> World:
    (folder / ".git").mkdir(parents=True)
    specs = write(folder, chains)
    apply_all(specs, chains)
    project = Project.open(specs)

    async def look() -> Snapshot:
        async with project.session() as session:
            await session.survey()
            assert session.snapshot is not None
            return session.snapshot

    return World(specs, project.desired, run(look()), project.record(), project.local)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> list[World]:
    return [applied(tmp_path_factory.mktemp("growth") / str(chains), chains) for chains in SIZES]


def plan(world: World, **differently: Any) -> Plan:
    given = {field.name: getattr(world, field.name) for field in fields(world) if field.name != "specs"}
    return make_plan(**{**given, **differently}).plan


def unknown(world: World) -> Record:
    """The ledger without what it knows."""
    return world.record.model_copy(update={"entries": {}})


def elsewhere(world: World) -> Record:
    """The ledger with everything under another name."""
    entries = {f"{address}-before": entry for address, entry in world.record.entries.items()}
    return world.record.model_copy(update={"entries": entries})


def unanswered(world: World) -> Record:
    """The ledger with each call open, as after an outage."""
    verbs = {"Dataset": "upload", "FineTune": "train", "Checkpoint": "export", "Deployment": "deploy"}
    intents = [
        Intent(
            address=address,
            verb=verbs[address.partition("/")[0]],
            identity=entry.current.identity,
            inputs=entry.current.inputs,
            seen=(),
            at=world.snapshot.observed_at,
        )
        for address, entry in world.record.entries.items()
        if entry.current
    ]
    return unknown(world).model_copy(update={"intents": tuple(intents)})


def empty(world: World) -> Snapshot:
    return Snapshot(world.snapshot.observed_at)


def unnamed(world: World) -> Snapshot:
    """The account of a server that keeps no names of jobs."""
    jobs = tuple(job.model_copy(update={"job_name": None}) for job in world.snapshot.jobs)
    return replace(world.snapshot, jobs=jobs)


def moved(world: World) -> Desired:
    """The specs with a former name for each resource."""

    def rename(address: Address) -> Rename:
        old, place = Address(address.kind, f"{address.name}-before"), world.desired.resources[address].origin
        return Rename(old, address, str(old), f"{address}.moved_from", place, place)

    renames = {address: (rename(address),) for address in world.desired.resources}
    return replace(world.desired, renames=renames)


def half(world: World) -> Desired:
    """The specs without every other chain."""
    resources = {
        address: one for address, one in world.desired.resources.items() if int(address.name[5:]) % 2
    }
    return replace(world.desired, resources=resources)


def shown(made: Plan) -> list[str]:
    return [str(line) for line in plan_lines(made)]


Work = Callable[[], object]
CASES: dict[str, Callable[[World], Work]] = {
    "loading": lambda world: partial(Project.open, world.specs),
    "nothing to do": lambda world: partial(plan, world),
    "everything to do": lambda world: partial(plan, world, snapshot=empty(world), record=unknown(world)),
    "ledger lost": lambda world: partial(plan, world, record=unknown(world)),
    "ledger lost, jobs unmarked": lambda world: partial(
        plan, world, record=unknown(world), snapshot=unnamed(world)
    ),
    "account lost": lambda world: partial(plan, world, snapshot=empty(world)),
    "every answer lost": lambda world: partial(plan, world, record=unanswered(world), snapshot=empty(world)),
    "renamed": lambda world: partial(plan, world, record=elsewhere(world)),
    "moved": lambda world: partial(plan, world, desired=moved(world), record=elsewhere(world)),
    "half removed": lambda world: partial(plan, world, desired=half(world)),
    "shown": lambda world: partial(shown, plan(world, snapshot=empty(world), record=unknown(world))),
}


@pytest.mark.parametrize("case", CASES)
def test_twice_as_many_resources_take_twice_the_work(case: str, worlds: list[World]) -> None:
    few, some, many = (steps_of(CASES[case](world)) for world in worlds)
    assert (many - some) / (some - few) <= LINEAR, (few, some, many)


def requests_of_an_apply(folder: Path, chains: int) -> int:
    """Looks are so rare that at each another training has ended: the service trains one at a time."""
    (folder / ".git").mkdir(parents=True)
    specs = write(folder, chains)
    head = yaml.safe_load((specs / "wanctl.yaml").read_text(encoding="utf-8"))
    (specs / "wanctl.yaml").write_text(yaml.safe_dump({**head, "polling": "12h"}), encoding="utf-8")
    apply_all(specs, chains)
    sandbox = Sandbox.open(specs / ".wanctl" / "sandbox")
    try:
        return len(sandbox.requests())
    finally:
        sandbox.close()


def test_an_apply_makes_twice_the_requests_for_twice_the_chains(tmp_path: Path) -> None:
    few, some, many = (requests_of_an_apply(tmp_path / str(chains), chains) for chains in SIZES)
    assert (many - some) / (some - few) <= NEARLY_LINEAR, (few, some, many)
