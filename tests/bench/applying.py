"""Applies N chains from nothing at the sandbox's instant speed: its time over what 3 uploads a second allow,
and its memory, in which the sandbox is.

    python tests/bench/applying.py 200

With a speed in the place of instant the sandbox's clock runs so much faster, and waiting takes its time:

    python tests/bench/applying.py 200 1000

Prints figures, never a verdict.
"""

import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import yaml

from tests.bench.chains import allow_jobs, write
from tests.bench.measuring import measured
from wanctl.project import Project
from wanctl.studio.pace import LIMITS, Family


def prepared(folder: Path, count: int, speed: str) -> Path:
    """The specs of so many chains, in an account that has room for their trainings."""
    (folder / ".git").mkdir()
    specs = write(folder, count)
    path = specs / "wanctl.yaml"
    head = yaml.safe_load(path.read_text(encoding="utf-8"))
    head["sandbox"]["speed"] = speed if speed == "instant" else int(speed)
    del head["polling"]
    path.write_text(yaml.safe_dump(head), encoding="utf-8")
    allow_jobs(Project.open(specs), count)
    return specs


def main(count: int, speed: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="wanctl-bench-"))
    try:
        specs = prepared(folder, count, speed)
        cost = measured("-m", "wanctl", "-C", str(specs), "apply", "--yes", "--wait")
    finally:
        shutil.rmtree(folder)
    starts = LIMITS[Family.UPLOADS].starts or 1
    sys.stdout.write(
        f"{count} chains, {speed}: {cost.seconds:.0f} s, "
        f"{cost.seconds * starts / count:.2f} × of {starts} uploads a second, "
        f"{cost.busy:.0f} s busy, {cost.megabytes:.0f} MB\n"
    )


if __name__ == "__main__":
    words = sys.argv[1:]
    main(int(words[0]) if words else 200, words[1] if words[1:] else "instant")
