"""Many trainings side by side: one list tells which of them changed, and each of those is read by its id."""

from typing import Any

import pytest

from tests.harness import Harness, dataset, finetune
from wanctl.base.running import run
from wanctl.engine.observe import LOGS_AT_ONCE, MANY, worth_a_call
from wanctl.kinds.snapshot import Question, Read
from wanctl.plan import Status

COUNT = MANY + 4
TRAINING = {"speed": "instant", "seed": 1, "start": "2026-03-18T09:00:00+08:00", "strict": False}


def training(number: int) -> dict[str, Any]:
    document = finetune(f"rain-{number}")
    document["hyper_parameters"] = {**document["hyper_parameters"], "lora_rank": 32, "n_epochs": 400 + number}
    return {**document, "hyper_parameters": {**document["hyper_parameters"], "eval_epochs": 100}}


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Harness:
    begun = Harness.begun(tmp_path_factory.mktemp("many"))
    head = {"polling": "10m", "sandbox": {**TRAINING, "trains_at_once": COUNT}}
    begun.write(dataset(), *map(training, range(COUNT)), **head)
    begun.rig(job_quota=2 * COUNT)
    assert begun.apply().plan.status is Status.CONVERGED
    return begun


def test_looks_at_many_trainings_take_few_calls(harness: Harness) -> None:
    asked = harness.call("GET", "/_sandbox/requests")
    paths = [one["path"] for one in asked if one["method"] == "GET"]
    lists = paths.count("/api/v1/fine-tunes")
    by_id = sum(path.startswith("/api/v1/fine-tunes/ft-") and path.count("/") == 4 for path in paths)
    logs = sum(path.endswith("/logs") for path in paths)
    assert lists > 3, "there were looks"
    assert by_id <= 2 * COUNT, "only what changed: it began, it ended"
    assert logs <= 2 * COUNT + LOGS_AT_ONCE * lists


def test_where_the_list_cannot_be_read_each_is_asked_for(harness: Harness) -> None:
    async def look() -> tuple[set[Question], set[Question]]:
        async with harness.project().session() as session:
            await session.survey()
            assert session.snapshot is not None
            questions = {Question(Read.JOB, one.job_id) for one in session.snapshot.jobs}
            assert len(questions) == COUNT
            unchanged = await worth_a_call(session.studio, session.snapshot, questions)
            rule = {"kind": "reset", "when": "before", "method": "GET", "path": "/api/v1/fine-tunes"}
            harness.call("POST", "/_sandbox/faults", rule)
            return unchanged, questions ^ await worth_a_call(session.studio, session.snapshot, questions)

    assert run(look()) == (set(), set())
