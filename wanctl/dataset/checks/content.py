"""Checks of what is to be seen in the clips: scenes, black, stillness, blur, bars, logos, likeness.

Advice: numbers say where to look, not what is right for an effect. Each finding has its number and threshold.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from wanctl.base.words import counted
from wanctl.dataset.checks.files import listed
from wanctl.dataset.clip_measures import GRID, ClipMeasures
from wanctl.dataset.contents import DatasetFacts, Media
from wanctl.dataset.thresholds import ContentThresholds
from wanctl.finding import Finding, Place, Severity
from wanctl.rules import Rule

_FEWEST = 4  # clips of which something can be said together
_MOST_COMPARED = 2000
_MOSTLY = 0.8  # of a clip's length
_OTHER_COLOURS = 16  # of 255, the mean difference of two first frames in three rows of three
_FAR_SMALLER = 4.0  # times as many pixels


@dataclass(frozen=True)
class _Clip:
    name: str
    media: Media
    measures: ClipMeasures


def check_content(
    facts: DatasetFacts, measures: Mapping[str, ClipMeasures], thresholds: ContentThresholds
) -> Iterator[Finding]:
    """Everything that the measures of a dataset's clips, given by sha256, are worth a word for."""
    clips = [
        _Clip(name, facts.media[name], measures[sha256])
        for name, sha256 in viewed_clips(facts).items()
        if sha256 in measures and not measures[sha256].fault
    ]
    for clip in clips:
        for check in (_cuts, _black, _stillness, _blur, _bars):
            yield from check(clip, thresholds)
    for together in _TOGETHER:
        yield from together(clips, thresholds)


def viewed_clips(facts: DatasetFacts) -> dict[str, str]:
    """The sound clips that samples use, with the hash of their content."""
    used = dict.fromkeys(sample.video for sample in facts.samples if sample.video)
    sound = (name for name in used if name in facts.media and not facts.media[name].fault)
    return {name: facts.by_name[name].sha256 for name in sound if facts.media[name].seconds}


def _advice(
    rule: Rule, message: str, hint: str, name: str | None = None, about: Iterable[str] = ()
) -> Finding:
    place = Place(name) if name else None
    return Finding(
        Severity.ADVICE, message, hint=hint, place=place, about=tuple(map(Place, about)), rule=rule
    )


def _cuts(clip: _Clip, thresholds: ContentThresholds) -> Iterator[Finding]:
    cuts = [(at, score) for at, score in clip.measures.cuts if score >= thresholds.scene_score]
    if cuts:
        at, score = cuts[0]
        yield _advice(
            Rule.SCENE_CUT,
            f"has {counted(len(cuts), 'scene cut')}, the first at {at:.1f} s "
            f"(score {score:.0f}; {thresholds.scene_score:g} is a cut)",
            "cut it there: a clip is one scene",
            clip.name,
        )


def _black(clip: _Clip, thresholds: ContentThresholds) -> Iterator[Finding]:
    if clip.measures.black >= thresholds.black_seconds:
        yield _advice(
            Rule.BLACK_STRETCH,
            f"is black for {clip.measures.black:.2f} s ({thresholds.black_seconds:g} s are too much)",
            "cut it off",
            clip.name,
        )


def _stillness(clip: _Clip, thresholds: ContentThresholds) -> Iterator[Finding]:
    still, motion, seconds = clip.measures.still, clip.measures.motion, clip.media.seconds or 0
    if motion < thresholds.motion or still >= _MOSTLY * seconds:
        yield _advice(
            Rule.LITTLE_MOTION,
            f"hardly moves: {motion:.2f} of 100 from frame to frame ({thresholds.motion:g} is little)",
            "take it out, unless stillness is the effect",
            clip.name,
        )
    elif still >= thresholds.still_seconds:
        yield _advice(
            Rule.STILL_STRETCH,
            f"stands still for {still:.1f} s ({thresholds.still_seconds:g} s are long)",
            "cut that off",
            clip.name,
        )


def _blur(clip: _Clip, thresholds: ContentThresholds) -> Iterator[Finding]:
    blur = clip.measures.blur
    if blur is not None and blur >= thresholds.edge_width:
        yield _advice(
            Rule.BLURRED,
            f"is blurred: its edges are {blur:.1f} pixels wide ({thresholds.edge_width:g} are too much)",
            "take a sharper one, unless the blur is the effect",
            clip.name,
        )


def _bars(clip: _Clip, _: ContentThresholds) -> Iterator[Finding]:
    if clip.measures.bars:
        width, height = clip.measures.bars
        whole = f"{clip.media.width}×{clip.media.height}"
        yield _advice(
            Rule.BLACK_BARS,
            f"has black bars: {width}×{height} of its {whole} pixels show something",
            "crop it; wanctl dataset prepare does",
            clip.name,
        )


def _marks(clips: Sequence[_Clip], thresholds: ContentThresholds) -> Iterator[Finding]:
    """Cells in which edges stand still in most of the clips that move."""
    marked = [(clip.name, int(clip.measures.marks, 16)) for clip in clips if clip.measures.marks]
    if len(marked) < _FEWEST:
        return
    columns, rows = GRID
    written = [f"{bits:0{columns * rows}b}"[::-1] for _, bits in marked]
    counts = [column.count("1") for column in map("".join, zip(*written, strict=True))]
    cells = [cell for cell, count in enumerate(counts) if count >= thresholds.marked * len(marked)]
    if len(cells) < 2:
        return
    most = max(counts[cell] for cell in cells)
    places = [divmod(columns * rows - 1 - cell, columns) for cell in cells]
    where = _spell_place(
        sum(column for _, column in places) / len(places) / columns,
        sum(row for row, _ in places) / len(places) / rows,
    )
    yield _advice(
        Rule.STANDING_MARK,
        f"something stands still {where} in {most} of {len(marked)} clips that move, as a logo or a text "
        f"does ({thresholds.marked:.0%} are too many)",
        "take it out of the pictures, or crop them: the model learns it with the effect",
        about=(name for name, bits in marked if any(bits >> cell & 1 for cell in cells)),
    )


