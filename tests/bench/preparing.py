"""Times `dataset prepare` against plain decoding of the same footage, and a second look at many clips.

    python tests/bench/preparing.py 600

Films a few scenes in 1080p, repeats them without coding anew, and prints ratios of one run: machines differ.
"""

import resource
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.dataset.filming import Scene, pictures
from tests.dataset.making import annotations, clip, folder, image, sample
from wanctl.dataset.preparing.scenes import CutSettings
from wanctl.dataset.preparing.work import prepare
from wanctl.decoding.pool import end_children
from wanctl.project import Project
from wanctl.project.datasets import inspect

SIZE, RATE = (1920, 1080), 24
BITS = 16_000_000  # a second, as a camera writes
SCENES = (Scene(5, 1, speed=6), Scene(1, 2, speed=6), Scene(6, 3, speed=4))
LENGTH = 12  # seconds
CLIPS = 1000


@dataclass(frozen=True)
class Spent:
    """By this process and the children that decode for it."""

    seconds: float  # by the clock
    cores: float  # seconds of all cores
    megabytes: float  # at the most


def spent(work: Callable[[], object]) -> Spent:
    end_children()  # what they did before is not counted
    began, used = time.perf_counter(), cores()
    work()
    most = most_memory()
    end_children()  # a child's work is counted once it is gone
    return Spent(time.perf_counter() - began, cores() - used, most)


def cores() -> float:
    whose = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in whose)


def film(path: Path) -> None:
    """A few scenes with the grain that a camera has: without it nothing would have to be decoded."""
    grain = [Image.effect_noise(SIZE, 40).convert("RGB") for _ in range(4)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = *SIZE, "yuv420p", BITS
        for number, picture in enumerate(pictures(SCENES, SIZE, RATE)):
            grained = Image.blend(picture, grain[number % len(grain)], 0.15)
            frame = av.VideoFrame.from_image(grained)  # type: ignore[no-untyped-call]  # PyAV types it not
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def repeated(filmed: Path, path: Path, seconds: int) -> None:
    """The same packets again and again: as much to decode, and quickly made."""
    with av.open(str(path), "w") as out:
        stream = None
        for number in range(max(1, round(seconds / LENGTH))):
            with av.open(str(filmed)) as one:
                given = one.streams.video[0]
                stream = stream or out.add_stream_from_template(given)
                assert given.time_base
                behind = round(number * LENGTH / given.time_base)
                for packet in one.demux(given):
                    if packet.pts is None or packet.dts is None:
                        continue  # the one that says that it is over
                    packet.pts, packet.dts = packet.pts + behind, packet.dts + behind
                    packet.stream = stream
                    out.mux(packet)


def decode(path: Path) -> None:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for _ in container.decode(video=0):
            pass


def most_memory() -> float:
    """Of each process by itself: what getrusage says of a child counts the memory of who started it."""
    children = [one.read_text(encoding="ascii").split() for one in Path("/proc/self/task").glob("*/children")]
    places = [Path("/proc", name, "status") for name in ("self", *chain.from_iterable(children))]
    lines = chain.from_iterable(one.read_text(encoding="utf-8").splitlines() for one in places)
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def looked_at_again(root: Path) -> Spent:
    """Many clips, inspected from what is remembered of them."""
    (root / ".git").mkdir(parents=True)
    (root / "wanctl.yaml").write_text("version: 1\nproject: p\n", encoding="utf-8")
    (root / "a.yaml").write_text("kind: Dataset\nname: train\nsource: data\n", encoding="utf-8")
    numbers = range(1, CLIPS + 1)
    members = {"data.jsonl": annotations(*(sample(number) for number in numbers))}
    for number in numbers:  # a box that nobody reads makes each clip another content
        members[f"clip_{number}.mp4"] = clip(1.0, number % 10) + struct.pack(">I4sI", 12, b"free", number)
        members[f"frame_{number}.png"] = image(number % 250)
    folder(root / "data", members)
    inspect(Project.open(root), "train")
    return spent(lambda: inspect(Project.open(root), "train"))


def told(name: str, took: Spent, plain: Spent) -> str:
    itself = f"{name:8} {took.seconds:7.2f} s, {took.cores:7.2f} s of cores"
    clock, busy = took.seconds / plain.seconds, took.cores / plain.cores
    return f"{itself}   {clock:5.2f} × and {busy:5.2f} × decode"


def main(seconds: int) -> None:
    settings = CutSettings(longest=10, shortest=2)
    with tempfile.TemporaryDirectory(prefix="wanctl-bench-") as place:
        root = Path(place)
        film(root / "filmed.mp4")
        for name, length in (("footage", seconds), ("less", seconds // 4)):
            (root / name).mkdir()
            repeated(root / "filmed.mp4", root / name / "film.mp4", length)
        plain = spent(lambda: decode(root / "footage" / "film.mp4"))
        less = spent(lambda: prepare(root / "less", root / "few", settings))
        dry = spent(lambda: prepare(root / "footage", root / "dry", settings, dry_run=True))
        whole = spent(lambda: prepare(root / "footage", root / "clips", settings))
        more = whole.megabytes - less.megabytes
        clips = len(list((root / "clips").glob("*.mp4")))
        again = looked_at_again(root / "project")
    lines = [
        f"{seconds} s of {SIZE[0]}×{SIZE[1]} at {BITS / 1e6:.0f} Mbit/s, {clips} clips",
        *(told(*one, plain) for one in (("decode", plain), ("dry run", dry), ("prepare", whole))),
        f"memory: {more:.0f} MB more than for a quarter of it",
        f"{CLIPS} clips inspected again: {again.seconds:.2f} s, {again.cores:.2f} s of cores",
    ]
    print(*lines, sep="\n", flush=True)  # noqa: T201 - the product of a benchmark


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600)
