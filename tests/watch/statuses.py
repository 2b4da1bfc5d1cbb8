"""Rounds of the loop and statuses made by hand, for what only looks at them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from wanctl.address import Address
from wanctl.catalogue.estimate import Cost
from wanctl.language.settings import Settings
from wanctl.ledger.record import HistoryLine, Record
from wanctl.plan import Action, Plan, Progress, Step, When
from wanctl.watch.checkout import Commit
from wanctl.watch.iteration import Iteration
from wanctl.watch.status import LoopStatus

NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)
COST = Cost((100, 200), (Decimal(8), Decimal(16)), "USD", "", 150, Decimal("12.5"))


def step(address: str, when: When = When.DONE, action: Action = Action.NOTHING, **more: object) -> Step:
    return replace(Step(Address.parse(address), action, when), **more)  # type: ignore[arg-type]  # any field


STEPS = (
    step("Dataset/train", remote_id="file-1"),
    step(
        "FineTune/rain", When.SERVICE, Action.TRAIN, cost=COST, progress=Progress("RUNNING", 0.61, "step 5")
    ),
    step("Checkpoint/best", When.PERSON, Action.CHOOSE, reason="choose one", hints=("wanctl choose",)),
    step("Deployment/rain", When.LATER, Action.DEPLOY, after=(Address.parse("Checkpoint/best"),)),
)
SETTLED = tuple(replace(one, when=When.DONE, action=Action.NOTHING) for one in STEPS)


def iteration_of(*steps: Step, **more: object) -> Iteration:
    history = (
        HistoryLine(
            at=NOON, address="Dataset/train", verb="upload", result="ok", by="<b>ann</b>", commit="c" * 40
        ),
    )
    iteration = Iteration(
        commit=Commit("abcdef0123456789", "Make it rain"),
        settings=Settings(version=1, project="rain"),
        plan=Plan("rain", None, "sandbox", steps),
        references={Address.parse("FineTune/rain"): (Address.parse("Dataset/train"),)},
        record=Record(lineage="l", serial=7, project="rain", endpoint="sandbox", history=history),
        plan_seconds=0.2,
        apply_seconds=4.0,
    )
    return replace(iteration, **more)  # type: ignore[arg-type]  # any field


def empty_status() -> LoopStatus:
    return LoopStatus("rain", None, "origin/main", timedelta(minutes=5), NOON)


def loop_status_of(*steps: Step, **more: object) -> LoopStatus:
    return empty_status().with_iteration(iteration_of(*steps, **more), NOON)
