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


def fastest(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return min(spent)


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory(prefix="wanctl-bench-") as place:
        root = small_dataset(Path(place) / "train", clips=20)
        dice = random.Random(1)  # noqa: S311 - bytes to hash, not secrets
        for number in range(megabytes // 50):
            (root / f"more_{number:03}.bin").write_bytes(dice.randbytes(50_000_000))
        files = sorted(str(path) for path in root.iterdir())
        cache, archive = Path(place) / "cache", Path(place) / "train.zip"
        facts = read_dataset(root)
        tool = fastest(lambda: subprocess.run(["sha256sum", *files], check=True, stdout=subprocess.DEVNULL))  # noqa: S607 - the tool to compare with
        read = fastest(lambda: read_dataset(root))
        pack = fastest(lambda: write_archive(root, facts, archive))
        read_dataset(root, cache)
        again = fastest(lambda: read_dataset(root, cache))
    print(f"{facts.size / 1e6:.0f} MB in {len(files)} files")  # noqa: T201 - the product of a benchmark
    for name, spent in (("sha256sum", tool), ("read", read), ("pack", pack), ("read, cached", again)):
        print(f"{name:13} {spent:7.3f} s   {spent / tool:6.3f} × sha256sum")  # noqa: T201 - as above


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
