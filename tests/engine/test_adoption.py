"""Binding what is live: what the service tells is compared, and what it does not is said."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Harness, dataset, deployment, finetune
from wanctl.address import Address
from wanctl.kinds.kind import AdoptionRefused
from wanctl.plan import Action, Status
from wanctl.project import Project
from wanctl.project.adoption import bind

RAIN, LIVE = Address.finetune("rain"), Address.deployment("rain")
UNVERIFIED = "aigc-config-unverified"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was applied once, for the tests to begin from a copy of it."""
    root = tmp_path_factory.mktemp("adopting")
    harness = Harness.begun(root)
    harness.serve(deployment())
    assert harness.apply().plan.status is Status.CONVERGED
    return root


@pytest.fixture
def harness(served: Path, tmp_path: Path) -> Harness:
    shutil.copytree(served, tmp_path / "copied")
    return Harness(tmp_path / "copied/specs")


def lose_ledger(harness: Harness) -> None:
    (harness.specs / ".wanctl/ledger.json").unlink()


def tell(harness: Harness, **quirks: Any) -> None:
    harness.call("POST", "/_sandbox/rig", {"quirks": quirks})


def unverified(harness: Harness) -> list[tuple[str, str]]:
    return [(one.message, one.hint or "") for one in harness.plan().findings if one.rule == UNVERIFIED]


def adopt(harness: Harness, address: Address, remote_id: str) -> str:
    return bind(Project.open(harness.specs), address, remote_id, None)


def test_without_a_record_an_edit_is_said_to_go_unnoticed(harness: Harness) -> None:
    lose_ledger(harness)
    harness.serve(deployment(effect="Then it pours."))
    ((message, hint),) = unverified(harness)
    assert "aigc_config is unverified: not readable from the API and no record" in message
    assert "An edit of it would go unnoticed" in message
    assert f"wanctl adopt Deployment/rain {harness.deployed[0]}" in hint
    assert "attempt: 2" in hint
    adopt(harness, LIVE, harness.deployed[0])
    harness.serve(deployment(effect="Then it pours.", attempt=2))
    assert [step.action for step in harness.plan().pending] == [Action.REPLACE], "as the hint says"


def test_a_service_that_tells_the_config_vouches_for_it(harness: Harness) -> None:
    tell(harness, echo_config=True)
    lose_ledger(harness)
    assert unverified(harness) == []
    harness.serve(deployment(effect="Then it pours."))
    ((message, _),) = unverified(harness)
    assert 'lora_prompt_default "Then it rains." (the spec: "Then it pours.")' in message
    assert harness.plan().status is Status.CONVERGED, "nothing is deleted that no record knows"


def test_what_is_adopted_with_another_config_is_shown_and_replaced(harness: Harness) -> None:
    tell(harness, echo_config=True)
    lose_ledger(harness)
    harness.serve(deployment(effect="Then it pours."))
    said = adopt(harness, LIVE, harness.deployed[0])
    assert 'lora_prompt_default "Then it rains." (the spec: "Then it pours.")' in said
    (step,) = harness.plan().pending
    assert [(one.path, one.before, one.after) for one in step.changes] == [
        ("aigc_config.lora_prompt_default", "Then it rains.", "Then it pours.")
    ]
    assert step.action is Action.REPLACE


def test_what_is_adopted_with_the_same_config_needs_no_trust(harness: Harness) -> None:
    tell(harness, echo_config=True)
    lose_ledger(harness)
    assert "the very aigc_config" in adopt(harness, LIVE, harness.deployed[0])
    assert harness.plan().status is Status.CONVERGED


def test_a_config_that_is_told_otherwise_than_it_was_sent_is_warned_of_and_left(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(harness, echo_config=True)
    monkeypatch.setattr(
        "wanctl.kinds.deployment.unrecorded.echoed_config",
        lambda _: {"use_input_prompt": False, "prompt": "Describe it. ", "lora_prompt_default": "Odd."},
    )
    plan = harness.plan()
    assert plan.status is Status.CONVERGED
    (finding,) = [one for one in plan.findings if one.rule == UNVERIFIED]
    assert "lora_prompt_default" in finding.message
    assert "prompt " not in finding.message.replace("input_prompt ", ""), "a blank is no difference"


def test_a_job_that_was_trained_on_other_content_is_refused(harness: Harness) -> None:
    job = harness.call("GET", "/api/v1/fine-tunes")["output"]["jobs"][0]["job_id"]
    lose_ledger(harness)
    clip = next((harness.specs.parent / "data").glob("data.jsonl"))
    clip.write_text(clip.read_text(encoding="utf-8").replace("The video", "Now the video"), encoding="utf-8")
    with pytest.raises(AdoptionRefused, match=r"other content than FineTune/rain wants: rain--train--"):
        adopt(harness, RAIN, job)


def test_what_a_job_was_made_with_beyond_the_spec_is_said(harness: Harness) -> None:
    tell(harness, echo_all_parameters=True)
    job = harness.call("GET", "/api/v1/fine-tunes")["output"]["jobs"][0]["job_id"]
    body = harness.call("GET", f"/api/v1/fine-tunes/{job}")["output"]
    body = {
        "model": "wan2.6-i2v",
        "training_file_ids": body["training_file_ids"],
        "training_type": "efficient_sft",
        "hyper_parameters": {"n_epochs": 40, "eval_epochs": 10, "batch_size": 2},
    }
    other = harness.call("POST", "/api/v1/fine-tunes", body)["output"]["job_id"]
    said = adopt(harness, RAIN, other)
    assert "made with batch_size 2, where a new training would have 1" in said


def test_a_job_that_tells_nothing_is_trusted_unseen(harness: Harness) -> None:
    tell(harness, echo_file_ids=False)
    job = harness.call("GET", "/api/v1/fine-tunes")["output"]["jobs"][0]["job_id"]
    assert "which files it read is not told" in adopt(harness, RAIN, job)


def test_one_job_is_not_two_documents(harness: Harness) -> None:
    job = harness.call("GET", "/api/v1/fine-tunes")["output"]["jobs"][0]["job_id"]
    two = {**finetune("two"), "hyper_parameters": {"n_epochs": 40}}
    harness.write(dataset(), finetune(), two)
    with pytest.raises(AdoptionRefused, match="is FineTune/rain by the ledger"):
        adopt(harness, Address.finetune("two"), job)
