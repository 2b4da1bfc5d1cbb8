"""Deployments that are edited, renamed, lost and disturbed: what is live, and that applying ends."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import Harness, checkpoint, dataset, deployment, finetune
from wanctl.address import Address
from wanctl.kinds.kind import AdoptionRefused
from wanctl.plan import Action, Status, When
from wanctl.project import Project
from wanctl.project.adoption import bind
from wanctl.project.approved import PlanDiffers, require_same
from wanctl.project.provider import open_sandbox

NO_ANSWER = 0  # in the place of a status


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was applied once, for the tests to begin from a copy of it."""
    root = tmp_path_factory.mktemp("served")
    harness = Harness.begun(root)
    harness.serve(deployment())
    assert harness.apply().plan.status is Status.CONVERGED
    return root


@pytest.fixture
def harness(served: Path, tmp_path: Path) -> Harness:
    shutil.copytree(served, tmp_path / "copied")
    return Harness(tmp_path / "copied/specs")


@pytest.mark.parametrize("strategy", ["recreate", "blue_green"])
def test_a_new_config_and_capacity_are_shown_and_done_together(harness: Harness, strategy: str) -> None:
    harness.serve(deployment(effect="Then it pours.", capacity=2, strategy=strategy, keep_old="0s"))
    shown = {change.path: change.after for step in harness.plan().pending for change in step.changes}
    assert shown == {"aigc_config.lora_prompt_default": "Then it pours.", "capacity": 2}
    outcome = harness.apply()
    assert outcome.plan.status is Status.CONVERGED
    assert [one["capacity"] for one in harness.deployments] == [2]


def test_a_display_name_is_sent_and_deploys_nothing_again(harness: Harness) -> None:
    harness.serve(deployment(display_name="Money rain"))
    assert harness.plan().status is Status.CONVERGED
    harness.serve(deployment(display_name="Money rain", attempt=2))
    harness.apply()
    project = harness.project()
    sandbox = open_sandbox(project.desired.settings, project.state)
    assert [one["name"] for one in sandbox._store.all("deployment")] == ["Money rain"]
    sandbox.close()


def test_protection_counts_from_the_moment_it_is_written(harness: Harness) -> None:
    harness.serve(deployment(protect=True))
    step = harness.apply(to_delete=()).plan.steps[0]
    assert (step.action, step.when) == (Action.DELETE, When.BLOCKED)
    assert "write protect: false at " in step.hints[0]
    assert len(harness.deployed) == 1


def test_a_tombstone_deletes_nothing_that_is_to_be_protected(harness: Harness) -> None:
    harness.serve(deployment(protect=True, state="absent"))
    harness.apply()
    assert len(harness.deployed) == 1


def converges(harness: Harness) -> bool:
    """By a run that waits, or by the one after it."""
    return Status.CONVERGED in [harness.apply().plan.status for _ in range(2)]


def test_a_renamed_deployment_serves_before_the_old_one_goes(harness: Harness) -> None:
    harness.serve(deployment("storm"))
    assert converges(harness)
    assert harness.changing_calls() == [("POST", 200), ("POST", 200), ("DELETE", 200)]
    assert len(harness.deployed) == 1


def test_the_plain_name_stays_with_the_one_that_has_it(harness: Harness) -> None:
    before = harness.deployed
    harness.serve(deployment("alpha", "Then it hails."), deployment())
    assert converges(harness)
    assert set(before) < set(harness.deployed)
    assert len(harness.deployed) == 2


@pytest.mark.parametrize("first", ["by checkpoint", "by finetune"])
def test_one_model_is_one_however_it_is_referred_to(tmp_path: Path, first: str) -> None:
    both = [deployment(), deployment("two", "Then it hails.", finetune="rain")]
    harness = Harness.begun(tmp_path)
    harness.serve(*(both if first == "by checkpoint" else reversed(both)), snapshot="checkpoint-40")
    assert converges(harness)
    assert [status for _, status in harness.changing_calls()] == [200, 200]


