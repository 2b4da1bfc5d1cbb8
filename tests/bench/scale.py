"""Times a plan that finds nothing to do, over HTTP, as a command of its own; its requests and its memory.

    python tests/bench/scale.py 25 100 250 1000 2500

Counts are of chains, each of four resources; 2500 of them take a quarter of an hour to be made. All are
there before anything is timed, and each round times every one of them and the floors, so that a machine that
has company is unfair to all alike: ratios are medians over the rounds. Prints figures, never a verdict.
"""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.chains import applied
from tests.bench.measuring import Cost, measured

ROUNDS = 5
FLOORS = {
    "python -c pass": ("-c", "pass"),
    "python -c 'import typer'": ("-c", "import typer"),
    "import typer, pydantic, httpx, yaml, deepdiff": ("-c", "import typer, pydantic, httpx, yaml, deepdiff"),
    "wanctl --version": ("-m", "wanctl", "--version"),
    "wanctl --help": ("-m", "wanctl", "--help"),
}
Rounds = list[dict[str, Cost]]


def of_chains(chains: int) -> str:
    return f"{chains} chains, {4 * chains} resources"


def main(sizes: list[int]) -> None:
    report(*rounds_of(sizes))


def rounds_of(sizes: list[int]) -> tuple[Rounds, dict[str, int]]:
    """What each command cost in each round, and how many requests a plan made; `validate` is of the first."""
    with ExitStack() as accounts:
        commands: dict[str, tuple[str, ...]] = dict(FLOORS)
        answered: dict[str, Callable[[], int]] = {}
        for chains in sizes:
            specs, requests = accounts.enter_context(applied(chains))
            commands.setdefault("wanctl validate", ("-m", "wanctl", "-C", str(specs), "validate"))
            commands[of_chains(chains)] = ("-m", "wanctl", "-C", str(specs), "plan", "--detailed-exitcode")
            answered[of_chains(chains)] = requests
        for words in commands.values():
            measured(*words)  # compiled and read from the disk
        rounds = [{name: measured(*words) for name, words in commands.items()} for _ in range(ROUNDS)]
        asked = {name: requests() // (ROUNDS + 1) for name, requests in answered.items()}
    return rounds, asked


def report(rounds: Rounds, asked: dict[str, int]) -> None:
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
