"""From which number on the content of clips is worth a word; a Dataset may say others under thresholds:.

Where the number is not our own, it is from FFmpeg 8 (scdet, blackdetect, freezedetect), imagededup (dHash),
or the guide of Model Studio (90/10).
"""

from typing import Annotated

from pydantic import Field

from wanctl.base.values import Model, Number, Positive

Part = Annotated[Number, Field(gt=0, le=1)]
_Above = Annotated[Number, Field(gt=0)]


class ContentThresholds(Model):
    """From which number on something about the content of clips is said."""

    scene_score: Annotated[Number, Field(ge=5, le=100)] = Field(default=10.0, examples=[10])
    """A scene cut: how much a frame differs from the one before, of 100 (FFmpeg's scdet: 10)."""
    black_seconds: _Above = Field(default=0.25, examples=[0.25])
    """A black stretch. A frame is black where 98 % of it is dark, as in FFmpeg's blackdetect."""
    still_seconds: _Above = Field(default=2.0, examples=[2])
    """A stretch in which nothing moves, below -60 dB (FFmpeg's freezedetect: 2 s)."""
    motion: _Above = Field(default=0.1, examples=[0.1])
    """Hardly any motion: the mean change from frame to frame, of 100."""
    edge_width: _Above = Field(default=8.0, examples=[8])
    """Blur: the mean width of edges (FFmpeg's blurdetect), in pixels of a picture 640 wide."""
    likeness: Annotated[Positive, Field(le=32)] = Field(default=10, examples=[10])
    """Alike: so many of the 64 bits of a dHash may differ (imagededup: 10)."""
    minority: Part = Field(default=0.1, examples=[0.1])
    """Out of balance: the part of the clips that are of another size (the guide's 90/10)."""
    marked: Part = Field(default=0.6, examples=[0.6])
    """A logo or text: the part of the clips in which something stands still at the same place."""
    sweep: _Above = Field(default=0.03, examples=[0.03])
    """A direction: the widths a second by which the whole picture moves."""
    one_subject: Part = Field(default=0.5, examples=[0.5])
    """Too few subjects: the part of the clips that begin with nearly the same picture."""