def test_two_checkpoints_of_one_snapshot_are_one_model(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    two = deployment("two", "Then it hails.", checkpoint="also")
    harness.write(dataset(), finetune(), checkpoint(), checkpoint("also"), deployment(), two)
    assert converges(harness)
    assert len(harness.deployed) == 2


@pytest.mark.parametrize("order", [1, -1])
def test_without_the_ledger_each_is_found_by_its_own_name(harness: Harness, order: int) -> None:
    harness.serve(deployment(), deployment("two", "Then it hails."))
    harness.apply()
    (harness.specs / ".wanctl/ledger.json").unlink()
    harness.serve(*[deployment(), deployment("two", "Then it hails.")][::order])
    plan = harness.plan()
    assert plan.status is Status.CONVERGED
    unverified = [one.address for one in plan.findings if one.rule == "aigc-config-unverified"]
    assert unverified == [Address.deployment("rain")]


@pytest.mark.parametrize("new", ["config", "model"])
def test_a_lost_deploy_that_lists_show_late_is_found_again(harness: Harness, new: str) -> None:
    if new == "config":
        harness.serve(deployment(effect="Then it pours.", strategy="blue_green", keep_old="0s"))
    else:
        harness.serve(deployment(), snapshot="checkpoint-30")
    harness.call("POST", "/_sandbox/rig", {"quirks": {"list_lag_calls": 2}})
    harness.lose_deploy_answer()
    assert converges(harness)
    assert len(harness.deployed) == 1
    assert harness.ledger["intents"] == []


def test_a_name_that_is_taken_by_a_lost_call_of_ours_is_ours(harness: Harness) -> None:
    harness.serve(deployment(), snapshot="checkpoint-30")
    harness.call("POST", "/_sandbox/rig", {"quirks": {"list_lag_calls": 60}})
    harness.lose_deploy_answer()
    assert converges(harness)
    assert [status for _, status in harness.changing_calls()] == [200, NO_ANSWER, 200]


def test_the_new_one_that_somebody_deletes_is_deployed_again_beside_the_old(harness: Harness) -> None:
    harness.serve(deployment(effect="Then it pours.", strategy="blue_green", keep_old="0s"))
    harness.apply(waits=False)
    harness.delete_as_somebody(next(one["id"] for one in harness.deployments if one["status"] == "PENDING"))
    assert converges(harness)
    assert len(harness.deployed) == 1


def test_a_lost_deploy_of_a_protected_one_is_protected_once_it_is_found(harness: Harness) -> None:
    harness.serve(deployment(), deployment("two", "Then it hails.", protect=True))
    harness.lose_deploy_answer()
    assert harness.apply().plan.status is Status.CONVERGED
    assert harness.ledger["entries"]["Deployment/two"]["protected"]


def test_somebody_elses_deployment_is_not_what_a_lost_call_made(harness: Harness) -> None:
    model = harness.deployed[0]
    harness.serve(deployment(), deployment("two", "Then it pours."))
    harness.lose_deploy_answer("before")
    harness.apply(waits=False)
    harness.deploy_as_somebody(model, suffix="alice")
    assert converges(harness)
    assert len(harness.deployed) == 3
    harness.serve(deployment())
    assert converges(harness)
    assert f"{model}-alice" in harness.deployed


def test_the_same_name_deployed_again_by_somebody_is_not_trusted(harness: Harness) -> None:
    (name,) = harness.deployed
    harness.delete_as_somebody(name)
    harness.deploy_as_somebody(name)
    harness.advance(3600)
    plan = harness.plan()
    assert [one.message for one in plan.findings if one.rule == "aigc-config-unverified"]
    bind(Project.open(harness.specs), Address.deployment("rain"), name, None)
    assert not [one for one in harness.plan().findings if one.rule == "aigc-config-unverified"]


def test_the_same_name_deployed_again_by_somebody_is_not_deleted(harness: Harness) -> None:
    (name,) = harness.deployed
    harness.delete_as_somebody(name)
    harness.deploy_as_somebody(name)
    harness.serve()
    harness.apply()
    assert harness.deployed == [name]
    assert name in [one.remote_id for one in harness.plan().orphans]


def test_a_ledger_of_yesterday_says_nothing_of_what_was_deployed_since(harness: Harness) -> None:
    ledger = harness.specs / ".wanctl/ledger.json"
    yesterday = ledger.read_text(encoding="utf-8")
    harness.serve(deployment(effect="Then it pours."))
    harness.apply()
    ledger.write_text(yesterday, encoding="utf-8")
    harness.serve(deployment())
    assert "aigc-config-unverified" in [one.rule for one in harness.plan().findings]


def test_what_another_has_is_not_adopted(harness: Harness) -> None:
    harness.serve(deployment(), deployment("two"))
    with pytest.raises(AdoptionRefused, match="is Deployment/rain by the ledger"):
        bind(Project.open(harness.specs), Address.deployment("two"), harness.deployed[0], None)
    with pytest.raises(AdoptionRefused, match=r"is Deployment/rain by the ledger, and no FineTune$"):
        bind(Project.open(harness.specs), Address.finetune("rain"), harness.deployed[0], None)


def test_adopting_another_one_lets_the_one_before_go(harness: Harness) -> None:
    (name,) = harness.deployed
    harness.deploy_as_somebody(name, suffix="alice")
    bind(Project.open(harness.specs), Address.deployment("rain"), f"{name}-alice", None)
    assert converges(harness)
    assert harness.deployed == [f"{name}-alice"]


def test_nothing_is_adopted_for_a_model_that_is_not_there_yet(harness: Harness) -> None:
    harness.serve(deployment(), deployment("two", checkpoint="open"))
    path = harness.specs / "all.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}---\n{{kind: Checkpoint, name: open, finetune: rain}}\n", encoding="utf-8")
    harness.deploy_as_somebody(harness.deployed[0], suffix="alice")
    with pytest.raises(AdoptionRefused, match="is not there yet"):
        bind(Project.open(harness.specs), Address.deployment("two"), f"{harness.deployed[0]}-alice", None)


