"""Rounds against a real remote and the sandbox: what is pushed is applied, and what may not be waits."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.watch.places import BEST, HEAD, SERVING, TRAIN, TUNE, Place, environ, git, step_of
from wanctl.engine.converge import Patience
from wanctl.finding import Severity
from wanctl.language.findings import SpecErrors
from wanctl.language.load import load_project
from wanctl.ledger.lease import Lease
from wanctl.plan import Action, Status, Step, When
from wanctl.project import Project
from wanctl.render.text.console import TextStream
from wanctl.render.text.run import TimedLines
from wanctl.watch.checkout import Checkout, WatchError
from wanctl.watch.policy import Policy

ALL = Policy(needs_approval=frozenset(Action))
GATED = Policy(needs_approval=frozenset({Action.TRAIN, Action.DELETE}))


def test_what_is_pushed_is_applied_and_the_users_clone_feels_nothing(place: Place) -> None:
    (place.specs / "all.yaml").write_text("nonsense: [", encoding="utf-8")  # the user is in the middle of it
    before = (git(place.clone, "status", "--porcelain"), git(place.clone, "rev-parse", "HEAD", "origin/main"))
    iterations = place.iterations()
    first = iterations.take()
    assert first.plan.status is Status.CONVERGED
    assert [line.verb for line in first.record.history] == ["upload"]

    pushed = place.push(TRAIN, TUNE, BEST, SERVING)
    second = iterations.take()
    assert second.commit.id == pushed
    assert second.commit.subject == "A change"
    assert step_of(second, "FineTune/rain").when is When.SERVICE  # started, and not waited for
    assert second.record.history[-1].commit == pushed
    assert (
        git(place.clone, "status", "--porcelain"),
        git(place.clone, "rev-parse", "HEAD", "origin/main"),
    ) == before
    assert git(place.clone, "for-each-ref", "--format=%(refname)").splitlines() == [
        "refs/heads/main",
        "refs/remotes/origin/main",
    ]


def test_turn_after_turn_it_converges(place: Place) -> None:
    place.push(TRAIN, TUNE, BEST, SERVING)
    iteration = place.converge(place.iterations())
    assert iteration.plan.status is Status.CONVERGED
    assert [line.verb for line in iteration.record.history if line.result == "ok"] == [
        "upload",
        "train",
        "deploy",
    ]


def test_each_call_to_the_service_is_heard(place: Place) -> None:
    on_call: list[tuple[str, int | None]] = []
    iterations = place.iterations()
    iterations.on_call = lambda path, status: on_call.append((path.partition("?")[0], status))
    iterations.take()
    assert ("/compatible-mode/v1/files", 200) in on_call
    assert ("/api/v1/fine-tunes", 200) in on_call


def test_a_plan_that_stands_still_is_applied_once(place: Place) -> None:
    iterations = place.iterations()
    assert iterations.take().apply_seconds is not None
    assert iterations.take().apply_seconds is None


def test_the_checkout_is_exactly_the_ref_whatever_lies_in_it(place: Place) -> None:
    iterations = place.iterations()
    iterations.take()
    (iterations.checkout.directory / "stray.yaml").write_text("kind: Nonsense\n", encoding="utf-8")
    (iterations.checkout.directory / "all.yaml").unlink()
    assert iterations.take().plan.status is Status.CONVERGED


def test_mistakes_in_the_ref_stop_the_round_and_the_next_commit_corrects_it(place: Place) -> None:
    iterations = place.iterations()
    place.push({**TUNE, "training": ["trian"]})
    with pytest.raises(SpecErrors, match="trian"):
        iterations.take()
    place.push(TRAIN)
    assert iterations.take().plan.status is Status.CONVERGED


def test_a_ref_that_is_gone_is_told(place: Place) -> None:
    iterations = place.iterations()
    git(place.clone.parent / "remote.git", "update-ref", "-d", "refs/heads/main")
    with pytest.raises(WatchError, match=r"refs/heads/main of origin cannot be fetched"):
        iterations.take()


def test_a_project_that_was_moved_on_the_ref_is_told_as_that(place: Place) -> None:
    iterations = place.iterations()
    iterations.take()
    place.push()
    other = place.clone.parent / "colleague"
    git(other, "mv", "specs", "moved")
    git(other, "commit", "--quiet", "-m", "Moved")
    git(other, "push", "--quiet", "origin", "HEAD:main")
    with pytest.raises(WatchError, match=r"specs/wanctl.yaml is not on refs/heads/main of origin"):
        iterations.take()
    assert iterations.observed.commit
    assert iterations.observed.commit.subject == "Moved"


def test_a_project_that_is_a_symlink_out_of_the_repository_is_refused(place: Place) -> None:
    iterations = place.iterations()
    other = place.clone.parent / "colleague"
    git(place.clone.parent, "clone", "--quiet", str(place.clone.parent / "remote.git"), str(other))
    git(other, "mv", "specs", "moved")
    (other / "specs").symlink_to(place.specs)
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "-m", "A way out")
    git(other, "push", "--quiet", "origin", "HEAD:main")
    with pytest.raises(WatchError, match="specs leads out of the repository"):
        iterations.take()


def test_training_waits_until_its_digest_is_committed(place: Place) -> None:
    place.push(TRAIN, TUNE)
    iterations = place.iterations(GATED)
    held = iterations.take()
    step = step_of(held, "FineTune/rain")
    assert step.when is When.PERSON
    assert held.plan.status is Status.WAITING_FOR_PERSON
    assert [line.verb for line in held.record.history] == ["upload"]  # which needs no approval
    digest = line_of(step).partition(" ")[0]
    assert step.hints == (f"commit to .wanctl-approvals: {digest}  # train FineTune/rain",)

    place.approve("# reviewed by Ann", "0" * 64)
    assert step_of(iterations.take(), "FineTune/rain").when is When.PERSON
    place.approve("# reviewed by Ann", f"{digest.upper()}  # train FineTune/rain")
    assert step_of(iterations.take(), "FineTune/rain").when is When.SERVICE


def test_what_is_approved_ahead_stays_approved_while_it_advances(place: Place) -> None:
    """Hours and rounds lie between a training and its deployment; the model's name is not known before."""
    place.push(TRAIN, TUNE, BEST, SERVING)
    shown = place.iterations(ALL).take()
    lines = [line_of(step) for step in shown.plan.steps]
    assert [line.partition("# ")[2] for line in lines] == [
        "upload Dataset/train",
        "train FineTune/rain",
        "export Checkpoint/best",
        "deploy Deployment/rain",
    ]
    place.approve(*lines)
    done = place.converge(place.iterations(ALL))
    assert [line.verb for line in done.record.history if line.result == "ok"] == ["upload", "train", "deploy"]


