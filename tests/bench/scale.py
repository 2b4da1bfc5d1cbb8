"""Times a plan that finds nothing to do, over HTTP, as a command of its own; its requests and its memory.

    python tests/bench/scale.py 25 100 250

Counts are of chains, each of four resources; 2500 of them take a while to be made. Prints ratios, never a
verdict: machines differ.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.chains import applied

ROOT = Path(__file__).parents[2]
TIMES = 3  # the quickest counts: the others had company


@dataclass(frozen=True)
class Cost:
    """What one command took."""

    seconds: float
    busy: float  # seconds of a processor, which other work on the machine does not lengthen
    megabytes: float


def command(*arguments: str) -> Cost:
    """The quickest of a few runs."""
    return min((_once(*arguments) for _ in range(TIMES)), key=lambda cost: cost.busy)


def _once(*arguments: str) -> Cost:
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, status, usage = os.wait4(process.pid, 0)
    spent = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.stderr is not None
    with process.stderr as errors:
        assert process.returncode == 0, errors.read().decode()
    return Cost(spent, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def plan(chains: int) -> tuple[Cost, int]:
    """A plan that finds nothing to do, and the requests that it made."""
    with applied(chains) as (specs, requests):
        cost = command("-m", "wanctl", "-C", str(specs), "plan", "--detailed-exitcode")
        return cost, requests() // TIMES


def main(sizes: list[int]) -> None:
    floor = command("-c", "import typer")
    start = command("-m", "wanctl", "--version")
    say(f"wanctl --version takes {start.busy / floor.busy:.2f} × of python -c 'import typer'")
    first: tuple[int, Cost] | None = None
    for chains in sizes:
        cost, requests = plan(chains)
        first = first or (chains, cost)
        told = f"{cost.seconds:.2f} s ({cost.busy:.2f} busy), {requests} requests, {cost.megabytes:.0f} MB"
        ratio = f"{cost.busy / first[1].busy:.1f} × of the first for {chains / first[0]:g} × as many"
        say(f"{chains} chains, {4 * chains} resources: {told}; {ratio}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [25, 100, 250])
