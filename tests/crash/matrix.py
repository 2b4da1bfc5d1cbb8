"""Every disaster at every moment of every scene, and what came of it. `make crash` runs it whole.

python -m tests.crash.matrix [--scene NAME]… [--marks kept|lost] [--store file|git|s3|kube]
                             [--every N] [--only TEXT] [--workers N] [--alone]
"""

import argparse
import os
import pickle
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.crash.disasters import Point, points
from tests.crash.forks import preload
from tests.crash.places import PLACES, SINGLE, opened
from tests.crash.playing import ASKED, HEALED, VERDICTS, WRONG, Result, Stage, play, stages
from tests.crash.scenes import SCENES

Play = tuple[Stage, Point]


def sample(chosen: Sequence[Play], every: int, *, marks: bool) -> list[Play]:
    """Each n-th point, and each call whose effect was never heard of; besides, as far as they are missing
    then, each call and each disaster once."""
    taken = [one for number, one in enumerate(chosen) if number % every == 0 or _matters(one[1], marks=marks)]
    calls = {_call(point) for _, point in taken}
    kinds = {point.disaster.name for _, point in taken}
    for stage, point in chosen:
        if _call(point) not in calls or (point.disaster.name not in kinds and point.moment.changes_something):
            taken.append((stage, point))
            calls.add(_call(point))
            kinds.add(point.disaster.name)
    return taken


def _matters(point: Point, *, marks: bool) -> bool:
    """Nobody heard of its effect. Where names are not kept, that differs only for what makes something:
    what scales or deletes goes by an id."""
    makes = point.moment.what.startswith("POST ") or "/export/" in point.moment.what
    unheard = point.disaster.name in {"killed after the effect", "reset after"}
    return unheard and (makes or (marks and point.moment.changes_something))


def _call(point: Point) -> tuple[str, str]:
    return point.moment.kind, point.moment.what


def tried(asked: argparse.Namespace, room: Path) -> list[Result]:
    """All points of the scenes that are asked for, by as many workers."""
    names = asked.scene or [scene.name for scene in SCENES.values() if scene.tried]
    with opened(asked.store) as place:
        begun = list(stages(names, room, place, marks=asked.marks == "kept"))
    meant = [(stage, point) for stage in begun for point in _meant(stage, asked)]
    every = sample(meant, asked.every, marks=asked.marks == "kept")
    waiting = [_worker(asked, room, every[number :: asked.workers]) for number in range(asked.workers)]
    return [result for ended in waiting for result in ended()]


def _meant(stage: Stage, asked: argparse.Namespace) -> list[Point]:
    return [one for one in points(stage.moments, single=asked.store in SINGLE) if asked.only in str(one)]


def _worker(asked: argparse.Namespace, room: Path, share: list[Play]) -> Callable[[], list[Result]]:
    """A process that plays its share; what it came to is read when it is asked for."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            results = _played(asked.store, room / f"point-{os.getpid()}", share, first=asked.first)
            with os.fdopen(writing, "wb") as stream:
                pickle.dump(results, stream)
        except BaseException:  # noqa: BLE001 - a child never comes back
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)

    def ended() -> list[Result]:
        with os.fdopen(reading, "rb") as stream:
            found: list[Result] = pickle.load(stream)  # noqa: S301 - our own child's
        os.waitpid(child, 0)
        return found

    return ended


def _played(store: str, folder: Path, share: list[Play], *, first: bool) -> list[Result]:
    results = []
    with opened(store) as place:
        for stage, point in share:
            results.append(play(stage, point, folder, place))
            if results[-1].verdict is not HEALED:
                print(results[-1], file=sys.stderr, flush=True)  # noqa: T201 - a script
            if first and results[-1].verdict is WRONG:
                break
    return results


def table(results: Sequence[Result], name: Callable[[Result], str]) -> Iterator[str]:
    """Points tried, by what they have in common."""
    counts = Counter((name(result), result.verdict) for result in results)
    names = list(dict.fromkeys(name(result) for result in results))
    width = max(map(len, names), default=5)
    row = f"{{:{width}}}  {{:>6}}  {{:>12}}  {{:>5}}  {{:>5}}"
    yield row.format("", "points", *VERDICTS)
    for one in names:
        verdicts = [counts[one, verdict] for verdict in VERDICTS]
        yield row.format(one, sum(verdicts), *verdicts)
    totals = [sum(result.verdict == verdict for result in results) for verdict in VERDICTS]
    yield row.format("all", sum(totals), *totals)


@contextmanager
def _room() -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own in it
    place = memory if os.access(memory, os.W_OK) else None  # nothing here is to outlive a power cut
    with tempfile.TemporaryDirectory(prefix="wanctl-crash-", dir=place) as name:
        yield Path(name)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--scene", choices=[name for name, scene in SCENES.items() if scene.tried], action="append"
    )
    parser.add_argument("--marks", choices=["kept", "lost"], default="kept")
    parser.add_argument("--store", choices=PLACES, default="file")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--first", action="store_true", help="stop at the first point that goes wrong")
    parser.add_argument("--alone", action="store_true", help="a point where a person is asked fails, too")
    asked = parser.parse_args()
    preload()
    began = time.monotonic()
    with _room() as room:
        results = tried(asked, room)
    lines = [
        *table(results, lambda result: result.point.disaster.name),
        "",
        *table(results, lambda result: result.scene),
        f"{time.monotonic() - began:.0f} s",
    ]
    print(*lines, sep="\n")  # noqa: T201 - a script
    return exit_code(results, alone=asked.alone)


def exit_code(results: Sequence[Result], *, alone: bool) -> int:
    bad = {WRONG, ASKED} if alone else {WRONG}
    return int(any(result.verdict in bad for result in results))


if __name__ == "__main__":
    sys.stdout.flush()
    code = main()
    sys.stdout.flush()
    os._exit(code)
