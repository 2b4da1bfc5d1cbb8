"""Turns of a project of objects, in a sandbox: planned and applied as files are, and ended when asked."""

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.operator.places import Item, TurningPlace, account, chain, leaving, project
from wanctl.address import Address
from wanctl.operator.conditions import Turn
from wanctl.operator.inventory import ProjectKey
from wanctl.operator.keeping import is_gone
from wanctl.plan import Action, Status, When

TRAIN, TUNE = Address.dataset("train"), Address.finetune("rain")
BEST, SERVED = Address.checkpoint("best"), Address.deployment("rain")


@pytest.fixture
def place(tmp_path: Path) -> TurningPlace:
    return TurningPlace(tmp_path)


def with_spec(one: Item, **changes: Any) -> Item:
    found = copy.deepcopy(one)
    found["spec"] |= changes
    return found


def reason_of(turn: Turn) -> str:
    assert turn.problem is not None
    return turn.problem.reason


def test_a_project_is_brought_to_what_its_objects_say(place: TurningPlace) -> None:
    everything = (account(), project(), *chain())
    turn = place.until(Status.CONVERGED, *everything)
    assert turn.plan is not None
    assert {step.address for step in turn.plan.steps} == {TRAIN, TUNE, BEST, SERVED}
    assert [one["status"] for one in place.deployments()] == ["RUNNING"]
    again = place.turn(*everything)
    assert again.plan is not None
    assert again.plan.digest == turn.plan.digest
    assert len(place.jobs()) == 1


def test_what_needs_approval_waits_for_its_digest_in_the_spec(place: TurningPlace) -> None:
    held = project(requireApproval=["train", "delete"])
    turn = place.until(Status.WAITING_FOR_PERSON, account(), held, *chain())
    assert list(turn.to_approve) == [TUNE]
    step = next(one for one in (turn.plan.steps if turn.plan else ()) if one.address == TUNE)
    digest = turn.to_approve[TUNE]
    assert step.hints == (f"add to spec.approvals of WanProject/rain: {digest}  # train FineTune/rain",)
    assert place.jobs() == []
    approved = with_spec(held, approvals=[f"sha256:{digest}"])
    turn = place.turn(account(), approved, *chain())
    assert turn.to_approve == {}
    assert len(place.jobs()) == 1


def test_an_approval_of_another_step_approves_nothing(place: TurningPlace) -> None:
    held = project(requireApproval=["train"], approvals=["ab" * 32])
    place.until(Status.WAITING_FOR_PERSON, account(), held, *chain())
    assert place.jobs() == []


@pytest.mark.parametrize(
    ("which", "changes"),
    [
        (1, {"hyper_parameters": {"n_epoch": 400}}),
        (1, {"hyper_parameters": {"n_epochs": 40, "eval_epochs": 10, "lerning_rate": 1e-5}}),
        (1, {"epochs": 3}),
        (0, {"excludes": ["raw/"]}),
    ],
)
def test_an_unknown_key_is_never_a_training(place: TurningPlace, which: int, changes: Item) -> None:
    documents = chain()
    documents[which] = with_spec(documents[which], **changes)
    turn = place.turn(account(), project(), *documents)
    assert reason_of(turn) == "InvalidSpecs"
    assert turn.problem
    assert "there is no key" in turn.problem.message
    assert turn.plan is None
    assert not (place.root / "state" / "films" / "rain" / ".wanctl" / "sandbox").exists()


def test_an_object_that_is_missing_ends_nothing(place: TurningPlace) -> None:
    everything = (account(), project(), *chain())
    place.until(Status.CONVERGED, *everything)
    turn = place.turn(account(), project(), *chain()[:3])
    assert turn.plan is not None
    assert [step for step in turn.plan.pending if step.address == SERVED] == []
    turn = place.turn(account(), project())
    assert turn.plan is not None
    assert turn.plan.pending == ()
    assert [one["status"] for one in place.deployments()] == ["RUNNING"]
    assert [one["status"] for one in place.jobs()] == ["SUCCEEDED"]


def test_with_retain_a_deleted_object_ends_nothing(place: TurningPlace) -> None:
    documents = chain()
    place.until(Status.CONVERGED, account(), project(), *documents)
    turn = place.turn(account(), project(), *documents[:3], leaving(documents[3]))
    assert turn.absent == frozenset()
    assert [one["status"] for one in place.deployments()] == ["RUNNING"]


