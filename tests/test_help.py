"""The help: names in capitals for what is to be given, and a way to every command's own page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.scenarios.playing import run_wanctl
from wanctl.cli.app import app

ROOT = Path(__file__).parents[1]


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


def everything() -> list[tuple[tuple[str, ...], Any]]:
    return list(commands(typer.main.get_command(app)))


def test_what_is_to_be_given_has_a_name_in_capitals() -> None:
    nameless = [
        f"{' '.join(path)} {one.name}"
        for path, command in everything()
        for one in command.params
        if not getattr(one, "is_flag", False) and (one.metavar is None or set("[]…{}<>") & set(one.metavar))
        if one.name not in {"install_completion", "show_completion", "help"}
    ]
    assert not nameless


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_where_people_look_for_it(option: str) -> None:
    for words in ((), ("plan",), ("sandbox", "faults", "add")):
        printed, code = run_wanctl(*words, option)
        assert (code, printed.startswith("Usage: wanctl")) == (0, True)


def test_a_misspelt_option_is_told_what_was_meant() -> None:
    printed, code = run_wanctl("plan", "--enviroment", "prod")
    assert code == 1
    assert "--environment" in printed


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("wanctl logs ", ["FineTune/money-rain"]),
        ("wanctl logs Fi", ["FineTune/money-rain"]),
        ("wanctl -C specs logs mon", ["money-rain"]),
        ("wanctl -C specs previews Dep", []),
        ("wanctl -C nowhere logs ", []),
    ],
)
def test_tab_completes_the_name_of_a_training(
    words: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("_WANCTL_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    printed, _ = run_wanctl()
    assert printed.split() == found
