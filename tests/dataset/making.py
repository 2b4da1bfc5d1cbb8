"""Small real datasets for these tests: images and clips of a few frames, with their data.jsonl."""

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import av
from PIL import Image

SIZE = (64, 36)
FPS = 8


@cache
def clip(seconds: float = 1.0, shade: int = 0, movflags: str = "", size: tuple[int, int] = SIZE) -> bytes:
    """A clip of this length as an MP4."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "clip.mp4"
        with av.open(str(path), "w", options={"movflags": movflags} if movflags else {}) as container:
            stream = container.add_stream("libx264", rate=FPS)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for number in range(round(seconds * FPS)):
                colour = ((number * 12 + shade) % 255, 90, 120)
                picture = Image.new("RGB", size, colour)
                frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV types it not
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path.read_bytes()


@cache
def image(shade: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", SIZE, (shade, 90, 120)).save(out, "PNG")
    return out.getvalue()


def annotations(*samples: Mapping[str, Any]) -> bytes:
    return "".join(json.dumps(sample) + "\n" for sample in samples).encode()


def sample(number: int = 1, **changed: Any) -> dict[str, Any]:
    """A good sample, with some fields changed; a field that is None is left out."""
    fields = {
        "prompt": f"Scene {number}. Then the s86b5p effect begins.",
        "first_frame_path": f"frame_{number}.png",
        "video_path": f"clip_{number}.mp4",
    }
    return {name: value for name, value in {**fields, **changed}.items() if value is not None}


def good(count: int = 2) -> dict[str, bytes]:
    """The members of a dataset with nothing wrong."""
    members = {"data.jsonl": annotations(*(sample(number) for number in range(1, count + 1)))}
    for number in range(1, count + 1):
        members[f"frame_{number}.png"] = image(number)
        members[f"clip_{number}.mp4"] = clip(number)
    return members


def folder(root: Path, members: Mapping[str, bytes]) -> Path:
    for name, content in members.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def packed(path: Path, members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
