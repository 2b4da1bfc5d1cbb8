"""Times reading and packing a dataset of N MB against `sha256sum` of the same files, and a cached read.

    python tests/bench/datasets.py 1000

Prints ratios in one run, never a verdict: machines differ.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.datasets import small_dataset
from wanctl.dataset.archive import write_archive
from wanctl.dataset.reading import read_dataset

ROUNDS = 3
TOOL = "sha256sum"


def fastest(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return min(spent)


def spent_on(megabytes: int) -> dict[str, float]:
    """Seconds for each, `sha256sum` of the same files among them."""
    with tempfile.TemporaryDirectory(prefix="wanctl-bench-") as place:
        root = small_dataset(Path(place) / "train", clips=20)
        dice = random.Random(1)  # noqa: S311 - bytes to hash, not secrets
        for number in range(megabytes // 50):
            (root / f"more_{number:03}.bin").write_bytes(dice.randbytes(50_000_000))
        files = sorted(str(path) for path in root.iterdir())
        cache, archive = Path(place) / "cache", Path(place) / "train.zip"
        facts = read_dataset(root)
        command = [TOOL, *files]
        tool = fastest(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
        read = fastest(lambda: read_dataset(root))
        pack = fastest(lambda: write_archive(root, facts, archive))
        read_dataset(root, cache)
        again = fastest(lambda: read_dataset(root, cache))
    return {TOOL: tool, "read": read, "pack": pack, "read, cached": again}


def main(megabytes: int) -> None:
    spent = spent_on(megabytes)
    for name, seconds in spent.items():
        ratio = seconds / spent[TOOL]
        print(f"{name:13} {seconds:7.3f} s   {ratio:6.3f} × {TOOL}, {megabytes} MB")  # noqa: T201 - the product


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
