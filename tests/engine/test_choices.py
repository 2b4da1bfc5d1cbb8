"""A choice counts for the training that it was made for: what says so, and what waits for a person."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ChangedAnswers, Document, Harness, dataset, deployment, finetune
from wanctl.address import Address
from wanctl.language.findings import SpecErrors
from wanctl.plan import Action, Plan, Step, When
from wanctl.render.summary import headline
from wanctl.render.text.plan import plan_lines

BEST, RAIN = Address.checkpoint("best"), Address.deployment("rain")
HOURS = 3600


def chosen(**more: Any) -> Document:
    return {"kind": "Checkpoint", "name": "best", "finetune": "rain", **more}


def training(epochs: int = 40) -> Document:
    return {**finetune(), "hyper_parameters": {"n_epochs": epochs, "eval_epochs": 10}}


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness.begun(tmp_path)


def write(harness: Harness, choice: Document, epochs: int = 40, **more: Any) -> None:
    harness.write(dataset(), training(epochs), choice, deployment(**more))


def waits_unseen(step: Step | None) -> bool:
    return step is not None and (step.action, step.when, bool(step.warning)) == (
        Action.CHOOSE,
        When.PERSON,
        True,
    )


def first_line(plan: Plan) -> str:
    return plan_lines(plan)[0].plain


def digits(harness: Harness) -> str:
    """The training, as the ledger has it."""
    return str(harness.ledger["entries"]["FineTune/rain"]["current"]["identity"][:8])


def exports(harness: Harness) -> int:
    return harness.calls("GET", "/export/")


def test_a_choice_in_a_fresh_project_is_trained_for_and_waits(harness: Harness) -> None:
    write(harness, chosen(checkpoint="checkpoint-20"))
    outcome = harness.apply()
    assert len(harness.jobs()) == 1
    assert (exports(harness), harness.deployed) == (0, [])
    assert waits_unseen(outcome.plan.step(BEST))
    assert first_line(outcome.plan).startswith(
        "Checkpoint/best waits for a person: checkpoint-20 was written"
    )
    assert headline(outcome.plan).startswith("Checkpoint/best waits for a person: ")
    step = harness.step(BEST)
    assert any(f"of: {digits(harness)}" in hint or f'of: "{digits(harness)}"' in hint for hint in step.hints)


def test_before_the_training_it_is_said_too(harness: Harness) -> None:
    write(harness, chosen(checkpoint="checkpoint-20"))
    step = harness.step(BEST)
    assert waits_unseen(step)
    assert step.after == (Address.finetune("rain"),)


def test_with_the_training_named_it_is_exported(harness: Harness) -> None:
    write(harness, chosen(checkpoint="checkpoint-20"))
    harness.apply()
    write(harness, chosen(checkpoint="checkpoint-20", of=digits(harness)))
    harness.apply()
    assert len(harness.deployed) == 1


@pytest.mark.parametrize("of", ["00000000", "ffffffff"])
def test_the_choice_of_another_training_waits(harness: Harness, of: str) -> None:
    write(harness, chosen(checkpoint="checkpoint-20", of=of))
    outcome = harness.apply()
    step = outcome.plan.step(BEST)
    assert step is not None
    assert waits_unseen(step)
    assert of in (step.warning or "")
    assert exports(harness) == 0


def test_a_choice_that_appears_when_there_is_something_to_look_at_counts(harness: Harness) -> None:
    write(harness, chosen())
    harness.apply()
    write(harness, chosen(checkpoint="checkpoint-30"))
    harness.apply()
    assert len(harness.deployed) == 1


def test_it_counts_also_where_the_last_run_was_before_the_end_of_the_training(harness: Harness) -> None:
    write(harness, chosen())
    harness.apply(waits=False)
    harness.advance(24 * HOURS)
    write(harness, chosen(checkpoint="checkpoint-30"))
    harness.apply()
    assert len(harness.deployed) == 1


def test_a_choice_that_a_run_saw_before_the_previews_waits(harness: Harness) -> None:
    write(harness, chosen())
    harness.apply(waits=False)
    write(harness, chosen(checkpoint="checkpoint-30"))
    harness.apply(waits=False)
    outcome = harness.apply()
    assert waits_unseen(outcome.plan.step(BEST))
    assert exports(harness) == 0
    write(harness, chosen(checkpoint="checkpoint-40"))  # another one, once there is something to look at
    harness.apply()
    assert len(harness.deployed) == 1


def test_a_new_training_does_not_inherit_the_choice(harness: Harness) -> None:
    write(harness, chosen())
    harness.apply()
    write(harness, chosen(checkpoint="checkpoint-20"))
    harness.apply()
    before = harness.deployed
    write(harness, chosen(checkpoint="checkpoint-20"), epochs=50)
    outcome = harness.apply()
    assert len(harness.jobs()) == 2
    assert harness.deployed == before
    assert exports(harness) == 1
    assert waits_unseen(outcome.plan.step(BEST))
    assert "was chosen for ft-" in first_line(outcome.plan)
    assert str(harness.project().output("rain")) == before[0]
    write(harness, chosen(checkpoint="checkpoint-20"), epochs=40)  # and back
    assert harness.plan().pending == ()


def test_a_new_training_with_a_new_choice_in_one_commit_waits(harness: Harness) -> None:
    write(harness, chosen())
    harness.apply()
    write(harness, chosen(checkpoint="checkpoint-20"))
    harness.apply()
    write(harness, chosen(checkpoint="checkpoint-30"), epochs=50)
    assert waits_unseen(harness.apply().plan.step(BEST))


def test_what_nobody_looked_at_is_taken_where_the_spec_allows_it_and_the_plan_says_so(
    harness: Harness,
) -> None:
    write(harness, chosen(checkpoint="checkpoint-20", unseen="allow"))
    step = harness.step(BEST)
    assert (step.action, step.when) == (Action.EXPORT, When.LATER)
    assert "unseen: allow" in (step.warning or "")
    harness.apply()
    assert len(harness.deployed) == 1


def test_without_the_ledger_what_is_deployed_is_a_choice(harness: Harness) -> None:
    write(harness, chosen())
    harness.apply()
    write(harness, chosen(checkpoint="checkpoint-20"))
    harness.apply()
    (harness.specs / ".wanctl/ledger.json").unlink()
    step = harness.step(BEST)
    assert step.settled
    write(harness, chosen(checkpoint="checkpoint-30"))
    assert waits_unseen(harness.step(BEST))


def test_a_number_in_quotes_is_what_the_hint_says(harness: Harness) -> None:
    write(harness, chosen(checkpoint="checkpoint-20", of=12345678))
    with pytest.raises(SpecErrors, match="put it in quotes"):
        harness.project()


class Changed:
    """Answers about checkpoints and previews, as a service may give them."""

    def __init__(self, *, expires: timedelta | None = None, leave_out: str | None = None) -> None:
        self.expires, self.leave_out = expires, leave_out

    def __call__(self, path: str, body: Any) -> None:
        output = body.get("output")
        if path.endswith("/checkpoints") and self.expires is not None and isinstance(output, list):
            for row in output:
                created = datetime.fromisoformat(row["create_time"])
                row["expire_time"] = (created + self.expires).isoformat(sep=" ")
        if path.endswith("/validation-results") and self.leave_out:
            assert isinstance(output, list)
            body["output"] = [row for row in output if row["checkpoint"] != self.leave_out]


def answering(monkeypatch: pytest.MonkeyPatch, change: Changed) -> None:
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", ChangedAnswers)
    monkeypatch.setattr(ChangedAnswers, "change", staticmethod(change))


def test_one_that_is_no_longer_kept_is_not_exported(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(harness, chosen())
    harness.apply()
    harness.advance(3 * 24 * HOURS)
    answering(monkeypatch, Changed(expires=timedelta(days=1)))
    write(harness, chosen(checkpoint="checkpoint-20"))
    step = harness.step(BEST)
    assert step.when is When.BLOCKED
    assert "expired at the service" in step.reason
    harness.apply()
    assert exports(harness) == 0


def test_a_week_ahead_it_is_a_warning(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    write(harness, chosen())
    harness.apply()
    answering(monkeypatch, Changed(expires=timedelta(days=5)))
    write(harness, chosen(checkpoint="checkpoint-20"))
    found = [(one.rule, one.severity) for one in harness.plan().findings if one.address == BEST]
    assert found == [("checkpoint-expires", "warning")]


def test_one_without_previews_is_exported_with_a_warning(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(harness, chosen())
    harness.apply()
    answering(monkeypatch, Changed(leave_out="checkpoint-20"))
    write(harness, chosen(checkpoint="checkpoint-20"))
    plan = harness.plan()
    assert [one.rule for one in plan.findings if one.address == BEST] == ["choice-without-previews"]
    step = plan.step(BEST)
    assert step is not None
    assert step.when is When.NOW
    assert json.dumps(plan.as_json())
