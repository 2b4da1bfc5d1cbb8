"""A file gets the words that a terminal would show, without a library for them; and a pipe may be closed."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from wanctl.render.text.console import TextStream, columns, emit
from wanctl.render.text.line import TextLine

ROOT = Path(__file__).parents[2]
LINES = (
    "",
    "plain",
    "  indented, with an end of spaces   ",
    "two\nlines\n",
    "a\ttab and\tone more\nand\tbelow",
    "a line that is longer than any terminal " * 9,
    "[bold]no markup[/bold] :smile: 'quoted' 17",
    "before \x1b[31mred\x1b[0m \x07 \u202eback \x85",
    TextLine("styled", style="bold red"),
    TextLine.assemble("  ", ("two", "cyan"), " parts, ", TextLine.assemble(("and ", "dim"), "a third"), "  "),
)


@pytest.mark.parametrize("line", LINES)
def test_a_file_gets_what_the_library_would_write(line: TextLine | str) -> None:
    ours, theirs = io.StringIO(), io.StringIO()
    emit([line], TextStream(ours))
    emit([line], Console(file=theirs, soft_wrap=True, highlight=False, markup=False, emoji=False))
    assert ours.getvalue() == theirs.getvalue()


def test_colours_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    file = io.StringIO()
    emit([TextLine("word", "red")], TextStream(file))
    assert file.getvalue() == "\x1b[31mword\x1b[0m\n"
    assert columns(TextStream(file)) is not None
    monkeypatch.delenv("FORCE_COLOR")
    assert columns(TextStream(file)) is None


def test_a_line_within_a_line_keeps_its_styles() -> None:
    line = TextLine.assemble("a ", TextLine("b", "bold"), (" c", "dim"))
    assert line.parts == (("a ", ""), ("b", "bold"), (" c", "dim"))
    assert line.plain == "a b c"


def test_a_pipe_that_nobody_reads_ends_the_command_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "wanctl", "explain", "FineTune"],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (1, "")
