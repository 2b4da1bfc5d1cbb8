"""Binding what is live: what the service tells is compared, and what it does not is said."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.engine.accounts import World, dataset, deployment, finetune
from wanctl.address import Address
from wanctl.kinds.kind import AdoptionRefused
from wanctl.plan import Action, Status
from wanctl.project import Project
from wanctl.project.outputs import bind

RAIN, LIVE = Address.finetune("rain"), Address.deployment("rain")
UNVERIFIED = "aigc-config-unverified"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was applied once, for the tests to begin from a copy of it."""
    root = tmp_path_factory.mktemp("adopting")
    world = World.begun(root)
    world.serve(deployment())
    assert world.apply().plan.status is Status.CONVERGED
    return root


@pytest.fixture
def world(served: Path, tmp_path: Path) -> World:
    shutil.copytree(served, tmp_path / "world")
    return World(tmp_path / "world/specs")


def lose_ledger(world: World) -> None:
    (world.folder / ".wanctl/ledger.json").unlink()


def tell(world: World, **quirks: Any) -> None:
    world.call("POST", "/_sandbox/rig", {"quirks": quirks})


def unverified(world: World) -> list[tuple[str, str]]:
    return [(one.message, one.hint or "") for one in world.plan().findings if one.rule == UNVERIFIED]


def adopt(world: World, address: Address, remote_id: str) -> str:
    return bind(Project.open(world.folder), address, remote_id, None)


def test_without_a_record_an_edit_is_said_to_go_unnoticed(world: World) -> None:
    lose_ledger(world)
    world.serve(deployment(effect="Then it pours."))
    ((message, hint),) = unverified(world)
    assert "aigc_config is unverified: not readable from the API and no record" in message
    assert "An edit of it would go unnoticed" in message
    assert f"wanctl adopt Deployment/rain {world.deployed[0]}" in hint
    assert "attempt: 2" in hint
    adopt(world, LIVE, world.deployed[0])
    world.serve(deployment(effect="Then it pours.", attempt=2))
    assert [step.action for step in world.plan().pending] == [Action.REPLACE], "as the hint says"


def test_a_service_that_tells_the_config_vouches_for_it(world: World) -> None:
    tell(world, echo_config=True)
    lose_ledger(world)
    assert unverified(world) == []
    world.serve(deployment(effect="Then it pours."))
    ((message, _),) = unverified(world)
    assert 'lora_prompt_default "Then it rains." (the spec: "Then it pours.")' in message
    assert world.plan().status is Status.CONVERGED, "nothing is deleted that no record knows"


def test_what_is_adopted_with_another_config_is_shown_and_replaced(world: World) -> None:
    tell(world, echo_config=True)
    lose_ledger(world)
    world.serve(deployment(effect="Then it pours."))
    said = adopt(world, LIVE, world.deployed[0])
    assert 'lora_prompt_default "Then it rains." (the spec: "Then it pours.")' in said
    (step,) = world.plan().pending
    assert [(one.path, one.before, one.after) for one in step.changes] == [
        ("aigc_config.lora_prompt_default", "Then it rains.", "Then it pours.")
    ]
    assert step.action is Action.REPLACE


def test_what_is_adopted_with_the_same_config_needs_no_trust(world: World) -> None:
    tell(world, echo_config=True)
    lose_ledger(world)
    assert "the very aigc_config" in adopt(world, LIVE, world.deployed[0])
    assert world.plan().status is Status.CONVERGED


def test_a_config_that_is_told_otherwise_than_it_was_sent_is_warned_of_and_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(world, echo_config=True)
    monkeypatch.setattr(
        "wanctl.kinds.deployment.unknown_config.echoed_config",
        lambda _: {"use_input_prompt": False, "prompt": "Describe it. ", "lora_prompt_default": "Odd."},
    )
    plan = world.plan()
    assert plan.status is Status.CONVERGED
    (finding,) = [one for one in plan.findings if one.rule == UNVERIFIED]
    assert "lora_prompt_default" in finding.message
    assert "prompt " not in finding.message.replace("input_prompt ", ""), "a blank is no difference"


def test_a_job_that_was_trained_on_other_content_is_refused(world: World) -> None:
    job = world.call("GET", "/api/v1/fine-tunes")["output"]["jobs"][0]["job_id"]
    lose_ledger(world)
    clip = next((world.folder.parent / "data").glob("data.jsonl"))
    clip.write_text(clip.read_text(encoding="utf-8").replace("The video", "Now the video"), encoding="utf-8")
    with pytest.raises(AdoptionRefused, match=r"other content than FineTune/rain wants: rain--train--"):
        adopt(world, RAIN, job)


def test_what_a_job_was_made_with_beyond_the_spec_is_said(world: World) -> None:
    tell(world, echo_all_parameters=True)
    job = world.call("GET", "/api/v1/fine-tunes")["output"]["jobs"][0]["job_id"]
    body = world.call("GET", f"/api/v1/fine-tunes/{job}")["output"]
    body = {
        "model": "wan2.6-i2v",
        "training_file_ids": body["training_file_ids"],
        "training_type": "efficient_sft",
        "hyper_parameters": {"n_epochs": 40, "eval_epochs": 10, "batch_size": 2},
    }
    other = world.call("POST", "/api/v1/fine-tunes", body)["output"]["job_id"]
    said = adopt(world, RAIN, other)
    assert "made with batch_size 2, where a new training would have 1" in said


def test_a_job_that_tells_nothing_is_trusted_unseen(world: World) -> None:
    tell(world, echo_file_ids=False)
    job = world.call("GET", "/api/v1/fine-tunes")["output"]["jobs"][0]["job_id"]
    assert "which files it read is not told" in adopt(world, RAIN, job)


def test_one_job_is_not_two_documents(world: World) -> None:
    job = world.call("GET", "/api/v1/fine-tunes")["output"]["jobs"][0]["job_id"]
    two = {**finetune("two"), "hyper_parameters": {"n_epochs": 40}}
    world.write(dataset(), finetune(), two)
    with pytest.raises(AdoptionRefused, match="is FineTune/rain by the ledger"):
        adopt(world, Address.finetune("two"), job)