@pytest.mark.parametrize(
    "other",
    [
        [TRAIN, {**TUNE, "hyper_parameters": {"n_epochs": 50, "eval_epochs": 10}}, BEST, SERVING],
        [TRAIN, TUNE, {**BEST, "checkpoint": "checkpoint-20"}, SERVING],
        [TRAIN, TUNE, BEST, {**SERVING, "capacity": 2, "allow": ["capacity"]}],
    ],
    ids=["another training", "another checkpoint", "another capacity"],
)
def test_what_it_stands_on_is_approved_with_it(place: Place, other: list[dict[str, Any]]) -> None:
    place.push(TRAIN, TUNE, BEST, SERVING)
    deploying = Policy(needs_approval=frozenset({Action.DEPLOY}))
    place.approve(line_of(step_of(place.iterations(deploying).take(), "Deployment/rain")))
    assert not step_of(place.iterations(deploying).take(), "Deployment/rain").hints
    place.push(*other)
    assert step_of(place.iterations(deploying).take(), "Deployment/rain").hints


def test_what_is_approved_for_one_environment_is_not_for_the_next(place: Place) -> None:
    place.push(TRAIN, TUNE, head={**HEAD, "environments": {"prod": {"ledger": "prod.json"}}})
    line = line_of(step_of(place.iterations(GATED).take(), "FineTune/rain"))
    place.approve(line)
    assert step_of(place.iterations(GATED).take(), "FineTune/rain").when is When.SERVICE
    prod = replace(place.iterations(GATED), environment="prod")
    desired = load_project(prod.checkout.directory, "prod")
    prod.home = place.clone.parent / "prod"  # another account
    step = step_of(prod.take(), "FineTune/rain")
    assert desired.environment == "prod"
    assert (step.when, line_of(step) == line) == (When.PERSON, False)


