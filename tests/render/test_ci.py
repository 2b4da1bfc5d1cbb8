"""The words of a CI run around a plan stay text, fit, and name the labels that the plan asks for."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given

from tests.render.hostile import HARMLESS, failure_of_texts, plan_of, texts
from tests.render.reading import blocks, check_markdown
from wanctl.address import Address
from wanctl.ci.report import changes, labels_of, outputs_of, waits
from wanctl.engine.converge import Failure as FailedCall
from wanctl.engine.converge import Outcome
from wanctl.engine.planner import Draft
from wanctl.finding import Finding, Place, Severity
from wanctl.plan import Action, Plan, Status, Step, When
from wanctl.render.made import Checked
from wanctl.render.markdown.ci import ROOM, checked_markdown, closing_sections, done_sections
from wanctl.render.markdown.plan import LIMIT, plan_markdown
from wanctl.render.options import RenderOptions
from wanctl.rules import Rule
from wanctl.studio.errors import StudioError

HERE = Address.finetune("rain")


def outcome_of(words: Sequence[str]) -> Outcome:
    plan = plan_of(words)
    outcome = Outcome(Draft(plan, {}, frozenset()))
    outcome.done = [(step, words[0]) for step in plan.steps[:2]]
    outcome.failures = [FailedCall(plan.steps[2], StudioError(words[-1], hint=words[0]))]
    outcome.unapproved = [plan.steps[3]]
    return outcome


def told(words: Sequence[str]) -> str:
    outcome = outcome_of(words)
    closing = closing_sections(
        outcome.plan, review=True, run_url=None, commit=words[0], previews={Address.finetune(words[0]): 3}
    )
    return plan_markdown(
        outcome.plan, RenderOptions(apply=(), opening=done_sections(outcome), closing=closing)
    )


@given(texts)
def test_an_untrusted_outcome_has_the_structure_of_a_harmless_one(words: list[str]) -> None:
    check_markdown(told(words))
    assert blocks(told(words)) == blocks(told(HARMLESS))


@given(texts)
def test_so_has_what_is_said_of_a_forks_specs(words: list[str]) -> None:
    def checked(some: Sequence[str]) -> str:
        place = Place(some[0], 1, 1)
        found = Finding.at(place, Severity.WARNING, Rule.VALUE, some[-1])
        return checked_markdown(Checked(some[0], some[-1], 4, (found,), "this comes from a fork"))

    check_markdown(checked(words))
    assert blocks(checked(words)) == blocks(checked(HARMLESS))


def test_an_apply_of_thousands_of_calls_fits_into_a_comment() -> None:
    outcome = outcome_of(["x" * 300])
    outcome.done *= 2_000
    outcome.failures *= 2_000
    sections = done_sections(outcome)
    assert all(len(section) < ROOM + 500 for section in sections)
    markdown = plan_markdown(outcome.plan, RenderOptions(opening=sections, closing=("y" * 2_000,)))
    assert len(markdown) <= LIMIT
    failure = plan_markdown(failure_of_texts(["z" * 5_000] * 50), RenderOptions(closing=("y" * 2_000,)))
    assert len(failure) <= LIMIT
    assert "y" * 2_000 in markdown
    assert "y" * 2_000 in failure


def plan(*steps: Step) -> Plan:
    return Plan("rain", None, "sandbox", steps)


def step(action: Action, when: When, **more: Any) -> Step:
    return Step(HERE, action, when, **more)


@pytest.mark.parametrize(
    ("made", "labels"),
    [
        (plan(), set()),
        (plan(step(Action.NOTHING, When.DONE)), set()),
        (plan(step(Action.TRAIN, When.SERVICE)), set()),
        (plan(step(Action.TRAIN, When.NOW)), {"changes", "billed"}),
        (plan(step(Action.DEPLOY, When.LATER, after=(HERE,))), {"changes"}),
        (plan(step(Action.REPLACE, When.NOW, remote_id="x")), {"changes", "deletes"}),
        (plan(step(Action.DELETE, When.BLOCKED, remote_id="x")), set()),
        (plan(step(Action.CHOOSE, When.PERSON)), {"waiting"}),
        (plan(step(Action.CHOOSE, When.PERSON, after=(HERE,))), set()),
    ],
)
def test_labels_say_what_matters_of_a_plan(made: Plan, labels: set[str]) -> None:
    assert labels_of(made) == labels
    assert changes(made) == ("changes" in labels)
    assert waits(made) == ("waiting" in labels)


def test_outputs_are_one_line_each_and_say_error_where_there_is_no_plan() -> None:
    made = plan(step(Action.TRAIN, When.NOW))
    assert outputs_of(made, "out/plan.json") == {
        "status": Status.CHANGES.value,
        "digest": made.digest,
        "changes": "true",
        "waiting": "false",
        "plan": "out/plan.json",
    }
    assert outputs_of(failure_of_texts(["a\nb"]), None)["status"] == "error"
    assert outputs_of(Checked("rain", None, 1, (), "why"), None)["status"] == "valid"


def test_merging_is_spoken_of_where_there_is_something_to_merge() -> None:
    def closing(made: Plan, *, review: bool) -> str:
        return " ".join(closing_sections(made, review=review, run_url=None, commit=None, previews={}))

    assert "Merging does it" in closing(plan(step(Action.TRAIN, When.NOW)), review=True)
    assert closing(plan(step(Action.TRAIN, When.NOW)), review=False) == ""
    assert closing(plan(step(Action.NOTHING, When.DONE)), review=True) == ""
