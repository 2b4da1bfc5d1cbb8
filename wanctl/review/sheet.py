"""The contact sheet of a review: one picture of all checkpoints beside each other, a row for each input.

A PNG shows a frame of each video; a WebP moves. For terminals with images, notes and artefacts.
"""

from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from wanctl.base.errors import WanctlError
from wanctl.base.files import PUBLIC, beside
from wanctl.base.words import counted
from wanctl.decoding.pictures import decoded_picture
from wanctl.decoding.pool import UndecodableError
from wanctl.review.collecting import Review, Showing, numbered
from wanctl.review.pictures import FRAMES, Filmstrip, frames_of

CELL = (200, 150)
_HEAD, _GAP = 26, 6
_MOST_COLUMNS, _MOST_ROWS = 24, 40
_FRAME_MS = 250
_PAPER, _INK, _SERVES = "#101418", "#e6edf3", "#3fb950"
_SUFFIXES = {".png": "PNG", ".webp": "WEBP"}


class SheetError(WanctlError):
    """A contact sheet that cannot be made."""


def write_sheet(review: Review, drawn: Mapping[str, Filmstrip], destination: Path) -> Path:
    """Draw the sheet; the file's ending says whether it moves."""
    format_ = _SUFFIXES.get(destination.suffix.lower())
    if format_ is None:
        raise SheetError(
            f"{destination.name} is no contact sheet", "name it .png, or .webp for one that moves"
        )
    destination.parent.mkdir(parents=True, exist_ok=True)
    moments = range(FRAMES) if format_ == "WEBP" else (FRAMES * 5 // 8,)
    sheets = [_sheet(review, drawn, moment) for moment in moments]
    with beside(destination, mode=PUBLIC) as partial:
        if format_ == "PNG":
            sheets[0].save(partial, format_, optimize=True)
        else:
            sheets[0].save(
                partial,
                format_,
                save_all=True,
                append_images=sheets[1:],
                duration=_FRAME_MS,
                loop=0,
                quality=70,
            )
    return destination


def _sheet(review: Review, drawn: Mapping[str, Filmstrip], moment: int) -> Image.Image:
    columns, rows = review.candidates[-_MOST_COLUMNS:], review.samples[:_MOST_ROWS]
    wide, tall = CELL
    size = ((len(columns) + 1) * (wide + _GAP) + _GAP, _HEAD + len(rows) * (tall + _GAP) + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    draw.text((_GAP, 5), counted(len(rows), "sample"), fill=_INK, font=font)
    for number, one in enumerate(columns, start=1):
        words = f"{one.label}  serves now" if one.serves else one.label
        draw.text(
            (_GAP + number * (wide + _GAP), 5), _plain(words), fill=_SERVES if one.serves else _INK, font=font
        )
    for row, key in enumerate(rows):
        top = _HEAD + row * (tall + _GAP)
        showings = [dict(numbered(one.showings)).get(key) for one in columns]
        _paste(sheet, _input(showings), (_GAP, top))
        for number, (candidate, showing) in enumerate(zip(columns, showings, strict=True), start=1):
            left = _GAP + number * (wide + _GAP)
            _paste(sheet, _moment(showing, drawn, moment), (left, top))
            if candidate.serves:
                draw.rectangle((left - 2, top - 2, left + wide + 1, top + tall + 1), outline=_SERVES, width=2)
    return sheet


def _plain(text: str) -> str:
    """What the font has letters for, short enough for its column."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)[:26]


def _input(showings: list[Showing | None]) -> Image.Image | None:
    frame = next((one.first_frame for one in showings if one and one.first_frame), None)
    if frame is None:
        return None
    try:
        return decoded_picture(frame.path, CELL)
    except (OSError, UndecodableError):
        return None


def _moment(showing: Showing | None, drawn: Mapping[str, Filmstrip], moment: int) -> Image.Image | None:
    strip = drawn.get(showing.video.digest) if showing and showing.video else None
    return frames_of(strip)[moment] if strip else None


def _paste(sheet: Image.Image, picture: Image.Image | None, place: tuple[int, int]) -> None:
    """The picture in the middle of its cell; an empty one says that there is none."""
    wide, tall = CELL
    ImageDraw.Draw(sheet).rectangle((*place, place[0] + wide - 1, place[1] + tall - 1), fill="#1c2229")
    if picture is None:
        return
    fitted = ImageOps.contain(picture, CELL)
    sheet.paste(fitted, (place[0] + (wide - fitted.width) // 2, place[1] + (tall - fitted.height) // 2))