def test_a_plans_digest_approves_its_steps_also_those_that_come_later(place: Place) -> None:
    """The upload alone makes another plan of it."""
    place.push({**TRAIN, "name": "other", "exclude": ["*.txt"]}, TRAIN, TUNE, BEST, SERVING)
    iterations = place.iterations(ALL)
    held = iterations.take()
    assert not held.record.history
    place.approve(
        Project(load_project(iterations.checkout.directory), iterations.host, home=place.specs).plan().digest
    )
    verbs = [line.verb for line in place.converge(iterations).record.history if line.result == "ok"]
    assert verbs[-2:] == ["train", "deploy"]


def test_correcting_drift_is_approved_each_time(place: Place) -> None:
    """The line of the first deployment still stands in the file."""
    place.push(TRAIN, TUNE, BEST, SERVING)
    policy = Policy(self_heal=True, needs_approval=frozenset({Action.DEPLOY}))
    place.approve(line_of(step_of(place.iterations(policy).take(), "Deployment/rain")))
    live = step_of(place.converge(place.iterations(policy)), "Deployment/rain").remote_id
    place.call("DELETE", f"/api/v1/deployments/{live}")
    place.advance(hours=1)
    step = step_of(place.iterations(policy).take(), "Deployment/rain")
    assert (step.drift, step.when) == (True, When.PERSON)
    place.approve(line_of(step))
    assert place.converge(place.iterations(policy)).plan.status is Status.CONVERGED


def test_what_is_pushed_while_a_replacement_is_under_way_was_not_approved_with_it(place: Place) -> None:
    def saying(prompt: str) -> None:
        config = {"prompt": prompt, "lora_prompt_default": "Then it rains."}
        place.push(TRAIN, TUNE, BEST, {**SERVING, "aigc_config": config})

    saying("First.")
    place.converge(place.iterations())
    iterations = place.iterations(ALL)
    saying("Second.")
    place.approve(line_of(step_of(iterations.take(), "Deployment/rain")))
    assert step_of(iterations.take(), "Deployment/rain").when is When.SERVICE  # the old one goes
    saying("Never shown.")
    place.advance(hours=1)
    held = step_of(iterations.take(), "Deployment/rain")
    assert held.when is When.PERSON
    place.approve(line_of(held))
    assert place.converge(iterations).plan.status is Status.CONVERGED


def line_of(step: Step) -> str:
    """What a person commits for it."""
    found = [hint.partition(": ")[2] for hint in step.hints if ".wanctl-approvals" in hint]
    assert len(found) == 1, step
    return found[0]


def test_drift_is_reported_and_corrected_only_if_asked(place: Place) -> None:
    place.push(TRAIN, TUNE, BEST, SERVING)
    live = step_of(place.converge(place.iterations()), "Deployment/rain").remote_id
    place.call("DELETE", f"/api/v1/deployments/{live}")
    place.advance(hours=1)

    told = place.iterations().take()
    step = step_of(told, "Deployment/rain")
    assert step.drift
    assert step.when is When.PERSON
    assert "drift is not corrected without --self-heal" in step.reason
    assert [line.verb for line in told.record.history].count("deploy") == 1

    healed = place.converge(place.iterations(Policy(self_heal=True)))
    assert [line.verb for line in healed.record.history].count("deploy") == 2


def test_over_a_limit_nothing_is_done(place: Place) -> None:
    place.push(TRAIN, TUNE, head={**HEAD, "limits": {"new_jobs": 0}})
    iteration = place.iterations().take()
    assert iteration.plan.status is Status.ERROR
    assert "limits.new_jobs" in iteration.refused[0]
    assert not iteration.record.history


