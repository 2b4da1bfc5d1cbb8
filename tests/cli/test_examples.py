"""The examples of --help are commands that there are, with options that they have."""

import itertools
import shlex

import pytest
import typer.main

from tests.scenarios.playing import run_wanctl
from wanctl.cli.app import EXAMPLES, app

LINES = [(command, line) for command, lines in EXAMPLES.items() for line in lines]


@pytest.mark.parametrize(("command", "line"), LINES, ids=[line for _, line in LINES])
def test_an_example_can_be_typed(command: str, line: str) -> None:
    program, *words = shlex.split(line, comments=False)
    words = [*itertools.takewhile(lambda word: word not in {">", "|"}, words)]
    assert program == "wanctl"
    assert words[: len(command.split())] == command.split()
    context, found = None, typer.main.get_command(app)
    for word in command.split():
        context = found.make_context(word, [], parent=context, resilient_parsing=True)
        found = found.get_command(context, word)  # type: ignore[attr-defined]  # a group has commands
        assert found is not None, f"there is no command {word}"
    found.make_context(command, words[len(command.split()) :], parent=context)  # a wrong option raises


def test_they_stand_beneath_the_help() -> None:
    said, code = run_wanctl("sandbox", "faults", "add", "--help")
    assert code == 0
    assert "\n  Examples:\n    wanctl sandbox faults add throttled --path" in said
