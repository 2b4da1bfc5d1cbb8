"""A prune that was killed: run again it takes the rest, and nobody wonders later who deleted what went."""

from pathlib import Path

import pytest

from tests.harness import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, Harness
from wanctl.engine.converge import Outcome, Patience
from wanctl.engine.journal import Journal
from wanctl.engine.removal import PruneRefused
from wanctl.kinds.acting import CallResult
from wanctl.plan import Effect, Status
from wanctl.project.events import Silent
from wanctl.project.pruning import Choice, prune, pruning_plan

MORE_EPOCHS = {**FINETUNE, "hyper_parameters": {"n_epochs": 50, "eval_epochs": 10}}


class KilledPrune(BaseException):
    """The process is gone: nothing after this is written."""


def pruned(harness: Harness) -> Outcome:
    outcome = prune(
        harness.project(), Choice(everything=True), lambda *_: True, Patience(waits=True), Silent()
    )
    assert outcome is not None
    return outcome


@pytest.mark.parametrize("written", [False, True], ids=["before its result", "after its result"])
def test_what_a_killed_prune_deleted_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE)
    harness.apply()
    harness.write(DATASET, MORE_EPOCHS)
    harness.apply()
    succeeded = Journal.succeeded

    async def killed(journal: Journal, effect: Effect, result: CallResult) -> None:
        if written:
            await succeeded(journal, effect, result)
        raise KilledPrune

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "succeeded", killed)
        with pytest.raises(KilledPrune):
            pruned(harness)
    assert harness.calls("DELETE", "/fine-tunes/") == 1
    harness.call("POST", "/_sandbox/advance", {"seconds": 60})
    assert harness.apply().plan.status is Status.CONVERGED
    assert not harness.ledger["intents"]

    harness.write(DATASET, FINETUNE)
    assert harness.apply().plan.status is Status.CONVERGED, "trained again, as it is written again"
    assert harness.calls("POST", "/fine-tunes") == 3


def test_a_deployment_on_its_way_out_is_waited_for(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    harness.apply()
    harness.write(DATASET)
    harness.apply(waits=False)  # the deployment is told to go
    (live,) = harness.call("GET", "/api/v1/deployments")["output"]["deployments"]
    assert live["status"] == "DELETING"
    assert pruned(harness).plan.status is Status.CONVERGED
    assert harness.calls("DELETE", "/fine-tunes/") == 1
    assert not harness.project().plan().orphans


def test_what_serves_is_not_taken_by_everything_nor_by_its_name(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "protect": True})
    harness.apply()
    harness.write(DATASET)
    outcome = pruned(harness)
    assert not outcome.done
    assert not outcome.plan.orphans
    (job,) = harness.jobs()
    with pytest.raises(PruneRefused, match=r"is no orphan: .* serves a model of it"):
        pruning_plan(harness.project(), Choice((job["job_id"],)))
