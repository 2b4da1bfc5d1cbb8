"""The order of the documents decides nothing: the same account in shuffled orders gives the same plan."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.harness import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, Harness
from wanctl.base.running import run
from wanctl.engine.planner import make_plan
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.resources import Desired
from wanctl.ledger.record import Record
from wanctl.plan import Plan

SECOND = {**DEPLOYMENT, "name": "storm"}
THIRD = {**DEPLOYMENT, "name": "drizzle"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desired, Snapshot, Record, Any]:
    """Trained and exported, with three new deployments of one model: which has the plain name is open."""
    harness = Harness.begun(tmp_path_factory.mktemp("order"))
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    harness.apply()
    harness.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT, SECOND, THIRD)
    project = harness.project()

    async def look() -> Snapshot:
        async with project.session() as session:
            await session.survey()
            assert session.snapshot is not None
            return session.snapshot

    return project.desired, run(look()), project.record(), project.local


@settings(max_examples=examples(15))
@given(st.randoms(use_true_random=False))
def test_the_plan_is_the_same_in_every_order(
    inputs: tuple[Desired, Snapshot, Record, Any], dice: Any
) -> None:
    desired, snapshot, record, local = inputs
    shuffled = list(desired.resources.items())
    dice.shuffle(shuffled)
    jumbled = replace(
        snapshot,
        files=tuple(dice.sample(snapshot.files, len(snapshot.files))),
        jobs=tuple(dice.sample(snapshot.jobs, len(snapshot.jobs))),
    )
    plan = make_plan(desired, snapshot, record, local).plan
    other = make_plan(replace(desired, resources=dict(shuffled)), jumbled, record, local).plan
    assert other.digest == plan.digest
    assert spelled(other) == spelled(plan)


def spelled(plan: Plan) -> list[str]:
    """Every step with its effect, by address: the plan stands in the order of the documents."""
    return sorted(
        json.dumps(step.as_json(), sort_keys=True, default=str) + repr(step.effect) for step in plan.steps
    )
