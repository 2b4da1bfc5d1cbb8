"""Hostile media: whatever the bytes are, an answer comes, soon, and no exception."""

import io
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dataset.making import clip, image
from tests.examples import examples
from wanctl.dataset.media import TooManyBoxesError, declared_frames, probe

FRAGMENTED = "frag_keyframe+empty_moov"


def probed(content: bytes) -> str | None:
    media = probe(io.BytesIO(content), content[:16], len(content))
    return media.fault if media else "no media"


@pytest.mark.parametrize("movflags", ["", "faststart", FRAGMENTED])
def test_the_frames_of_a_sound_clip_are_counted(movflags: str) -> None:
    content = clip(2.0, movflags=movflags)
    assert declared_frames(io.BytesIO(content), len(content)) == 16
    assert probed(content) is None


@pytest.mark.parametrize(("movflags", "kind", "offset"), [("", b"stsz", 12), (FRAGMENTED, b"trun", 8)])
def test_billions_of_declared_frames_are_not_believed(movflags: str, kind: bytes, offset: int) -> None:
    """Small files that would have FFmpeg make an entry for each of so many frames."""
    content = bytearray(clip(1.0, movflags=movflags))
    at = content.index(kind) + offset
    content[at : at + 4] = b"\x7f\xff\xff\xff"
    assert probed(bytes(content)) == "declares more than 200,000 frames"


def test_endless_boxes_are_not_followed() -> None:
    content = clip() + struct.pack(">I4s", 8, b"free") * 30_000
    with pytest.raises(TooManyBoxesError):
        declared_frames(io.BytesIO(content), len(content))
    assert probed(content) == "cannot be opened as an MP4 or MOV video"


@settings(max_examples=examples(100))
@given(
    seed=st.sampled_from([clip(), clip(movflags="faststart"), clip(movflags=FRAGMENTED), image()]),
    dice=st.randoms(use_true_random=False),
)
def test_damage_is_a_fault_or_nothing(seed: bytes, dice: random.Random) -> None:
    content = bytearray(seed)
    for _ in range(dice.randint(1, 10)):
        at = dice.randrange(len(content))
        content[at : at + 4] = dice.choice([b"\xff" * 4, bytes(4), b"\x80\0\0\0", dice.randbytes(4), b""])
    fault = probed(bytes(content))
    assert fault is None or fault
