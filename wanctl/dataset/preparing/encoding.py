"""Writes a clip: turned, without bars, at a steady rate, never larger than it was filmed; with its frames.

A clip is MP4 with H.264 in yuv420p and has no sound. It gets its name when it is whole; until then it lies in
a file that no dataset takes for one of its own.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from wanctl.dataset.preparing.frames import Geometry
from wanctl.dataset.preparing.outcome import PARTIAL, Crop

_LARGEST_SIDE = 4096
_CODEC = {
    "preset": "ultrafast",
    "crf": "18",
}  # half of the time of veryfast, and twice the bytes, which are few
_PICTURE_PIXELS = 1280 * 720  # of the frames beside a clip, which start previews, too
_JPEG_QUALITY = 95
_TURNS = {90: ("transpose=cclock",), 180: ("hflip", "vflip"), 270: ("transpose=clock",)}


@dataclass(frozen=True)
class ClipShape:
    """How frames of a file become frames of its clips."""

    width: int
    height: int
    rate: Fraction
    filters: tuple[str, ...]
    picture_filters: tuple[str, ...] | None = None  # for the frames beside a clip, where they are larger


def clip_shape(geometry: Geometry, crop: Crop | None, most_pixels: int) -> ClipShape:
    """Bars off, pixels square, the camera upright; scaled down to so many pixels, and never up."""
    stored = (crop.width, crop.height) if crop else (geometry.width, geometry.height)
    wide, high = stored[0] * float(geometry.pixel_aspect), float(stored[1])

    def scaled(pixels: int) -> tuple[int, int]:
        factor = min(1.0, math.sqrt(pixels / (wide * high)), _LARGEST_SIDE / max(wide, high))
        return _even(wide * factor), _even(high * factor)

    def filters(size: tuple[int, int]) -> tuple[str, ...]:
        way = "area" if size[0] * 1.5 < wide else "bicubic"
        cut = [f"crop={crop.width}:{crop.height}:{crop.left}:{crop.top}"] if crop else []
        woven = ["yadif"] if geometry.interlaced else []
        scale = f"scale={size[0]}:{size[1]}:flags={way}"
        return (*woven, *cut, scale, "setsar=1", *_TURNS.get(geometry.rotation, ()))

    size, larger = scaled(most_pixels), scaled(max(most_pixels, _PICTURE_PIXELS))
    turned = (size[1], size[0]) if geometry.rotation % 180 else size
    pictures = filters(larger) if larger != size else None
    return ClipShape(*turned, geometry.steady_rate, filters(size), pictures)


def _even(side: float) -> int:
    return max(2, int(side + 1e-6) // 2 * 2)


class ClipEncoder:
    """One clip that is being written."""

    def __init__(self, folder: Path, name: str, shape: ClipShape) -> None:
        self.name = name
        self._partial = folder / f"{PARTIAL}{name}.mp4"
        self._path = folder / f"{name}.mp4"
        self._shape = shape
        self._graph: Graph | None = None
        self._first: VideoFrame | None = None
        self._last: VideoFrame | None = None
        self._given: list[VideoFrame] = []  # the first and the last frame as they are filmed
        self._count = 0
        self._container = av.open(str(self._partial), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream: VideoStream | None = None

    def write(self, frame: VideoFrame) -> None:
        if self._graph is None:
            rate = f"fps={self._shape.rate}:round=near"
            self._graph = _graph(frame, (*self._shape.filters, rate))
        self._given[1 if self._given else 0 :] = [frame]
        self._graph.vpush(frame)
        self._drain(self._graph)

    def _drain(self, graph: Graph) -> None:
        while True:
            try:
                frame = graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            self._encode(frame)

    def _encode(self, frame: VideoFrame) -> None:
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=self._shape.rate, options=_CODEC)
            self._stream.width, self._stream.height = self._shape.width, self._shape.height
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.time_base = 1 / self._shape.rate
        frame.pts, frame.time_base = self._count, 1 / self._shape.rate
        frame.pict_type = av.video.frame.PictureType.NONE
        self._count += 1
        self._first = self._first or frame
        self._last = frame
        self._container.mux(self._stream.encode(frame))

    def publish(self, *, last_frame: bool) -> tuple[str, ...]:
        """Finish the clip and give it its name, after its frames have theirs. Gives the frames' names."""
        if self._graph:
            self._graph.vpush(None)
            self._drain(self._graph)
        if self._stream is None or self._first is None or self._last is None:
            raise AssertionError("a clip without frames")
        self._container.mux(self._stream.encode())
        self._container.close()
        folder = self._path.parent
        pictures = {f"{self.name}_first.jpg": self._larger(self._given[0], self._first)}
        if last_frame:
            pictures[f"{self.name}_last.jpg"] = self._larger(self._given[-1], self._last)
        for name, frame in pictures.items():
            partial = folder / f"{PARTIAL}{name}"
            picture = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV types it not
            picture.save(partial, "JPEG", quality=_JPEG_QUALITY)
            partial.replace(folder / name)
        self._partial.replace(self._path)
        return tuple(pictures)

    def _larger(self, given: VideoFrame, small: VideoFrame) -> VideoFrame:
        """The frame of a clip, in the size in which it is kept beside it."""
        if self._shape.picture_filters is None:
            return small
        graph = _graph(given, self._shape.picture_filters)
        graph.vpush(given)
        graph.vpush(None)
        return graph.vpull()

    def discard(self) -> None:
        self._container.close()
        self._partial.unlink(missing_ok=True)


def _graph(frame: VideoFrame, filters: tuple[str, ...]) -> Graph:
    """The filters between frames as they are decoded and frames as they are encoded."""
    graph = Graph()
    graph.threads = 1  # files are worked on side by side
    fields = {
        "video_size": f"{frame.width}x{frame.height}",
        "pix_fmt": frame.format.name,
        "time_base": frame.time_base,
        "colorspace": int(frame.colorspace),
        "range": int(frame.color_range),
    }
    chain = [graph.add("buffer", ":".join(f"{key}={value}" for key, value in fields.items()))]
    for written in (*filters, "format=yuv420p", "buffersink"):
        name, _, arguments = written.partition("=")
        chain.append(graph.add(name, arguments or None))
    for before, after in pairwise(chain):
        before.link_to(after)
    graph.configure()
    return graph
