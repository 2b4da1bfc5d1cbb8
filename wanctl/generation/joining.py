"""Videos put one after the other, and the last picture of one. Packets are copied where all are alike. In a
child process: `extending` asks for it.
"""

import io
from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from typing import Any, BinaryIO

import av
from av.container import InputContainer, OutputContainer

from wanctl.decoding.child import TooMuchError
from wanctl.decoding.opening import opened_clip


def last_job(files: Sequence[BinaryIO], *, demuxer: str) -> tuple[None, list[bytes]]:
    """The last frame as a PNG, which is the same bytes for the same video."""
    frame: Any = None
    with opened_clip(files[0], demuxer) as container:
        for found in container.decode(video=0):
            frame = found
    if frame is None:
        raise TooMuchError("has no pictures")
    out = io.BytesIO()
    frame.to_image().save(out, "PNG")
    return None, [out.getvalue()]


def join_job(files: Sequence[BinaryIO], *, demuxers: Sequence[str]) -> bool:
    """One video of several, into the last of the files; whether it was copied as it is, and not encoded anew.

    A sound is kept where all have one of the same kind.
    """
    *parts, destination = files
    destination.truncate(0)
    with ExitStack() as opened:
        containers = [
            opened.enter_context(opened_clip(part, demuxer))
            for part, demuxer in zip(parts, demuxers, strict=True)
        ]
        alike = len({_looks(container) for container in containers}) == 1
        sounds = {_sound(container) for container in containers}
        with av.open(destination, "w", format="mp4") as out:
            _Joining(out, containers, copied=alike, sounding=len(sounds) == 1 and None not in sounds).run()
        destination.flush()
    return alike


def _looks(container: InputContainer) -> tuple[object, ...]:
    codec = container.streams.video[0].codec_context
    return codec.name, codec.width, codec.height, codec.pix_fmt, bytes(codec.extradata or b"")


def _sound(container: InputContainer) -> tuple[object, ...] | None:
    if not container.streams.audio:
        return None
    codec = container.streams.audio[0].codec_context
    return codec.name, codec.sample_rate, codec.layout.name, bytes(codec.extradata or b"")


class _Joining:
    """The way of the packets from the parts to the whole. Times are counted in seconds."""

    def __init__(
        self, out: OutputContainer, parts: Sequence[InputContainer], *, copied: bool, sounding: bool
    ) -> None:
        self._out, self._parts, self._copied = out, parts, copied
        first = parts[0].streams.video[0]
        if copied:
            self._video: Any = out.add_stream_from_template(first)
        else:
            self._video = out.add_stream("libx264", rate=first.average_rate or Fraction(30))
            codec = first.codec_context
            self._video.width, self._video.height, self._video.pix_fmt = codec.width, codec.height, "yuv420p"
            self._video.options = {"crf": "16"}
        self._audio: Any = out.add_stream_from_template(parts[0].streams.audio[0]) if sounding else None
        self._frames = 0
        self._heard = Fraction(-1)  # when the last sound packet was due

    def run(self) -> None:
        start = Fraction(0)
        for part in self._parts:
            start = self._add(part, start)
        if not self._copied:
            self._out.mux(self._video.encode())

    def _add(self, part: InputContainer, start: Fraction) -> Fraction:
        """Where the next part begins: the longer of picture and sound would drift, so the picture counts."""
        streams = [part.streams.video[0], *(part.streams.audio[:1] if self._audio else ())]
        end = start
        for packet in part.demux(*streams):
            if packet.dts is None:
                continue
            base = packet.time_base or Fraction(1, 1000)
            if packet.stream.type == "video":
                end = max(end, start + ((packet.pts or 0) + (packet.duration or 0)) * base)
            if packet.stream.type == "video" and not self._copied:
                self._encode(packet)
                continue
            shift = round(start / base)
            if packet.stream.type == "audio":
                due = (packet.dts + shift) * base
                if due <= self._heard:
                    continue  # a coder's lead-in, which the end of the part before fills already
                self._heard = due
            packet.pts = None if packet.pts is None else packet.pts + shift
            packet.dts += shift
            packet.stream = self._video if packet.stream.type == "video" else self._audio
            self._out.mux(packet)
        if not self._copied:
            for frame in part.streams.video[0].codec_context.decode(None):
                self._put(frame)
        return end

    def _encode(self, packet: Any) -> None:
        for frame in packet.decode():
            self._put(frame)

    def _put(self, frame: Any) -> None:
        whole = frame.reformat(self._video.width, self._video.height, "yuv420p")
        whole.pts, whole.time_base = self._frames, 1 / Fraction(self._video.codec_context.framerate)
        self._frames += 1
        self._out.mux(self._video.encode(whole))
