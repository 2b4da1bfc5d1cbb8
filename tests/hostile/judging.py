"""Hostile inputs that one function meets, without a command: thousands of them would take no time."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.playing import require_modest
from wanctl.cli.faults import spelt

LONGEST_LINE, MOST_LINES = 240, 12


@dataclass(frozen=True)
class Judged:
    """One input: what meets it, in a folder of its own; what it gives is said, too."""

    name: str
    judge: Callable[[Path], object]
    content: Callable[[], bytes] | None = None  # what is met, where it is no more than bytes


def judged(case: Judged, folder: Path) -> str:
    """Exit code and sentences, as a command that meets this input would end with them."""
    seconds, held = time.process_time(), _peak(anew=True)
    told = _told(case, folder)
    require_modest(case.name, time.process_time() - seconds, _peak() - held)
    return told


def _peak(*, anew: bool = False) -> int:
    """The most memory that this process has had, in bytes; counted anew from now on."""
    if anew:
        with suppress(OSError):  # where that may not be, only a new peak shows
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _told(case: Judged, folder: Path) -> str:
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
