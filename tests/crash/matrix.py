"""Every disaster at every moment of every phase, and what came of it. `make crash` runs it whole.

    python -m tests.crash.matrix [--phase create] [--marks kept|lost] [--every N] [--only TEXT]

Each point starts from the same account, is hit once, and is applied again until nothing moves.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.crash.disasters import Moment, Point, points
from tests.crash.forks import Report, adopt, apply, preload
from tests.crash.project import Phase, Truth, begin, truth, write

RUNS = 4  # of apply, after the disaster, until nothing moves
HEALED, ASKED, WRONG = "healed alone", "asked", "wrong"


@dataclass(frozen=True)
class Result:
    """What one point came to."""

    phase: Phase
    point: Point
    verdict: str
    notes: tuple[str, ...] = ()
    runs: int = 0

    def __str__(self) -> str:
        return f"{self.verdict}: {self.phase} · {self.point}: {'; '.join(self.notes)}"


@dataclass(frozen=True)
class Stage:
    """A phase about to begin: the folder to copy, and what its undisturbed run is made of."""

    phase: Phase
    folder: Path
    moments: list[Moment]
    before: Truth


def stages(room: Path, *, marks: bool) -> Iterator[Stage]:
    """Play the whole chain undisturbed, and keep the world as it stood before each phase."""
    world = room / "world"
    begin(world, marks=marks)
    for phase in Phase:
        write(world / "specs", phase)
        kept = room / phase.value
        shutil.copytree(world, kept)
        report = apply(world)
        after = truth(world)
        problems = after.wrong(phase, after)
        if not report.converged or problems:
            raise AssertionError(f"the undisturbed run of {phase} failed: {report} {problems}")
        yield Stage(phase, kept, list(report.moments), truth(kept))


def play(stage: Stage, point: Point, room: Path) -> Result:
    """Hit the run at this point, then apply until nothing moves, and look at what there is."""
    folder = room / "point"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stage.folder, folder)
    hit = apply(folder, point)
    if point.kills and not hit.killed:
        return Result(stage.phase, point, WRONG, ("the run was to be killed, and was not", str(hit)))
    if hit.error.startswith(("AssertionError", "RuntimeError", "KeyError", "TypeError", "AttributeError")):
        return Result(stage.phase, point, WRONG, (hit.error, *hit.told))
    asked: list[str] = []
    last = Report()
    runs = 0
    for _ in range(RUNS):
        last = apply(folder)
        runs += 1
        if last.converged or last.killed or last.error:
            break
        if last.candidates and truth(folder).jobs <= 1:
            asked += [f"{address}: {reason}" for address, reason in last.questions]
            adopt(folder, *last.candidates[0])
    problems = truth(folder).wrong(stage.phase, stage.before)
    if not last.converged:
        problems.append(f"the last run: {last}")
    verdict = WRONG if problems else ASKED if asked else HEALED
    return Result(stage.phase, point, verdict, (*problems, *asked), runs)


def sample(chosen: Sequence[Point], every: int) -> list[Point]:
    """Each n-th point, and besides, as far as they are missing then, each call and each disaster once."""
    taken = [point for number, point in enumerate(chosen) if number % every == 0]
    calls = {(point.moment.kind, point.moment.what) for point in taken}
    kinds = {point.disaster.name for point in taken}
    for point in chosen:
        call = (point.moment.kind, point.moment.what)
        if call not in calls or (point.disaster.name not in kinds and point.moment.changes_something):
            taken.append(point)
            calls.add(call)
            kinds.add(point.disaster.name)
    return taken


def tried(
    phases: Sequence[Phase], *, marks: bool, every: int, only: str, share: tuple[int, int]
) -> list[Result]:
    """All points of these phases; of several workers, this one's share."""
    results = []
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own in it
    place = memory if os.access(memory, os.W_OK) else None  # nothing here is to outlive a power cut
    with tempfile.TemporaryDirectory(prefix="wanctl-crash-", dir=place) as name:
        room = Path(name)
        for stage in stages(room, marks=marks):
            if stage.phase not in phases:
                continue
            chosen = [point for point in points(stage.moments) if only in str(point)]
            for point in sample(chosen, every)[share[0] :: share[1]]:
                results.append(play(stage, point, room))
                if results[-1].verdict is not HEALED:
                    print(results[-1], file=sys.stderr, flush=True)  # noqa: T201 - a script
    return results


def table(results: Sequence[Result]) -> list[str]:
    """Points tried, by disaster."""
    counts = Counter((result.point.disaster.name, result.verdict) for result in results)
    names = dict.fromkeys(result.point.disaster.name for result in results)
    width = max(map(len, names), default=5)
    row = f"{{:{width}}}  {{:>6}}  {{:>12}}  {{:>5}}  {{:>5}}"
    lines = [row.format("", "points", HEALED, ASKED, WRONG)]
    for name in [*names, "all"]:
        verdicts = [
            sum(
                count
                for (one, verdict), count in counts.items()
                if verdict == wanted and name in {one, "all"}
            )
            for wanted in (HEALED, ASKED, WRONG)
        ]
        lines.append(row.format(name, sum(verdicts), *verdicts))
    return lines


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--phase", choices=[phase.value for phase in Phase], action="append")
    parser.add_argument("--marks", choices=["kept", "lost"], default="kept")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--share", default="0/1", help="K/N: the K-th of N workers")
    asked = parser.parse_args()
    preload()
    phases = [Phase(name) for name in asked.phase or [phase.value for phase in Phase]]
    number, workers = map(int, asked.share.split("/"))
    began = time.monotonic()
    results = tried(
        phases, marks=asked.marks == "kept", every=asked.every, only=asked.only, share=(number, workers)
    )
    print(*table(results), f"{time.monotonic() - began:.0f} s", sep="\n")  # noqa: T201 - a script
    return int(any(result.verdict == WRONG for result in results))


if __name__ == "__main__":
    sys.stdout.flush()
    code = main()
    sys.stdout.flush()
    os._exit(code)
