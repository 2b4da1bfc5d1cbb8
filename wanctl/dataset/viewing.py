"""Looks at clips from their first frame to their last, and measures them: scenes, black, stillness, blur,
bars, motion and its direction, likeness, and marks that stand still. In a child process: `looking` asks for
it.

Frames are measured small and gray. The only thresholds here are those by which a frame counts as black or a
stretch as still, which are FFmpeg's own.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, BinaryIO

import av
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from PIL import Image, ImageChops, ImageFilter

from wanctl.dataset.clip_measures import GRID, ClipMeasures
from wanctl.dataset.preparing.bars import gray, without_bars
from wanctl.dataset.preparing.measuring import FrameMeter, small_size
from wanctl.dataset.preparing.scenes import BLACK, BORDER, STILL
from wanctl.decoding.opening import opened_clip

_MOST_SECONDS = 60.0  # of a clip are looked at; the service takes ten
_EVERY = 0.25  # seconds between two frames that are looked at closely
_SHARP_SIDE = 640
_PROFILE = 160  # columns by which a sweep is found
_FARTHEST = 24  # of them, between two frames that are looked at closely
_HASH = (9, 8)
_EDGE = 64  # of 255, by which a pixel is an edge
_MARK_SIZE = (258, 146)
_INNER = (1, 1, 257, 145)  # its rim is no edge
_MAYBE_A_CUT = 5.0  # the least score that is kept; what counts as a cut is for the checks
_MOVES = 0.5  # of 100: below, everything stands still, and no mark can be told from it


def view_job(files: Sequence[BinaryIO]) -> dict[str, Any]:
    """The measures of one clip, for the process that asks."""
    return asdict(view_clip(files[0]))


def view_clip(file: BinaryIO) -> ClipMeasures:
    """The measures of one clip; what cannot be decoded has a fault."""
    viewed = _Viewed()
    try:
        with opened_clip(file, "mov") as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                if (frame.time or 0) > _MOST_SECONDS:
                    break
                viewed.add(frame)
    except MemoryError:
        raise
    except (av.error.FFmpegError, IndexError):
        return ClipMeasures(fault="cannot be decoded to its end")
    return viewed.measures()


class _Viewed:
    """One clip while its frames go by."""

    def __init__(self) -> None:
        self._meter, self._reformatter = FrameMeter(), VideoReformatter()
        self._cuts: list[tuple[float, float]] = []
        self._black, self._still = _Longest(), _Longest()
        self._changes: list[float] = []
        self._looks: list[int] = []
        self._blurs: list[float] = []
        self._sweeps: list[float] = []
        self._profile: bytes = b""
        self._edges: Image.Image | None = None
        self._brightest: Image.Image | None = None
        self._sharpness: Graph | None = None
        self._looked = -math.inf
        self._dark = False
        self._palette = ""

    def add(self, frame: VideoFrame) -> None:
        at = frame.time or 0.0
        measures = self._meter.measure(frame, at)
        before = self._changes[-1] if self._changes else 0.0
        score = min(measures.change, abs(measures.change - before)) if self._changes else 0.0
        dark = measures.dark >= BLACK
        if score >= _MAYBE_A_CUT:
            self._profile = b""
            if not dark and not self._dark:  # what goes black, or comes from it, is told as that
                self._cuts.append((round(at, 3), round(score, 1)))
        self._dark = dark
        self._black.add(at, holds=dark)
        self._still.add(at, holds=bool(self._changes) and measures.change < STILL)
        self._changes.append(measures.change)
        if at - self._looked >= _EVERY:
            self._look(frame, at, dark=dark)

    def _look(self, frame: VideoFrame, at: float, *, dark: bool) -> None:
        """Closely, a few times a second."""
        whole = gray(self._reformatter, frame, (frame.width, frame.height))
        self._palette = self._palette or palette_of(self._reformatter, frame)
        self._looks.append(likeness_hash(whole))
        self._sweep(whole, at - self._looked)
        self._looked = at
        if self._brightest is None or self._brightest.size == whole.size:
            self._brightest = ImageChops.lighter(self._brightest, whole) if self._brightest else whole
        if not dark:
            edges = whole.resize(_MARK_SIZE, Image.Resampling.BOX).filter(ImageFilter.FIND_EDGES).crop(_INNER)
            self._edges = ImageChops.darker(self._edges, edges) if self._edges else edges
            self._blurs.append(self._edge_width(frame))

    def _sweep(self, whole: Image.Image, seconds: float) -> None:
        profile = whole.resize((_PROFILE, 1), Image.Resampling.BOX).tobytes()
        if self._profile and seconds < 2 * _EVERY:
            self._sweeps.append(shift_of(self._profile, profile) / _PROFILE / seconds)
        self._profile = profile

    def _edge_width(self, frame: VideoFrame) -> float:
        if self._sharpness is None:
            self._sharpness = _edge_graph(frame)
        self._sharpness.vpush(frame)
        return float(self._sharpness.vpull().metadata["lavfi.blur"])

    def measures(self) -> ClipMeasures:
        if not self._changes:
            return ClipMeasures(fault="has no frames")
        moving = [change for change in self._changes[1:] if change < BORDER]
        motion = sum(moving) / len(moving) if moving else 0.0
        crop = without_bars(self._brightest) if self._brightest else None
        last = len(self._looks) - 1
        return ClipMeasures(
            cuts=tuple(self._cuts),
            black=round(self._black.most, 2),
            still=round(self._still.most, 2),
            motion=round(motion, 2),
            blur=round(sum(self._blurs) / len(self._blurs), 2) if self._blurs else None,
            bars=(crop.width, crop.height) if crop else None,
            sweep=round(sum(self._sweeps) / len(self._sweeps), 3) if self._sweeps else 0.0,
            looks=tuple(self._looks[number] for number in (0, last // 2, last)),
            palette=self._palette,
            marks=_marks(self._edges) if self._edges and motion >= _MOVES and not crop else "",
        )


class _Longest:
    """The longest time for which something holds without a break."""

    def __init__(self) -> None:
        self.most = 0.0
        self._since: float | None = None

    def add(self, at: float, *, holds: bool) -> None:
        if not holds:
            self._since = None
            return
        self._since = at if self._since is None else self._since
        self.most = max(self.most, at - self._since)


def likeness_hash(picture: Image.Image) -> int:
    """dHash: 64 bits, of which each says whether the picture grows brighter there to the right."""
    values = picture.resize(_HASH, Image.Resampling.BOX).tobytes()
    columns, rows = _HASH
    bits = 0
    for row in range(rows):
        for column in range(columns - 1):
            at = row * columns + column
            bits = bits << 1 | (values[at] < values[at + 1])
    return bits


def palette_of(reformatter: VideoReformatter, frame: VideoFrame) -> str:
    """The colours of a frame, in three rows of three."""
    size = small_size(frame.width, frame.height)
    plane = reformatter.reformat(frame, *size, "rgb24").planes[0]
    picture = Image.frombuffer("RGB", size, bytes(plane), "raw", "RGB", plane.line_size, 1)
    return picture.resize((3, 3), Image.Resampling.BOX).tobytes().hex()


def shift_of(before: bytes, after: bytes) -> int:
    """By how many columns the picture went to the right; 0 where no shift explains the difference well."""
    size = len(before)

    def unlike(shift: int) -> float:
        shared = range(max(0, shift), min(size, size + shift))
        return sum(abs(after[at] - before[at - shift]) for at in shared) / len(shared)

    stays = unlike(0)
    best = min(range(-_FARTHEST, _FARTHEST + 1), key=lambda shift: (unlike(shift), abs(shift)))
    return best if unlike(best) < 0.6 * stays else 0


def _edge_graph(frame: VideoFrame) -> Graph:
    graph = Graph()
    factor = min(1.0, _SHARP_SIDE / max(frame.width, frame.height))
    size = [max(2, round(side * factor / 2) * 2) for side in (frame.width, frame.height)]
    base = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={frame.time_base}"
    chain = [
        graph.add("buffer", f"{base}:colorspace={int(frame.colorspace)}:range={int(frame.color_range)}"),
        graph.add("scale", f"{size[0]}:{size[1]}:flags=area"),
        graph.add("format", "gray"),
        graph.add("blurdetect"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*chain).configure()
    return graph


def _marks(edges: Image.Image) -> str:
    """The grid's cells that have an edge in all frames."""
    cells = edges.point(lambda value: 255 if value >= _EDGE else 0).resize(GRID, Image.Resampling.BOX)
    bits = 0
    for value in cells.tobytes():
        bits = bits << 1 | (value > 60)
    return f"{bits:x}" if bits else ""
