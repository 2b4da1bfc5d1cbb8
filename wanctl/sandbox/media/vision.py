"""Pictures and clips in a chat: their size, main colours and length, and the caption made of them.

Nothing is fetched. Three things are understood in the text of a request: a template with `[placeholders]`, a
phrase in quotation marks that the caption must include, and the sentence of the trigger ("Then …").
"""

import base64
import binascii
import hashlib
import io
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

import av
from PIL import Image, ImageChops, ImageStat

LARGEST = 20 * 1024 * 1024
FRAMES_A_SECOND = 2  # a list of frames is taken for a clip of this rate
_COMPARED = 64  # pixels to a side of two pictures that are compared
_PATCH = 32  # pixels to a side of what counts as one token
_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
_COLOURS = {
    "black": (16, 16, 16),
    "grey": (128, 128, 128),
    "white": (240, 240, 240),
    "red": (200, 40, 40),
    "orange": (230, 140, 40),
    "yellow": (230, 220, 70),
    "green": (60, 150, 60),
    "teal": (30, 130, 130),
    "blue": (50, 90, 200),
    "navy": (25, 35, 90),
    "purple": (120, 60, 160),
    "pink": (235, 150, 180),
    "brown": (110, 70, 40),
    "beige": (220, 200, 170),
}


class UnreadableMediaError(Exception):
    """The given media cannot be opened; the message is the service's."""


@dataclass(frozen=True)
class Sight:
    """One picture, or the first frame of a clip, which has a length. No size: an address, not looked at."""

    width: int
    height: int
    colour: str
    edge: str  # the colour along its borders
    seconds: float | None = None
    moved: float = 0.0  # from the first frame to the last, as a share of the whole range

    @property
    def tokens(self) -> int:
        """The tokens that looking at it is billed: patches of 32 pixels, for a clip one picture a second."""
        patches = math.ceil(self.width / _PATCH) * math.ceil(self.height / _PATCH)
        return patches * max(1, round(self.seconds or 1))


def picture(url: str) -> Sight:
    """The image at a data: address."""
    if _elsewhere(url):
        return _imagined(url)
    try:
        with Image.open(io.BytesIO(_inline(url, "image"))) as opened:
            return _sight(opened.convert("RGB"))
    except _UNREADABLE as error:
        raise UnreadableMediaError("The image format is illegal and cannot be opened") from error


def clip(url: str) -> Sight:
    """The first frame of the MP4 at a data: address, and its length."""
    if _elsewhere(url):
        return replace(_imagined(url), seconds=0.0)
    try:
        with av.open(io.BytesIO(_inline(url, "video")), "r", format="mp4") as container:
            still: Image.Image = next(container.decode(video=0)).to_image()  # type: ignore[no-untyped-call]  # PyAV has no types here
            return replace(_sight(still), seconds=(container.duration or 0) / 1_000_000)
    except (av.error.FFmpegError, IndexError, StopIteration, ValueError) as error:
        raise UnreadableMediaError("The video format is illegal and cannot be opened") from error


def frames(urls: list[str]) -> Sight:
    """A clip given frame by frame."""
    length = len(urls) / FRAMES_A_SECOND
    return replace(picture(urls[0]), seconds=length, moved=_changed(urls[0], urls[-1]))


def _changed(first: str, last: str) -> float:
    """The mean difference of two pictures' pixels; none between addresses, which are not looked at."""
    if _elsewhere(first) or _elsewhere(last):
        return 0.0
    try:
        stills = []
        for url in (first, last):
            with Image.open(io.BytesIO(_inline(url, "image"))) as opened:
                stills.append(opened.convert("L").resize((_COMPARED, _COMPARED), Image.Resampling.BOX))
    except _UNREADABLE as error:
        raise UnreadableMediaError("The image format is illegal and cannot be opened") from error
    return float(ImageStat.Stat(ImageChops.difference(*stills)).mean[0]) / 255


def _elsewhere(url: str) -> bool:
    if url.startswith(("http://", "https://")):
        return True
    if url.startswith("data:"):
        return False
    raise UnreadableMediaError(f"The address is invalid: {url[:60]}")


