"""Times a plan that finds nothing to do, over HTTP, as a command of its own; its requests and its memory.

    python tests/bench/scale.py 10 25 100 250 1000

Counts are of chains, each of four resources. Prints ratios, never a verdict: machines differ.
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
    megabytes: float = 0.0


def command(*arguments: str) -> Cost:
    """The quickest of a few runs."""
    return min((_once(*arguments) for _ in range(TIMES)), key=lambda cost: cost.seconds)


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
    return Cost(spent, usage.ru_maxrss / 1024)


def plan(chains: int) -> tuple[Cost, int]:
    """A plan that finds nothing to do, and the requests that it made."""
    with applied(chains) as (specs, requests):
        cost = command("-m", "wanctl", "-C", str(specs), "plan", "--detailed-exitcode")
        return cost, requests() // TIMES


def main(sizes: list[int]) -> None:
    say(f"starting: {start_ratio():.2f} × python -c 'import typer' for wanctl --version")
    nothing = command("-m", "wanctl", "--version").seconds
    first: tuple[int, float] | None = None
    for chains in sizes:
        cost, requests = plan(chains)
        work = cost.seconds - nothing
        first = first or (chains, work)
        told = f"{cost.seconds:.2f} s, {requests} requests, {cost.megabytes:.0f} MB"
        ratio = f"{work / first[1]:.1f} × the work of {4 * first[0]} for {chains / first[0]:g} × as many"
        say(f"{chains} chains, {4 * chains} resources: {told}; {ratio}")


def start_ratio() -> float:
    return command("-m", "wanctl", "--version").seconds / command("-c", "import typer").seconds


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [10, 25, 100, 250, 1000])
