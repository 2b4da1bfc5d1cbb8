"""Footage for tests, filmed here: scenes of which each looks unlike the others, in small and short."""

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIZE = (128, 72)
RATE = 12


@dataclass(frozen=True)
class Scene:
    """What is filmed: so many seconds of a landscape that the camera moves over."""

    seconds: float
    look: int = 0  # another number is another landscape
    speed: int = 2  # pixels to the right at each frame; 0 stands still
    black: bool = False
    bars: int = 0  # black rows above and below
    pillars: int = 0  # black columns on both sides
    blur: int = 0
    logo: bool = False


def film(
    path: Path,
    scenes: Sequence[Scene],
    *,
    size: tuple[int, int] = SIZE,
    rate: int = RATE,
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
) -> Path:
    """The scenes, one after the other, as a file of the sort that its suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_filmed(tuple(scenes), size, rate, codec, path.suffix, tuple((options or {}).items())))
    return path


@cache
def _filmed(
    scenes: tuple[Scene, ...],
    size: tuple[int, int],
    rate: int,
    codec: str,
    suffix: str,
    more: tuple[tuple[str, str], ...],
) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"film{suffix}"
        with av.open(str(path), "w") as container:
            options = {"preset": "ultrafast", "crf": "16", **dict(more)} if codec == "libx264" else {}
            stream = container.add_stream(codec, rate=rate, options=options)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = size
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for picture in pictures(scenes, size, rate):
                frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV types it not
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path.read_bytes()


def pictures(
    scenes: Sequence[Scene], size: tuple[int, int] = SIZE, rate: int = RATE
) -> Iterator[Image.Image]:
    for scene in scenes:
        view = landscape(scene.look, size)
        for number in range(round(scene.seconds * rate)):
            yield _picture(scene, view, number, size)


def _picture(scene: Scene, view: Image.Image, number: int, size: tuple[int, int]) -> Image.Image:
    if scene.black:
        return Image.new("RGB", size)
    picture = ImageChops.offset(view, -scene.speed * number, 0).crop((0, 0, *size))
    if scene.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(scene.blur))
    drawing, (width, height) = ImageDraw.Draw(picture), size
    if scene.logo:
        drawing.rectangle((width - 24, 4, width - 5, 13), fill="white", outline="black")
        drawing.line((width - 22, 12, width - 7, 5), fill="black", width=2)
    for box in (
        (0, 0, width, scene.bars - 1),
        (0, height - scene.bars, width, height),
        (0, 0, scene.pillars - 1, height),
        (width - scene.pillars, 0, width, height),
    ):
        if box[2] >= box[0] and box[3] >= box[1] and (scene.bars or scene.pillars):
            drawing.rectangle(box, fill="black")
    return picture


@cache
def landscape(look: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """Wider than a frame: sky, ground and many shapes, always the same for a number."""
    dice = random.Random(look)  # noqa: S311 - pictures, not secrets
    width, height = size[0] * 2, size[1]
    sky, ground = ((dice.randrange(60, 256), dice.randrange(60, 256), dice.randrange(60, 256)) for _ in "ab")
    picture = Image.new("RGB", (width, height), sky)
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((0, round(height * dice.uniform(0.4, 0.8)), width, height), fill=ground)
    for _ in range(30):
        left, top = dice.randrange(width), dice.randrange(height)
        box = (left, top, left + dice.randrange(4, width // 8), top + dice.randrange(4, height // 3))
        colour = (dice.randrange(30, 256), dice.randrange(30, 256), dice.randrange(30, 256))
        (drawing.rectangle if dice.random() < 0.6 else drawing.ellipse)(box, fill=colour)
    return picture
