"""Checks of a deployment: it counts, and takes over, only when its videos came back and are right."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image, ImageDraw

from tests.harness import Document, Harness, deployment
from wanctl.address import Address
from wanctl.engine.converge import Outcome
from wanctl.engine.history import standings
from wanctl.language.findings import SpecErrors
from wanctl.plan import Action, Status, Step, When
from wanctl.project import Project
from wanctl.project.errors import ProjectError
from wanctl.render.text.plan import question
from wanctl.watch.policy import Approvals, Policy, holding, intents_of

RAIN = Address.deployment("rain")
IMAGES = ["../checks/face.png", "../checks/street.png"]
MINUTE = 60


def checked(*, images: Any = IMAGES, **more: Any) -> Document:
    """A deployment whose versions make videos of two seconds."""
    of_checks = {key: more.pop(key) for key in ("attempt_of_checks", "duration") if key in more}
    checks = {"images": images, "duration": of_checks.get("duration", 2)}
    if "attempt_of_checks" in of_checks:
        checks["attempt"] = of_checks["attempt_of_checks"]
    return deployment(**{"strategy": "blue_green", "keep_old": "0s", **more, "checks": checks})


def pouring(**more: Any) -> Document:
    return checked(effect="Then it pours.", **more)


def draw_pictures(folder: Path) -> None:
    folder.mkdir()
    for name, colour in (("face", "#a06040"), ("street", "#4060a0")):
        picture = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
        ImageDraw.Draw(picture).ellipse((90, 50, 230, 190), fill=colour)
        picture.save(folder / f"{name}.png")


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one deployment that serves, and was never checked."""
    root = tmp_path_factory.mktemp("checks")
    harness = Harness.begun(root)
    draw_pictures(root / "checks")
    harness.serve(deployment())
    assert harness.apply().plan.status is Status.CONVERGED
    return root


@pytest.fixture
def harness(begun: Path, tmp_path: Path) -> Harness:
    shutil.copytree(begun, tmp_path / "copied")
    return Harness(tmp_path / "copied/specs")


def paid(harness: Harness) -> int:
    """Tasks that were started in the account, whoever heard of it."""
    return len(harness.call("GET", "/_sandbox/status")["tasks"])


def rain(outcome: Outcome) -> Step:
    step = outcome.plan.step(RAIN)
    assert step is not None
    return step


def serving(harness: Harness) -> str:
    return str(harness.project().output("rain"))


def test_the_old_one_goes_only_after_the_checks_of_the_new_one(harness: Harness) -> None:
    old = harness.deployed[0]
    harness.serve(pouring())
    harness.apply(waits=False)
    harness.advance(15 * MINUTE)
    step = harness.step(RAIN)
    assert (step.action, step.when, step.cost and step.cost.videos) == (Action.REPLACE, When.NOW, 2)
    assert serving(harness) == old
    waiting = rain(harness.apply(waits=False))
    assert waiting.when is When.SERVICE
    assert waiting.reason.endswith("checking 1 of 2")
    assert waiting.progress
    assert waiting.progress.detail == "checking 1 of 2"
    assert serving(harness) == old
    assert harness.apply().plan.status is Status.CONVERGED
    assert (paid(harness), len(harness.deployed)) == (2, 1)
    assert serving(harness) != old


