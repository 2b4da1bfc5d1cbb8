"""Preview videos: real MP4s, drawn from a first frame; the effect is stronger in later checkpoints."""

import io
import random
from pathlib import Path

import av
from PIL import Image, ImageDraw, ImageEnhance

from wanctl.sandbox.media.whole import whole

LONGEST_SIDE = 320
RATE = 12
SECONDS = 3


def write_preview(path: Path, still: Image.Image, strength: float, seed: str) -> None:
    """Render beside and rename over, so that nobody reads half a video."""
    with whole(path) as unfinished, av.open(str(unfinished), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE)
        size = _size(still)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.options = {"crf": "30", "preset": "veryfast"}
        small = still.resize(size)
        for number in range(RATE * SECONDS):
            picture = picture_at(small, number / (RATE * SECONDS), strength, seed)
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV has no types here
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _size(frame: Image.Image) -> tuple[int, int]:
    scale = LONGEST_SIDE / max(frame.size)
    width, height = (max(16, round(side * scale) // 2 * 2) for side in frame.size)
    return width, height


def picture_at(still: Image.Image, time: float, strength: float, seed: str) -> Image.Image:
    """The still, slowly closer, and something falling through it."""
    width, height = still.size
    inset = int(min(width, height) * 0.12 * time)
    picture = still.crop((inset, inset, width - inset, height - inset)).resize((width, height))
    picture = ImageEnhance.Brightness(picture).enhance(1 - 0.2 * time * strength)
    draw = ImageDraw.Draw(picture)
    dice = random.Random(seed)  # noqa: S311 - a picture
    for _ in range(int(8 + 72 * strength)):
        left, top, speed = dice.randrange(width), dice.random(), dice.uniform(0.6, 1.6)
        fallen = (top + time * speed) % 1.2 - 0.1
        y = int(fallen * height)
        draw.rectangle((left, y, left + 9, y + 5), fill=(104, 152, 96), outline=(60, 96, 56))
    return picture


def placeholder() -> Image.Image:
    """A frame where none can be had: the sandbox fetches nothing."""
    picture = Image.new("RGB", (LONGEST_SIDE, LONGEST_SIDE * 9 // 16), (52, 62, 84))
    ImageDraw.Draw(picture).ellipse((120, 40, 200, 140), fill=(220, 190, 160))
    return picture


def read_image(path: Path) -> Image.Image:
    """A first frame that a caller gave."""
    with Image.open(path) as image:
        return image.convert("RGB")


def as_jpeg(frame: Image.Image) -> bytes:
    stream = io.BytesIO()
    frame.save(stream, "JPEG", quality=88)
    return stream.getvalue()
