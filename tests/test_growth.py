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
from wanctl.dataset.contents import LocalData
from wanctl.engine.planner import make_plan
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
class PlannerInputs:
    """Chains that are applied, as the planner is given them."""

    specs: Path
    desired: Desired
    snapshot: Snapshot
    record: Record
    local: dict[Address, LocalData]


def applied(folder: Path, chains: int) -> PlannerInputs:
    (folder / ".git").mkdir(parents=True)
    specs = write(folder, chains)
    apply_all(specs, chains)
    project = Project.open(specs)

    async def look() -> Snapshot:
        async with project.session() as session:
            await session.survey()
            assert session.snapshot is not None
            return session.snapshot

    return PlannerInputs(specs, project.desired, run(look()), project.record(), project.local)


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> list[PlannerInputs]:
    return [applied(tmp_path_factory.mktemp("growth") / str(chains), chains) for chains in SIZES]


def plan(inputs: PlannerInputs, **differently: Any) -> Plan:
    given = {field.name: getattr(inputs, field.name) for field in fields(inputs) if field.name != "specs"}
    return make_plan(**{**given, **differently}).plan


def unknown(inputs: PlannerInputs) -> Record:
    """The ledger without what it knows."""
    return inputs.record.model_copy(update={"entries": {}})


def elsewhere(inputs: PlannerInputs) -> Record:
    """The ledger with everything under another name."""
    entries = {f"{address}-before": entry for address, entry in inputs.record.entries.items()}
    return inputs.record.model_copy(update={"entries": entries})


def unanswered(inputs: PlannerInputs) -> Record:
    """The ledger with each call open, as after an outage."""
    verbs = {"Dataset": "upload", "FineTune": "train", "Checkpoint": "export", "Deployment": "deploy"}
    intents = [
        Intent(
            address=address,
            verb=verbs[address.partition("/")[0]],
            identity=entry.current.identity,
            inputs=entry.current.inputs,
            seen=(),
            at=inputs.snapshot.observed_at,
        )
        for address, entry in inputs.record.entries.items()
        if entry.current
    ]
    return unknown(inputs).model_copy(update={"intents": tuple(intents)})


def empty(inputs: PlannerInputs) -> Snapshot:
    return Snapshot(inputs.snapshot.observed_at)


def unnamed(inputs: PlannerInputs) -> Snapshot:
    """The account of a server that keeps no names of jobs."""
    jobs = tuple(job.model_copy(update={"job_name": None}) for job in inputs.snapshot.jobs)
    return replace(inputs.snapshot, jobs=jobs)


def moved(inputs: PlannerInputs) -> Desired:
    """The specs with a former name for each resource."""

    def rename(address: Address) -> Rename:
        old, place = Address(address.kind, f"{address.name}-before"), inputs.desired.resources[address].origin
        return Rename(old, address, str(old), f"{address}.moved_from", place, place)

    renames = {address: (rename(address),) for address in inputs.desired.resources}
    return replace(inputs.desired, renames=renames)


def half(inputs: PlannerInputs) -> Desired:
    """The specs without every other chain."""
    resources = {
        address: one for address, one in inputs.desired.resources.items() if int(address.name[5:]) % 2
    }
    return replace(inputs.desired, resources=resources)


def shown(made: Plan) -> list[str]:
    return [str(line) for line in plan_lines(made)]


Work = Callable[[], object]
CASES: dict[str, Callable[[PlannerInputs], Work]] = {
    "loading": lambda inputs: partial(Project.open, inputs.specs),
    "nothing to do": lambda inputs: partial(plan, inputs),
    "everything to do": lambda inputs: partial(plan, inputs, snapshot=empty(inputs), record=unknown(inputs)),
    "ledger lost": lambda inputs: partial(plan, inputs, record=unknown(inputs)),
    "ledger lost, jobs unmarked": lambda inputs: partial(
        plan, inputs, record=unknown(inputs), snapshot=unnamed(inputs)
    ),
    "account lost": lambda inputs: partial(plan, inputs, snapshot=empty(inputs)),
    "every answer lost": lambda inputs: partial(
        plan, inputs, record=unanswered(inputs), snapshot=empty(inputs)
    ),
    "renamed": lambda inputs: partial(plan, inputs, record=elsewhere(inputs)),
    "moved": lambda inputs: partial(plan, inputs, desired=moved(inputs), record=elsewhere(inputs)),
    "half removed": lambda inputs: partial(plan, inputs, desired=half(inputs)),
    "shown": lambda inputs: partial(shown, plan(inputs, snapshot=empty(inputs), record=unknown(inputs))),
}


@pytest.mark.parametrize("case", CASES)
def test_twice_as_many_resources_take_twice_the_work(case: str, sizes: list[PlannerInputs]) -> None:
    few, some, many = (steps_of(CASES[case](inputs)) for inputs in sizes)
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
