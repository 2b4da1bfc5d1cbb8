"""Hostile inputs that one function meets, without a command: thousands of them would take no time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wanctl.cli.faults import spelt

LONGEST_LINE, MOST_LINES = 240, 12


@dataclass(frozen=True)
class Judged:
    """One input: what meets it, in a folder of its own; what it gives is said, too."""

    name: str
    judge: Callable[[Path], object]


def judged(case: Judged, folder: Path) -> str:
    """Exit code and sentences, as a command that meets this input would end with them."""
    try:
        said = str(case.judge(folder)).splitlines() or [""]
        code = 0
    except Exception as error:  # which of them are a fault of wanctl is asked
        said, code = "\n".join(spelt(error)).splitlines(), 1
        if "a fault of wanctl" in said[0]:
            raise
    said = [line.replace(str(folder), "ROOT") for line in said[:MOST_LINES]]
    cut = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} [{len(line)}]" for line in said]
    return "\n".join([f"[exit {code}]", *cut]) + "\n"