def _imagined(url: str) -> Sight:
    """Colours that the address alone decides, so that two addresses read differently."""
    names, digest = list(_COLOURS), hashlib.sha256(url.encode()).digest()
    return Sight(0, 0, names[digest[0] % len(names)], names[digest[1] % len(names)])


def _inline(url: str, family: str) -> bytes:
    head, _, text = url.partition(",")
    if not head.startswith(f"data:{family}/") or not head.endswith(";base64"):
        raise UnreadableMediaError(f"It has to be given as data:{family}/…;base64,…")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableMediaError("The base64 is broken") from error
    if len(data) > LARGEST:
        raise UnreadableMediaError("The file is larger than 20 MB")
    return data


def _sight(image: Image.Image) -> Sight:
    width, height = image.size
    small = image.resize((8, 8), Image.Resampling.BOX)
    edge = small.crop((0, 0, 8, 1)).resize((1, 1), Image.Resampling.BOX)
    return Sight(width, height, _name(small.resize((1, 1), Image.Resampling.BOX)), _name(edge))


def _name(dot: Image.Image) -> str:
    """The nearest colour that has a name."""
    red, green, blue = dot.tobytes()

    def distance(name: str) -> int:
        known = _COLOURS[name]
        return (red - known[0]) ** 2 + (green - known[1]) ** 2 + (blue - known[2]) ** 2

    return min(_COLOURS, key=distance)


_TEMPLATE = re.compile(r"template\s*:\s*(?P<it>.+?)(?=\n|Requirements?\s*:|Example\s*:|\Z)", re.IGNORECASE)
_PHRASE = re.compile(r"phrase\s*[“\"](?P<it>[^“”\"]+)[“”\"]", re.IGNORECASE)
_TRIGGER = re.compile(r"\bThen [^.\n\"“”]+\.")
_PLACEHOLDER = re.compile(r"(?P<before>(?:^|\. ?)?)\[(?P<what>[^\]]+)\]")


def caption(text: str, sights: list[Sight]) -> str:
    """One caption for everything that was shown."""
    if not sights:
        return "There is no picture to describe."
    sight = sights[0]
    if (template := _TEMPLATE.search(text)) and "[" in template["it"]:
        return _filled(template["it"].strip(), sight)
    scene = f"The video begins showing {_subject(sight)}. The background is {_background(sight)}."
    if phrase := _PHRASE.search(text):
        return f"{scene} {phrase['it'].strip()}"
    if trigger := _TRIGGER.search(text):
        return f"{scene} {trigger[0]}"
    return f"{scene} Then {_motion(sight)}."


def filled(text: str, file: Path) -> str | None:
    """The template of a text, filled from an image; None where there is no template or no such image."""
    template = _TEMPLATE.search(text)
    pattern = (template["it"] if template else text).strip()
    if not _PLACEHOLDER.search(pattern):
        return None
    try:
        with Image.open(file) as opened:
            return _filled(pattern, _sight(opened.convert("RGB")))
    except _UNREADABLE:
        return None


def _filled(template: str, sight: Sight) -> str:
    def words(found: re.Match[str]) -> str:
        said, before = _said_of(found["what"].lower(), sight), found["before"]
        opens = before or found.start() == 0
        return before + (said[0].upper() + said[1:] if opens else said)

    return _PLACEHOLDER.sub(words, template)


def _said_of(what: str, sight: Sight) -> str:
    if "background" in what or "environment" in what:
        return _background(sight)
    return _motion(sight) if "motion" in what or "action" in what else _subject(sight)


def _subject(sight: Sight) -> str:
    if not sight.width:
        return f"a still of something {sight.colour}"
    return f"a still of something {sight.colour}, {_shape(sight)}, {sight.width} by {sight.height} pixels"


def _shape(sight: Sight) -> str:
    if sight.width == sight.height:
        return "square"
    return "wide" if sight.width > sight.height else "upright"


def _background(sight: Sight) -> str:
    return f"{sight.edge} along the upper edge"


def _motion(sight: Sight) -> str:
    span = f" for {sight.seconds:.1f} seconds" if sight.seconds else ""
    return f"the {sight.colour} slowly comes closer{span}"
