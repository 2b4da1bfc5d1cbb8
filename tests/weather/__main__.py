"""Lives until the time is over: `python -m tests.weather --seconds 600 [--seed N] [--workers 2]`.

A line for each; at the end totals. One that goes wrong is told whole, with the command that lives it again.
`--only N` lives that one life, and prints all of it.
"""

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from tests.weather.commands import warmed
from tests.weather.life import OUTCOMES, WRONG, Result, lived

MOST_SEEDS = 1_000_000


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--lives", type=int, default=MOST_SEEDS, help="of each worker, at most")
    parser.add_argument("--only", type=int, default=None)
    asked = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is a throw of the dice, too
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.weather", *sys.argv[1:]])  # noqa: S606 - this very program
    with tempfile.TemporaryDirectory(prefix="wanctl-weather-") as room:
        warmed(Path(room))
    if asked.only is not None:
        return _tell(_lived(asked.only), whole=True)
    first = int(time.time()) % MOST_SEEDS if asked.seed is None else asked.seed
    seeds = [
        range(first + number, first + asked.lives * asked.workers, asked.workers)
        for number in range(asked.workers)
    ]
    return _together(seeds, time.monotonic() + asked.seconds)


def _lived(seed: int) -> Result:
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own in it
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="wanctl-weather-", dir=place) as room:
        return lived(seed, Path(room) / "life")


def _together(seeds: list[range], deadline: float) -> int:
    """Each worker lives its seeds, and tells of each through one pipe."""
    reading, writing = os.pipe()
    children = []
    for own in seeds:
        child = os.fork()
        if child == 0:
            os.close(reading)
            _work(own, deadline, writing)
        children.append(child)
    os.close(writing)
    with os.fdopen(reading) as told:
        lines = [line.rstrip("\n").split("\t") for line in told]
    failed = [os.waitpid(child, 0)[1] for child in children]
    lives = Counter(line[0] for line in lines)
    steps, fallen, answers = (sum(int(line[number]) for line in lines) for number in (1, 2, 3))
    totals = ", ".join(f"{lives[outcome]} {outcome}" for outcome in OUTCOMES)
    counts = f"{steps} commands, {fallen} fell, {answers} answers"
    sys.stdout.write(f"{len(lines)} lives from seed {seeds[0].start}: {counts}: {totals}\n")
    return int(lives[WRONG] > 0 or any(failed) or not lines)


def _work(seeds: Iterable[int], deadline: float, told: int) -> NoReturn:
    """One life after the other, in a child."""
    code, seed = 1, None
    try:
        for seed in seeds:
            if time.monotonic() > deadline:
                break
            result = _lived(seed)
            _tell(result, whole=result.outcome == WRONG)
            os.write(told, f"{result.outcome}\t{result.steps}\t{result.fallen}\t{result.answers}\n".encode())
        code = 0
    except BaseException:  # noqa: BLE001 - a child never comes back
        sys.stderr.write(f"seed {seed}: {traceback.format_exc()}")
    finally:
        sys.stderr.flush()
        os._exit(code)


def _tell(result: Result, *, whole: bool) -> int:
    lines = [str(result)]
    if whole:
        lines += [*result.log, *(f"WRONG: {one}" for one in result.wrong)]
        lines.append(f"again: python -m tests.weather --only {result.seed}")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
    return int(result.outcome == WRONG)


if __name__ == "__main__":
    sys.exit(main())
