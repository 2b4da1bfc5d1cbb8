"""Times a plan that finds nothing to do, over HTTP, as a command of its own; its requests and its memory.

    python tests/bench/scale.py 25 100 250 1000 2500

Counts are of chains, each of four resources; 2500 of them take a quarter of an hour to be made. All are
there before anything is timed, and each round times every one of them and the floors, so that a machine that
has company is unfair to all alike: ratios are medians over the rounds. Prints figures, never a verdict.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.chains import applied

ROOT = Path(__file__).parents[2]
ROUNDS = 5
FLOORS = {
    "python -c pass": ("-c", "pass"),
    "python -c 'import typer'": ("-c", "import typer"),
    "import typer, pydantic, httpx, yaml, deepdiff": ("-c", "import typer, pydantic, httpx, yaml, deepdiff"),
    "wanctl --version": ("-m", "wanctl", "--version"),
}

# Started by a small process: a child's peak counts the memory of who started it, and here are whole accounts.
LAUNCHER = """
import os, subprocess, sys, time
started = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Cost:
    """What one command took."""

    seconds: float
    busy: float  # seconds of a processor, which other work on the machine lengthens little
    megabytes: float


def command(*arguments: str) -> Cost:
    """One run, of a wanctl that was compiled before, as an installed one is."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    ran = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, sys.executable, *arguments],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return Cost(*map(float, ran.stdout.split()))


def main(sizes: list[int]) -> None:
    with ExitStack() as accounts:
        commands: dict[str, tuple[str, ...]] = dict(FLOORS)
        answered: dict[str, Callable[[], int]] = {}
        for chains in sizes:
            specs, requests = accounts.enter_context(applied(chains))
            name = f"{chains} chains, {4 * chains} resources"
            commands[name] = ("-m", "wanctl", "-C", str(specs), "plan", "--detailed-exitcode")
            answered[name] = requests
        for words in commands.values():
            command(*words)  # compiled and read from the disk
        rounds = [{name: command(*words) for name, words in commands.items()} for _ in range(ROUNDS)]
        asked = {name: requests() // (ROUNDS + 1) for name, requests in answered.items()}
    report(rounds, asked)


def report(rounds: list[dict[str, Cost]], asked: dict[str, int]) -> None:
    smallest = next(iter(asked))
    for name in rounds[0]:
        costs = [one[name] for one in rounds]
        against = smallest if name in asked else "python -c 'import typer'"
        ratio = median(one[name].busy / one[against].busy for one in rounds)
        told = [
            f"{median(cost.busy for cost in costs):.3f} s busy",
            f"{median(cost.seconds for cost in costs):.3f} s in all",
            f"{max(cost.megabytes for cost in costs):.0f} MB",
            f"{ratio:.2f} × of {against}",
        ]
        requests = [f"{asked[name]} requests"] if name in asked else []
        sys.stdout.write(f"{name}: {', '.join([*told, *requests])}\n")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [25, 100, 250])