def test_a_version_is_checked_once(harness: Harness) -> None:
    harness.serve(pouring())
    assert harness.apply().plan.status is Status.CONVERGED
    harness.serve(pouring(images=IMAGES[:1], duration=3))
    assert harness.plan().status is Status.CONVERGED
    assert harness.apply().plan.status is Status.CONVERGED
    assert paid(harness) == 2
    (of_it,) = harness.ledger["entries"]["Deployment/rain"]["checks"].values()
    assert of_it["passed"]
    assert [one["seconds"] for one in of_it["videos"]] == [2, 2]
    told = [one.remote_id for one in standings(harness.project().record(), RAIN)]
    assert told[-1] == serving(harness), "a check is nothing that serves"
    assert len(told) == 2


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        ("BLACK", "it is black for"),
        ("STILL", "nothing moves in it for"),
        ("SHORT", "it has 1 s instead of 2"),
        ("SMALL", "which is not 720P"),
        ("FAILED", "its task failed (InternalError.Algo: The video could not be generated.)"),
    ],
)
def test_a_video_that_is_wrong_keeps_the_old_one_serving(harness: Harness, flaw: str, said: str) -> None:
    old = harness.deployed[0]
    harness.rig(next_task=flaw)
    harness.serve(pouring())
    step = rain(harness.apply())
    assert step.when is When.BLOCKED
    assert "1 of 2 check videos is wrong: ../checks/face.png: " in step.reason
    assert said in step.reason
    assert step.reason.endswith(f"{old} serves on")
    assert any("write attempt: 2 under checks: at " in hint for hint in step.hints)
    assert serving(harness) == old
    assert rain(harness.apply()).when is When.BLOCKED
    assert paid(harness) == 2, "a check that failed is not paid again before somebody says so"


def test_another_attempt_checks_again_and_hands_over(harness: Harness) -> None:
    old = harness.deployed[0]
    harness.rig(next_task="BLACK")
    harness.serve(pouring())
    harness.apply()
    harness.serve(pouring(attempt_of_checks=2))
    step = harness.step(RAIN)
    assert (step.when, step.cost and step.cost.videos) == (When.NOW, 2)
    assert serving(harness) == old
    assert harness.apply().plan.status is Status.CONVERGED
    assert serving(harness) != old
    assert paid(harness) == 4


def test_a_corrected_input_is_checked_alone(harness: Harness) -> None:
    harness.rig(next_task="BLACK")
    harness.serve(pouring())
    harness.apply()
    better = {"image": IMAGES[0], "prompt": "A face in the rain."}
    harness.serve(pouring(images=[better, IMAGES[1]]))
    assert harness.apply().plan.status is Status.CONVERGED
    assert paid(harness) == 3


def test_what_did_not_pass_is_not_what_is_kept_beside_the_next_one(harness: Harness) -> None:
    old = harness.deployed[0]
    harness.rig(next_task="STILL")
    harness.serve(pouring(keep_old="2h"))
    harness.apply()
    failed = next(name for name in harness.deployed if name != old)
    harness.serve(checked(effect="Then it hails.", keep_old="2h"))
    assert harness.apply().plan.status is Status.CONVERGED
    assert failed not in harness.deployed
    assert old in harness.deployed
    assert serving(harness) not in {old, failed}


def test_going_back_hands_back_and_ends_the_one_that_failed(harness: Harness) -> None:
    old = harness.deployed[0]
    harness.rig(next_task="BLACK")
    harness.serve(pouring())
    harness.apply()
    harness.serve(deployment(strategy="blue_green"))
    step = harness.step(RAIN)
    assert step.warning is not None
    assert step.warning.endswith("which did not pass its checks, is deleted")
    assert harness.apply().plan.status is Status.CONVERGED
    assert harness.deployed == [old]


def test_a_first_deployment_has_no_name_for_callers_before_it_passed(harness: Harness) -> None:
    harness.serve()
    harness.apply(to_delete=())
    harness.rig(next_task="BLACK")
    harness.serve(checked())
    assert rain(harness.apply()).action is Action.CHECK
    with pytest.raises(ProjectError, match=r"is not serving: .*1 of 2 check videos is wrong"):
        harness.project().output("rain")
    harness.serve(checked(attempt_of_checks=2))
    assert harness.apply().plan.status is Status.CONVERGED
    assert serving(harness) in harness.deployed