def test_with_delete_a_deleted_object_ends_what_is_live_once_it_is_approved(place: TurningPlace) -> None:
    documents, kept = chain(), project(deletionPolicy="Delete")
    place.until(Status.CONVERGED, account(), kept, *documents)
    asks = project(deletionPolicy="Delete", requireApproval=["delete"])
    gone = (*documents[:3], leaving(documents[3]))
    turn = place.turn(account(), asks, *gone)
    assert turn.absent == {SERVED}
    assert list(turn.to_approve) == [SERVED]
    assert not is_gone(gone[3], turn)
    assert len(place.deployments()) == 1
    approved = with_spec(asks, approvals=[turn.to_approve[SERVED]])
    for _ in range(5):
        turn = place.turn(account(), approved, *gone)
        if is_gone(gone[3], turn):
            break
        place.advance()
    assert is_gone(gone[3], turn)
    assert place.deployments() == []


def test_what_others_need_is_not_deleted_before_them(place: TurningPlace) -> None:
    documents, kept = chain(), project(deletionPolicy="Delete")
    place.until(Status.CONVERGED, account(), kept, *documents)
    half = (leaving(documents[0]), leaving(documents[1]), *documents[2:])
    turn = place.turn(account(), kept, *half)
    assert turn.absent == frozenset()
    assert turn.needed == {TRAIN, TUNE}
    assert not is_gone(half[0], turn)
    assert not is_gone(half[1], turn)
    left, order = [leaving(one) for one in documents], []
    for _ in range(20):
        turn = place.turn(account(), kept, *left)
        assert turn.problem is None
        order += [one["kind"] for one in left if is_gone(one, turn)]
        left = [one for one in left if not is_gone(one, turn)]
        place.advance()
    assert order == ["Deployment", "Checkpoint", "FineTune", "Dataset"]
    assert place.deployments() == []
    assert place.jobs() == []


def test_a_turn_without_a_plan_lets_nothing_go(place: TurningPlace) -> None:
    documents, kept = chain(), project(deletionPolicy="Delete")
    place.until(Status.CONVERGED, account(), kept, *documents)
    everything = [leaving(one) for one in documents]
    turn = place.turn(kept, *everything)
    assert reason_of(turn) == "AccountMissing"
    assert not any(is_gone(one, turn) for one in everything)
    assert len(place.deployments()) == 1


@pytest.mark.parametrize(
    ("accounts", "reason"),
    [
        ([], "AccountMissing"),
        ([account(allowedNamespaces=["adverts"])], "AccountRefused"),
        ([account(allowedNamespaces=None)], "AccountRefused"),
        ([account(provider="model-studio")], "KeyMissing"),
        ([account("films")], "AccountMissing"),
    ],
)
def test_an_account_that_may_not_be_used_is_told(
    place: TurningPlace, accounts: list[Item], reason: str
) -> None:
    assert reason_of(place.turn(*accounts, project(), *chain())) == reason


def test_two_projects_of_one_name_do_not_share_an_account(place: TurningPlace) -> None:
    second = project("adverts")
    second["metadata"]["creationTimestamp"] = "2026-03-18T09:00:01Z"
    first = project()
    first["metadata"]["creationTimestamp"] = "2026-03-18T09:00:00Z"
    turn = place.turn(account(), first, second, *chain(), key=ProjectKey("adverts", "rain"))
    assert reason_of(turn) == "ProjectNameTaken"
    assert place.turn(account(), first, second, *chain()).plan is not None


def test_a_volume_that_is_not_there_is_told_at_its_place(place: TurningPlace) -> None:
    documents = chain()
    documents[0]["spec"]["source"]["pvc"]["claim"] = "other"
    turn = place.turn(account(), project(), *documents)
    assert turn.problem
    assert turn.problem.message.startswith("Dataset/train .spec.source: source: there is no ")
    documents[0]["spec"]["source"] = {"pvc": {"claim": "clips", "path": "../../adverts"}}
    assert reason_of(place.turn(account(), project(), *documents)) == "InvalidSpecs"


def test_drift_waits_for_a_person_unless_it_may_be_healed(place: TurningPlace) -> None:
    everything = (account(), project(), *chain())
    place.until(Status.CONVERGED, *everything)
    [serving] = place.deployments()
    place.call("DELETE", f"/api/v1/deployments/{serving['deployed_model']}")
    place.advance()
    turn = place.turn(*everything)
    assert turn.plan is not None
    [step] = turn.plan.pending
    assert (step.address, step.action, step.when) == (SERVED, Action.DEPLOY, When.PERSON)
    place.until(Status.CONVERGED, account(), project(selfHeal=True), *chain())
