"""Small real datasets, drawn once a session and copied from there."""

import json
from functools import cache
from pathlib import Path

import av
from PIL import Image

SIZE = (64, 36)


@cache
def _clip(shade: int, seconds: int = 2) -> bytes:
    """A colour that changes."""
    import io

    stream_out = io.BytesIO()
    with av.open(stream_out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(8 * seconds):
            picture = Image.new("RGB", SIZE, (number * 12 % 256, shade, 120))
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV has no types here
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return stream_out.getvalue()


def small_dataset(folder: Path, *, clips: int, note: str = "", seconds: int = 2, last: bool = False) -> Path:
    """A training set of a few short clips; the note makes its captions, and so its content, differ."""
    folder.mkdir(parents=True)
    lines = []
    for number in range(clips):
        Image.new("RGB", SIZE, (number * 40 % 255, 90, 120)).save(folder / f"frame_{number}.png")
        (folder / f"clip_{number}.mp4").write_bytes(_clip((90 + number * 7) % 255, seconds))
        prompt = f"The video begins with scene {number}. Then the s86b5p effect begins. {note}"
        frames = {"first_frame_path": f"frame_{number}.png"}
        if last:
            frames["last_frame_path"] = frames["first_frame_path"]
        lines.append({"prompt": prompt, **frames, "video_path": f"clip_{number}.mp4"})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "data.jsonl").write_text(text, encoding="utf-8")
    return folder
