"""Terminals of any width: lines are broken between words, columns give way; a log keeps its long lines."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from wanctl.address import Address
from wanctl.catalogue.estimate import Cost
from wanctl.finding import Finding, Place, Severity
from wanctl.language.findings import rendered
from wanctl.plan import Action, Change, FieldClass, Plan, Step, When
from wanctl.render.text.console import columns, emit, plain
from wanctl.render.text.plan import plan_lines
from wanctl.render.text.terminal import folded
from wanctl.rules import Rule

TRAIN, RAIN = Address.dataset("train"), Address.finetune("money-rain")
PARAMETERS = ("n_epochs", "batch_size", "max_pixels", "save_total_limit", "lora_rank", "lora_alpha")
PLAN = Plan(
    "money-rain",
    None,
    "sandbox",
    (
        Step(
            Address.dataset("old"),
            Action.NOTHING,
            When.DONE,
            "uploaded",
            summary="20 samples, 98 s, 332.1 kB",
        ),
        Step(TRAIN, Action.UPLOAD, When.NOW, "not uploaded yet", summary="20 samples, 98 s, 332.1 kB"),
        Step(
            RAIN,
            Action.TRAIN,
            When.LATER,
            "not trained yet",
            after=(TRAIN, Address.dataset("valid")),
            changes=tuple(
                Change(f"hyper_parameters.{key}", None, 10, FieldClass.IMMUTABLE) for key in PARAMETERS
            ),
            cost=Cost(
                None, None, None, "no price is known, neither here nor there, nor anywhere else at all"
            ),
            summary="wan2.6-i2v, 400 epochs × 20 = 8,000 steps",
            hints=(
                "a hint that goes on and on, over more than one line, since there is a lot of it to be said",
            ),
        ),
    ),
)


def shown(width: int, *, terminal: bool = True) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, no_color=True, soft_wrap=True)
    emit(plan_lines(PLAN, columns=columns(console)), console)
    assert isinstance(console.file, io.StringIO)
    return "".join(
        Text.from_ansi(line).plain.rstrip() + "\n" for line in console.file.getvalue().splitlines()
    )


@pytest.mark.parametrize("width", [68, 72, 80, 100])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_broken(width: int) -> None:
    text = shown(width)
    assert max(map(len, text.splitlines())) <= width
    words = set(plain(plan_lines(PLAN)).split())
    assert set(text.split()) <= words
    assert "FineTune/money-rain  + train   after Dataset/train, Dataset/valid\n" in text
    assert "        wan2.6-i2v, 400 epochs × 20 = 8,000 steps\n" in text


def test_a_name_and_its_value_stay_together() -> None:
    for width in range(40, 100):
        pairs = [f"{key} 10" for key in PARAMETERS]
        assert all(pair in shown(width) for pair in pairs)


def test_wide_enough_and_no_terminal_at_all_look_the_same() -> None:
    assert shown(200) == shown(60, terminal=False) == plain(plan_lines(PLAN))


def test_what_goes_on_is_indented() -> None:
    lines = [line.plain for line in folded(Text("    → one two three four"), 14)]
    assert lines == ["    → one two", "      three", "      four"]


def test_beside_the_time() -> None:
    lines = [line.plain for line in folded(Text("09:00:00  FineTune/rain  training started: ft-1"), 36)]
    assert lines == ["09:00:00  FineTune/rain  training", "          started: ft-1"]


def test_styles_stay_with_their_words() -> None:
    first, second = folded(Text.assemble("one ", ("two", "bold")), 4)
    assert (first.plain, second.plain) == ("one", "  two")
    assert [span.style for span in second.spans] == ["bold"]


def test_of_a_line_of_the_specs_as_much_is_shown_as_fits() -> None:
    place = Place("specs/a.yaml", 7, 61, 6, "key: " + "word " * 11 + "wrong! " + "word " * 20)
    text = rendered(Finding.at(place, Severity.ERROR, Rule.VALUE, "is wrong", hint="correct it"), 60)
    excerpt, carets = text.splitlines()[2:4]
    assert len(excerpt) <= 60
    start = carets.index("^")
    assert excerpt[start : start + 6] == "wrong!"
    assert carets.endswith("^" * 6)
