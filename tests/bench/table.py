"""`make bench`: every ratio in one run; it writes the line of this version into `history.json`, and
`docs/speed.md` with its picture.

    python tests/bench/table.py 1 25 100 250 2500

Counts are of chains, each of four resources; 2500 of them take a quarter of an hour to be made.
"""

import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import datasets, scale, waiting
from tests.bench.history import Release, write
from tests.bench.measuring import Cost
from wanctl import __version__

MEGABYTES, WAITS = 500, 5
TYPER = "python -c 'import typer'"


def machine() -> str:
    cores = os.cpu_count() or 1
    return f"{cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def of(rounds: scale.Rounds, name: str, against: str) -> float:
    return median(one[name].busy / one[against].busy for one in rounds)


def plans(rounds: scale.Rounds, sizes: list[int], figure: Callable[[Cost], float]) -> dict[str, int]:
    return {
        f"plan_{4 * chains}": round(max(figure(one[scale.of_chains(chains)]) for one in rounds))
        for chains in sizes
    }


def main(sizes: list[int]) -> None:
    smallest = scale.of_chains(sizes[0])
    rounds, asked = scale.rounds_of(sizes)
    scale.report(rounds, asked)
    ratios = {
        "version": of(rounds, "wanctl --version", TYPER),
        "help": of(rounds, "wanctl --help", TYPER),
        "validate": of(rounds, "wanctl validate", TYPER),
        "plan_4": of(rounds, smallest, TYPER),
        **{f"plan_{4 * one}": of(rounds, scale.of_chains(one), smallest) for one in sizes[1:]},
    }
    waited = [took / service for took, service in map(waiting.measure, range(WAITS))]
    spent = datasets.spent_on(MEGABYTES)
    tool = spent[datasets.TOOL]
    ratios |= {"waiting": mean(waited), "read": spent["read"] / tool, "pack": spent["pack"] / tool}
    ratios |= {"read_again": spent["read, cached"] / tool}
    for name, value in ratios.items():
        sys.stdout.write(f"{name}: {value:.3f}\n")
    found = Release(
        __version__,
        f"{datetime.now(UTC):%Y-%m-%d}",
        machine(),
        MEGABYTES,
        {name: round(value, 4) for name, value in ratios.items()},
        {f"plan_{4 * chains}": asked[scale.of_chains(chains)] for chains in sizes},
        plans(rounds, sizes, lambda cost: cost.megabytes),
    )
    write(found)


if __name__ == "__main__":
    main([1, *(int(word) for word in sys.argv[1:] if word != "1")] if sys.argv[1:] else [1, 25, 100, 250])
