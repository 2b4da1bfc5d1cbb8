"""The memory of commands over a dataset that is a .zip of N MB: a plan that reads it for the first time, and
the same plan again, which only looks whether it is the same file.

    python tests/bench/memory.py 1000

Prints figures, never a verdict. What an upload takes is a test, in tests/studio/test_wire.py.
"""

import random
import struct
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import yaml

from tests.bench.measuring import measured
from tests.dataset.making import good

CLIP = 25_000_000  # bytes of a clip
HEAD = {"version": 1, "project": "bench", "provider": "sandbox"}
TRAIN = {"kind": "Dataset", "name": "train", "source": "../train.zip"}
TUNE = {"kind": "FineTune", "name": "rain", "model": "wan2.6-i2v", "training": ["train"]}


def packed(path: Path, megabytes: int) -> None:
    """Clips that play, each as large as that by bytes which players skip."""
    dice = random.Random(1)  # noqa: S311 - bytes to read, not secrets
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        whole = good(max(1, megabytes * 1_000_000 // CLIP))
        for name, content in whole.items():
            if name.endswith(".mp4"):
                content = whole["clip_1.mp4"]
                room = CLIP - len(content) - 8
                content += struct.pack(">I", room + 8) + b"free" + dice.randbytes(room)
            archive.writestr(name, content)


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory(prefix="wanctl-bench-") as place:
        root = Path(place)
        for name in (".git", "specs"):
            (root / name).mkdir()
        packed(root / "train.zip", megabytes)
        (root / "specs" / "wanctl.yaml").write_text(yaml.safe_dump(HEAD), encoding="utf-8")
        (root / "specs" / "all.yaml").write_text(yaml.safe_dump_all([TRAIN, TUNE]), encoding="utf-8")
        plan = ("-m", "wanctl", "-C", str(root / "specs"), "plan")
        for name in ("cold", "again"):
            cost = measured(*plan)
            sys.stdout.write(f"{megabytes} MB, {name}: {cost.megabytes:.0f} MB, {cost.seconds:.2f} s\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