def test_checks_that_are_added_to_what_serves_take_nothing_from_callers(harness: Harness) -> None:
    name = harness.deployed[0]
    harness.rig(next_task="BLACK")
    harness.serve(checked())
    step = harness.step(RAIN)
    assert (step.action, step.when, step.remote_id) == (Action.CHECK, When.NOW, name)
    assert rain(harness.apply()).when is When.BLOCKED
    assert serving(harness) == name


def test_without_checks_in_its_document_what_waits_for_them_takes_over(harness: Harness) -> None:
    harness.rig(next_task="BLACK")
    harness.serve(pouring())
    harness.apply()
    harness.serve(deployment(effect="Then it pours.", strategy="blue_green", keep_old="0s"))
    assert harness.apply().plan.status is Status.CONVERGED
    assert len(harness.deployed) == 1
    assert "checks" not in harness.ledger["entries"]["Deployment/rain"]


def test_a_failing_one_can_be_removed(harness: Harness) -> None:
    harness.rig(next_task="BLACK")
    harness.serve(pouring())
    harness.apply()
    for _ in harness.deployed:
        harness.apply(to_delete=())
    assert harness.deployed == []


# Money


def priced(harness: Harness, spend: str, document: Document) -> None:
    """The catalogue knows what a second costs: 2 videos of 2 s are 0.40 USD."""
    price = {"regions": ["singapore"], "per_second": {"720P": "0.10 USD"}, "listed": "2026-03-18"}
    catalogue = {"version": 1, "models": {"wan2.6-i2v": {"calls": [price]}}}
    (harness.specs / "catalogue.yaml").write_text(yaml.safe_dump(catalogue), encoding="utf-8")
    harness.serve(document)
    head = yaml.safe_load((harness.specs / "wanctl.yaml").read_text(encoding="utf-8"))
    head |= {"catalogue": "catalogue.yaml", "limits": {"spend": spend}}
    (harness.specs / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")


def test_the_limit_counts_the_checks_before_the_deployment_is_made(harness: Harness) -> None:
    priced(harness, "0.3 USD", pouring())
    (error,) = [one for one in harness.plan().findings if one.rule == "limit-spend"]
    assert "may spend 0.40 USD" in error.message
    assert "Deployment/rain (replace)" in error.message
    priced(harness, "0.4 USD", pouring())
    plan = harness.plan()
    step = plan.step(RAIN)
    assert "limit-spend" not in {one.rule for one in plan.findings}
    assert step
    assert step.cost
    assert (str(step.cost.amount and step.cost.amount[0]), step.cost.currency) == ("0.40", "USD")
    assert question((step,)).startswith("Apply 1 replacement (checks billed), spend about 0.40 USD, delete ")


def test_an_unknown_price_keeps_no_limit(harness: Harness) -> None:
    harness.serve(pouring())
    head = yaml.safe_load((harness.specs / "wanctl.yaml").read_text(encoding="utf-8"))
    (harness.specs / "wanctl.yaml").write_text(yaml.safe_dump({**head, "limits": {"spend": "5 USD"}}))
    (error,) = [one for one in harness.plan().findings if one.rule == "limit-spend"]
    assert "nobody told the price per second of wan2.6-i2v at 720P" in error.message
    assert error.hint
    assert "leave checks out" in error.hint


def test_other_checks_are_another_plan(harness: Harness) -> None:
    digests = set()
    for document in (
        pouring(),
        pouring(images=IMAGES[:1]),
        pouring(duration=3),
        pouring(attempt_of_checks=2),
    ):
        harness.serve(document)
        digests.add(harness.plan().digest)
    assert len(digests) == 4


# Answers that were lost


def test_a_lost_answer_is_looked_for_and_nothing_is_paid_twice(harness: Harness) -> None:
    harness.lose_answer("/api/v1/services/aigc/video-generation/video-synthesis")
    harness.serve(pouring())
    assert harness.apply().plan.status is Status.CONVERGED
    assert paid(harness) == 2
    assert len(harness.deployed) == 1


def test_a_call_that_never_arrived_is_made_again(harness: Harness) -> None:
    harness.lose_answer("/api/v1/services/aigc/video-generation/video-synthesis", "before")
    harness.serve(pouring())
    assert harness.apply().plan.status is Status.CONVERGED
    assert paid(harness) == 2


def test_where_two_tasks_may_be_its_own_a_person_is_asked(harness: Harness) -> None:
    harness.serve(pouring())
    harness.apply(waits=False)
    harness.advance(15 * MINUTE)
    new = harness.step(RAIN).remote_id
    harness.lose_answer("/api/v1/services/aigc/video-generation/video-synthesis")
    harness.apply(waits=False)
    task = harness.call("GET", f"/api/v1/tasks?model_name={new}")["data"][0]["task_id"]
    ledger = harness.ledger
    (intent,) = ledger["intents"] or [None]
    assert intent is None or intent["verb"] == "check"
    _call_as_somebody(harness, str(new))
    harness.advance(MINUTE)
    step = rain(harness.apply(waits=False))
    assert step.when is When.BLOCKED
    assert "any of these tasks may be its own" in step.reason
    assert task in step.reason
    assert paid(harness) == 2


def _call_as_somebody(harness: Harness, model: str) -> None:
    """With the same path and header as anybody's call."""
    from wanctl.base.running import run
    from wanctl.generation.inputs import read_input

    picture = read_input("image", harness.specs.parent / "checks/face.png")
    body = {
        "model": model,
        "input": {"img_url": picture.as_data_url()},  # type: ignore[union-attr]  # a file of this machine
        "parameters": {"resolution": "720P"},
    }
    project = harness.project()

    async def call() -> None:
        async with project.account() as account:
            await account.studio.tasks.submit("/services/aigc/video-generation/video-synthesis", body)

    run(call())


# What is written wrong


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (pouring(images=["../checks/nobody.png"]), "there is no such image, or it cannot be read"),
        (pouring(images=["/etc/hostname"]), "is not relative"),
        (pouring(images=["../../outside.png"]), "leads out of the project's root"),
        (pouring(duration=40), "check ../checks/face.png: "),
        (pouring(images=[]), "checks.images"),
        (pouring(images=[{"image": IMAGES[0], "last_image": IMAGES[1]}]), "last_image"),
        (pouring(images=[{"image": IMAGES[0], "prompt": "x" * 1501}]), "1,501"),
    ],
)
def test_checks_that_cannot_be_made_are_told_before_anything_is_paid(
    harness: Harness, document: Document, said: str
) -> None:
    harness.serve(document)
    with pytest.raises(SpecErrors) as caught:
        harness.plan()
    text = json.dumps([[one.message, one.path, str(one.place)] for one in caught.value.diagnostics])
    assert said in text
    assert "all.yaml:" in text


def test_nothing_outside_the_project_is_looked_at(harness: Harness) -> None:
    harness.serve(pouring(images=["/etc/hostname"]))
    with pytest.raises(SpecErrors) as caught:
        harness.plan()
    (error,) = [one for one in caught.value.diagnostics if one.rule == "checks"]
    assert error.message == "image: /etc/hostname is not relative"


# Approval by a line in git


def test_a_check_waits_for_a_line_where_watch_is_told_so(harness: Harness) -> None:
    harness.serve(pouring())
    harness.apply(waits=False)
    harness.advance(15 * MINUTE)
    project = harness.project()
    policy = Policy(needs_approval=frozenset({Action.CHECK}))

    def step(lines: frozenset[str]) -> Step:
        gate = holding(policy, Approvals(lines), intents_of(project.desired, project.local))
        found = Project(project.desired, project.host, gates=(gate,)).plan().step(RAIN)
        assert found is not None
        return found

    held = step(frozenset())
    assert (held.when, held.effect) == (When.PERSON, None)
    digest = held.hints[-1].split()[3]
    assert step(frozenset({digest})).when is When.NOW