def _spell_place(across: float, down: float) -> str:
    side = "left" if across < 1 / 3 else "right" if across > 2 / 3 else ""
    height = "at the top" if down < 1 / 3 else "at the bottom" if down > 2 / 3 else "in the middle"
    return f"{height} {side}".strip()


def _alike(clips: Sequence[_Clip], thresholds: ContentThresholds) -> Iterator[Finding]:
    """Clips that look alike from begin to end, though their bytes differ."""
    for first, *others in _groups(clips, thresholds.likeness):
        apart = {clip.name: _differ(first, clip) for clip in others}
        names = [first.name, *(name for name, bits in apart.items() if bits <= thresholds.likeness)]
        if len(names) == 1:
            continue
        most = max(apart[name] for name in names[1:])
        yield _advice(
            Rule.NEAR_DUPLICATE,
            f"{listed(names)} look nearly the same ({most} of 64 bits differ; {thresholds.likeness} are few)",
            "keep one of them",
            names[1],
            about=names,
        )


def _subjects(clips: Sequence[_Clip], thresholds: ContentThresholds) -> Iterator[Finding]:
    """Do most clips begin with one picture?"""
    if len(clips) < _FEWEST:
        return
    largest = max(_groups(clips, thresholds.likeness), key=len, default=[])
    if len(largest) > thresholds.one_subject * len(clips):
        yield _advice(
            Rule.FEW_SUBJECTS,
            f"{len(largest)} of {len(clips)} clips begin with nearly the same picture "
            f"({listed([clip.name for clip in largest])}); {thresholds.one_subject:.0%} are many",
            "add other subjects and scenes: what all clips share is learnt as a part of the effect",
            about=(clip.name for clip in largest),
        )


def _differ(one: _Clip, other: _Clip) -> int:
    """The bits by which the first, the middle or the last frames differ, whichever do most."""
    pairs = zip(one.measures.looks, other.measures.looks, strict=False)
    return max((a ^ b).bit_count() for a, b in pairs)


def _other_colours(one: _Clip, other: _Clip) -> bool:
    """A dHash knows light and dark only: of plain pictures it says little."""
    colours = (bytes.fromhex(one.measures.palette), bytes.fromhex(other.measures.palette))
    apart = [abs(a - b) for a, b in zip(*colours, strict=False)]
    return bool(apart) and sum(apart) / len(apart) > _OTHER_COLOURS


def _groups(clips: Sequence[_Clip], likeness: int) -> list[list[_Clip]]:
    """Clips that begin as the first of their group does. Most pairs are told apart by their bits alone."""
    left = [(clip.measures.looks[0], clip) for clip in clips[:_MOST_COMPARED] if clip.measures.looks]
    found = []
    while left:
        (look, first), *others = left
        near = [clip for other, clip in others if (look ^ other).bit_count() <= likeness]
        group = [first, *(clip for clip in near if not _other_colours(first, clip))]
        taken = {clip.name for clip in group}
        left = [one for one in others if one[1].name not in taken] if len(group) > 1 else others
        if len(group) > 1:
            found.append(group)
    return found


def _directions(clips: Sequence[_Clip], thresholds: ContentThresholds) -> Iterator[Finding]:
    right = [clip.name for clip in clips if clip.measures.sweep >= thresholds.sweep]
    left = [clip.name for clip in clips if clip.measures.sweep <= -thresholds.sweep]
    few, many = sorted((right, left), key=len)
    if not few or len(few) + len(many) < _FEWEST:
        return
    ways = ("right", "left") if few is right else ("left", "right")
    fastest = max(abs(clip.measures.sweep) for clip in clips if clip.name in few)
    yield _advice(
        Rule.MIXED_DIRECTIONS,
        f"{counted(len(few), 'clip moves', 'clips move')} to the {ways[0]} ({listed(few)}, up to "
        f"{fastest:.2f} widths a second) and {len(many)} to the {ways[1]}; "
        f"{thresholds.sweep:g} is a direction",
        "if the direction belongs to the effect, keep one: mirror the others or take them out",
        about=few,
    )


def _sizes(clips: Sequence[_Clip], thresholds: ContentThresholds) -> Iterator[Finding]:
    if len(clips) < _FEWEST:
        return
    pixels = {clip.name: clip.media.width * clip.media.height for clip in clips}
    usual = median(pixels.values())
    odd = [name for name, count in pixels.items() if not usual / _FAR_SMALLER < count < usual * _FAR_SMALLER]
    if odd and len(odd) <= thresholds.minority * len(clips):
        yield _advice(
            Rule.UNEVEN_SIZES,
            f"{counted(len(odd), 'clip has', 'clips have')} {_FAR_SMALLER:g} times more or fewer pixels than "
            f"the others ({listed(odd)}): {len(odd) / len(clips):.0%} of all; "
            f"up to {thresholds.minority:.0%} is rare",
            "add more clips of that size, or leave these out",
            about=odd,
        )


_TOGETHER: tuple[Callable[[Sequence[_Clip], ContentThresholds], Iterator[Finding]], ...] = (
    _marks,
    _alike,
    _subjects,
    _directions,
    _sizes,
)
