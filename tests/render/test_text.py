"""Values as people read them, and terminals that are not obeyed."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from wanctl.address import Address
from wanctl.catalogue.estimate import Cost
from wanctl.plan import Action, Change, FieldClass, Plan, Progress, Step, When
from wanctl.render.text.console import emit, plain
from wanctl.render.text.live import LiveDisplay
from wanctl.render.text.plan import plan_lines, question
from wanctl.render.text.run import TimedLines
from wanctl.render.words import spell_cost, spell_number, spell_tokens, spell_value, spell_when

AT = datetime(2026, 3, 18, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "—"),
        (2e-5, "2e-5"),
        (12345, "12,345"),
        ("word", "word"),
        ("two words", '"two words"'),
        ("x " * 60, '"' + ("x " * 60)[:47] + '…"'),
        (["a", "b c"], 'a, "b c"'),
    ],
)
def test_values(value: Any, text: str) -> None:
    assert spell_value(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.9, "0.9"), (1e-10, "1e-10"), (2e-05, "2e-5"), (400, "400")])
def test_numbers(value: Any, text: str) -> None:
    assert spell_number(value) == text


@pytest.mark.parametrize(
    ("tokens", "text"), [(999, "999"), (12_000, "12 k"), (1_411_200, "1.41 M"), (9_999, "9,999")]
)
def test_tokens(tokens: int, text: str) -> None:
    assert spell_tokens(tokens) == text


def test_an_unknown_cost_is_never_nothing() -> None:
    assert (
        spell_cost(Cost(None, None, None, "no price is known"))
        == "unknown tokens, cost unknown (no price is known)"
    )
    assert "0" not in spell_cost(Cost((1_000_000, 1_000_000), None, None, "no list")).replace("1.00 M", "")


def test_a_range_is_told_as_one_and_the_bill_as_it_is() -> None:
    cost = Cost((1_270_000, 1_410_000), (Decimal("101.4"), Decimal("112.9")), "USD", "a list")
    assert spell_cost(cost) == "1.27 M–1.41 M tokens, about 101–113 USD (a list)"
    billed = Cost(None, None, "USD", "a list", 1_270_000, Decimal("101.38"))
    assert spell_cost(billed) == "billed 1.27 M tokens, 101.38 USD"


def changed(before: str, after: str) -> str:
    change = Change("aigc_config.prompt", before, after, FieldClass.WRITE_ONLY)
    step = Step(Address.deployment("d"), Action.REPLACE, When.NOW, changes=(change,), remote_id="m")
    return plain(plan_lines(Plan("p", None, "sandbox", (step,))))


def test_a_long_text_shows_the_words_that_changed() -> None:
    rain = (
        "Then the rain begins, and it pours down on everybody, and nobody has an umbrella with them at all."
    )
    text = changed(rain, rain.replace("umbrella", "idea"))
    assert "nobody has an umbrella with them at all." in text
    assert "nobody has an idea with them at all." in text


def test_many_losses_are_counted_where_their_names_would_be_a_wall() -> None:
    """Each of them has its step above; a question nobody reads to its end is no question."""
    steps = tuple(
        Step(Address.deployment(f"d{n}"), Action.DELETE, When.NOW, remote_id=f"model-{n}") for n in range(40)
    )
    last = plain(plan_lines(Plan("p", None, "sandbox", steps))).split("Plan: ")[1]
    assert "model-0, model-1, model-2, model-3 and 36 more will be deleted." in " ".join(last.split())
    assert question(steps) == ("Apply 40 deletions, delete model-0, model-1, model-2, model-3 and 36 more?")
    few = plain(plan_lines(Plan("p", None, "sandbox", steps[:5]))).split("Plan: ")[1]
    assert "model-3, model-4 will be deleted." in " ".join(few.split())


def test_the_same_change_in_many_places_is_told_once() -> None:
    line = "the quick brown fox jumps over the lazy dog and back again\n"
    assert "(3 times)" in changed(line * 3, line.replace("lazy", "idle") * 3)


def test_control_characters_do_nothing() -> None:
    stream = io.StringIO()
    emit(["before \x1b[31mred\x1b[0m \x07 \u202eback"], Console(file=stream, soft_wrap=True))
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()
    assert "red" in stream.getvalue()


def training(fraction: float) -> Plan:
    progress = Progress("RUNNING", fraction)
    return Plan(
        "p",
        None,
        "sandbox",
        (Step(Address.finetune("f"), Action.TRAIN, When.SERVICE, "trains", progress=progress),),
    )


def test_a_log_says_what_is_new_and_nothing_twice() -> None:
    stream = io.StringIO()
    lines = TimedLines(Console(file=stream, soft_wrap=True))
    for fraction in (0.10, 0.11, 0.15, 0.21, 0.22):
        lines.waiting(AT, training(fraction))
    assert [line.rpartition(" · ")[2] for line in stream.getvalue().splitlines()] == ["10 %", "21 %"]


def test_the_live_display_draws_what_is_in_flight() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120)
    with LiveDisplay(console) as display:
        display.uploaded(Address.dataset("d"), 5_000_000)
        display.waiting(AT, training(0.61))
    assert "61 %" in stream.getvalue()
    assert "5.0 MB sent" in stream.getvalue()


def test_in_a_large_plan_what_stays_as_it_is_is_counted() -> None:
    """The one change of a thousand resources is to be seen."""
    settled = [Step(Address.dataset(f"d{n}"), Action.NOTHING, When.DONE, "as wanted") for n in range(1200)]
    new = Step(Address.deployment("new"), Action.DEPLOY, When.NOW, "not deployed yet")
    text = plain(plan_lines(Plan("p", None, "sandbox", (*settled, new))))
    assert "Deployment/new" in text
    assert "1,200 more resources are as the specs say" in text
    assert len(text.splitlines()) < 10
    few = plain(plan_lines(Plan("p", None, "sandbox", (*settled[:20], new))))
    assert "Dataset/d19" in few


def test_of_many_that_a_step_waits_for_a_few_are_named() -> None:
    after = tuple(Address.deployment(f"d{n}") for n in range(30))
    step = Step(Address.dataset("d"), Action.DELETE, When.LATER, after=after, remote_id="file-1")
    assert spell_when(step) == "after Deployment/d0, Deployment/d1, Deployment/d2 and 27 more"
    assert spell_when(replace(step, after=after[:4])).endswith("Deployment/d2, Deployment/d3")


def test_what_moves_is_one_resource() -> None:
    """It has two steps: its record moves, and then it is as it is."""
    address = Address.deployment("new")
    moving = Step(address, Action.MOVE, When.NOW, "was Deployment/old")
    plan = Plan("p", None, "sandbox", (moving, Step(address, Action.NOTHING, When.DONE, "serving")))
    assert "sandbox · 1 resource\n" in plain(plan_lines(plan))