@pytest.mark.parametrize("more", [{"capacity": 50}, {"protect": True}])
def test_what_a_first_deployment_is_given_is_in_the_digest(harness: Harness, more: dict[str, Any]) -> None:
    harness.serve(deployment(), deployment("two"))
    approved = harness.plan().digest
    harness.serve(deployment(), deployment("two", **more))
    assert harness.plan().digest != approved


def test_how_it_is_replaced_is_in_the_digest(harness: Harness) -> None:
    harness.serve(deployment(effect="Then it pours.", strategy="blue_green"))
    approved = harness.plan().as_json()
    harness.serve(deployment(effect="Then it pours."))
    with pytest.raises(PlanDiffers, match=r"warning: approved .*the new one is deployed first"):
        require_same(approved, harness.plan())


class TellsCapacity(httpx.ASGITransport):
    """A service that tells the capacity of every deployment."""

    capacity = 9

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        text = await response.aread()
        if not request.url.path.startswith("/api/v1/deployments"):
            return httpx.Response(response.status_code, content=text, headers=response.headers)
        if request.method == "PUT":
            type(self).capacity = json.loads(request.content)["capacity"]
        body = json.loads(text)
        for one in body["output"].get("deployments", [body["output"]]):
            one["capacity"] = type(self).capacity
        return httpx.Response(response.status_code, json=body)


def test_a_capacity_that_the_service_tells_is_compared(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TellsCapacity, "capacity", 9)
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", TellsCapacity)
    (step,) = harness.plan().pending
    assert (step.action, step.drift) == (Action.SCALE, True)
    assert [(change.before, change.after) for change in step.changes] == [(9, 1)]
    assert converges(harness)
    assert [status for _, status in harness.changing_calls()] == [200, 200]


def test_a_name_that_somebody_takes_in_the_middle_of_a_replacement_is_theirs(harness: Harness) -> None:
    (name,) = harness.deployed
    harness.serve(deployment(effect="Then it pours."))
    harness.apply(waits=False)
    harness.advance(3600)
    harness.deploy_as_somebody(name)
    assert converges(harness)
    assert len(harness.deployed) == 2
    harness.serve()
    harness.apply()
    assert harness.deployed == [name]


def test_what_comes_after_a_deletion_is_shown_while_it_is_waited_for(harness: Harness) -> None:
    harness.call("DELETE", f"/api/v1/deployments/{harness.deployed[0]}")
    waiting = harness.plan()
    harness.advance(3600)
    (before,), (after,) = waiting.pending, harness.plan().pending
    assert (before.when, after.when) == (When.SERVICE, When.NOW)
    assert before.changes == after.changes
    assert before.changes


def test_the_second_half_of_a_replacement_shows_what_the_first_one_did(harness: Harness) -> None:
    harness.serve(deployment(effect="Then it pours."))
    (first,) = harness.plan().pending
    (second,) = harness.apply(waits=False).plan.pending
    harness.advance(3600)
    (third,) = harness.plan().pending
    assert [first.when, second.when, third.when] == [When.NOW, When.SERVICE, When.NOW]
    assert first.changes == second.changes == third.changes


def test_while_it_scales_the_plan_says_so(harness: Harness) -> None:
    harness.serve(deployment(capacity=2))
    harness.apply(waits=False)
    step = harness.plan().step(Address.deployment("rain"))
    assert step is not None
    assert (step.action, step.when) == (Action.SCALE, When.SERVICE)


def callers_own(prompt: str | None, **more: Any) -> dict[str, Any]:
    """A deployment that uses its callers' prompts, with a template that is dead."""
    config = {"use_input_prompt": True, **({"prompt": prompt} if prompt else {})}
    return {**deployment(**more), "aigc_config": config}


@pytest.mark.parametrize("strategy", ["recreate", "blue_green"])
def test_a_template_that_is_not_used_replaces_nothing(harness: Harness, strategy: str) -> None:
    harness.serve(callers_own("Describe it.", strategy=strategy))
    assert harness.apply().plan.status is Status.CONVERGED
    before, names = harness.changing_calls(), harness.deployed
    for prompt in ("Describe it well.", None):
        harness.serve(callers_own(prompt, strategy=strategy))
        plan = harness.apply().plan
        assert plan.status is Status.CONVERGED
        assert [one.rule for one in plan.findings if "not sent" in one.message] == ["template-unsent"]
    assert (harness.changing_calls(), harness.deployed) == (before, names)
    harness.serve(callers_own("Describe it.", strategy=strategy))
    assert not [one for one in harness.plan().findings if one.rule == "template-unsent"]
    harness.serve({**deployment(strategy=strategy)})
    (step,) = harness.plan().pending
    assert {change.path for change in step.changes} >= {"aigc_config.use_input_prompt"}


def test_an_unused_template_is_no_part_of_a_name(harness: Harness) -> None:
    """Without the ledger it is found by its suffix, whatever stands in a template that is dead."""
    harness.serve(deployment(), callers_own("Describe it.", name="two"))
    harness.apply()
    (harness.specs / ".wanctl/ledger.json").unlink()
    harness.serve(deployment(), callers_own("Describe it well.", name="two"))
    step = harness.step(Address.deployment("two"))
    assert (step.action, step.when) == (Action.NOTHING, When.DONE)