def test_outside_the_windows_nothing_is_started(place: Place) -> None:
    closed = {"deny": "0 0 * * *", "duration": "23h"}
    place.push(TRAIN, TUNE, head={**HEAD, "windows": [closed]})
    iteration = place.iterations().take()
    assert iteration.plan.status is Status.CHANGES
    assert iteration.plan.findings[-1].rule == "window"
    assert not iteration.record.history


def test_while_another_run_applies_the_turn_stands_by(place: Place) -> None:
    store = Project.open(place.specs).store
    now = datetime.now(UTC)
    store.acquire(Lease(token="t", holder="ci", since=now, expires=now + timedelta(minutes=5)))
    iteration = place.iterations().take()
    assert iteration.held_by == "ci"
    assert not iteration.record.history


@pytest.mark.parametrize("ref", ["main", "upstream/main", "origin/", "origin/-x"])
def test_a_ref_without_a_remote_is_refused(place: Place, ref: str) -> None:
    with pytest.raises(WatchError, match="origin/main"):
        Checkout.of(place.specs, ref, place.specs / "tree", environ())


CLOSED = {"deny": "0 0 * * *", "duration": "24h"}
OTHER = {**SERVING, "aigc_config": {"prompt": "Describe it.", "lora_prompt_default": "Then it pours."}}


@pytest.mark.parametrize("policy", [Policy(), Policy(needs_approval=frozenset(Action))])
def test_a_replacement_that_has_taken_the_service_down_is_brought_to_its_end(
    place: Place, policy: Policy
) -> None:
    """Neither a freeze nor a missing line in git leaves it out of service; everything else waits."""
    place.push(TRAIN, TUNE, BEST, SERVING)
    place.converge(place.iterations())
    place.push(TRAIN, TUNE, BEST, OTHER)
    deleting = step_of(place.iterations().take(), "Deployment/rain")
    assert (deleting.action, deleting.when) == (Action.REPLACE, When.SERVICE)
    place.advance(hours=1)

    other = {**TUNE, "name": "another", "hyper_parameters": {"n_epochs": 60}}
    place.push(TRAIN, TUNE, BEST, OTHER, other, head={**HEAD, "windows": [CLOSED]})
    iteration = place.iterations(policy).take()
    assert [line.verb for line in iteration.record.history if line.result == "ok"][-2:] == [
        "delete",
        "deploy",
    ]
    assert step_of(iteration, "FineTune/another").when is not When.SERVICE
    assert iteration.refused == ()  # a closed window is no failure


def test_a_freeze_that_begins_in_the_middle_of_an_apply_lets_nothing_more_start(place: Place) -> None:
    """The training is under way at the service and goes on; its deployment waits until the freeze is over."""
    begins = {"deny": "15 9 * * *", "duration": "20h", "timezone": "Asia/Shanghai"}  # the clock says 09:00
    place.push(TRAIN, TUNE, BEST, SERVING, head={**HEAD, "windows": [begins]})
    iterations = place.iterations()
    iterations.checkout.update()
    project = Project(load_project(iterations.checkout.directory), iterations.host, home=place.specs)
    outcome = project.apply(lambda *_: True, Patience(waits=True))
    assert [one.rule for one in outcome.plan.findings if one.severity is Severity.ERROR] == ["window"]
    frozen = iterations.take()
    assert step_of(frozen, "Deployment/rain").when is When.NOW
    assert [line.verb for line in frozen.record.history if line.result == "ok"] == ["upload", "train"]
    for _ in range(24):
        place.advance(hours=1)
        verbs = [line.verb for line in iterations.take().record.history if line.result == "ok"]
    assert verbs == ["upload", "train", "deploy"]


def test_a_round_says_what_the_service_is_done_with(place: Place) -> None:
    place.push(TRAIN, TUNE)
    said = io.StringIO()
    rounds = place.iterations()
    rounds.watcher = TimedLines(TextStream(said))
    place.converge(rounds)
    last = said.getvalue().splitlines()[-1]
    assert re.search(r"FineTune/rain  trained (in|within) \d+ h( \d+ min)?, 0\.\d\d USD$", last), last
    rounds.take()
    assert said.getvalue().splitlines()[-1] == last, "it is said once"
