"""Files: are they there that data.jsonl names, are they what it says, and do the clips go together?"""

import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath

from wanctl.dataset.contents import ANNOTATIONS, DatasetFacts, Media, MediaKind, Sample
from wanctl.finding import Finding, Place
from wanctl.rules import Rule

_MOST_ADVICE = 50  # looking for a near miss takes a while among many members
_MOST_NAMED = 4
_GB = 10**9
_GIB = 2**30
_LARGEST_SIDE = 4096
_FORMATS = {MediaKind.IMAGE: ("BMP", "JPEG", "PNG", "WEBP"), MediaKind.VIDEO: ("MP4", "MOV")}
_FAR_APART = 2.0  # times as long, or as wide for its height
_FAR_APART_SECONDS = 2.0
_FEW = 0.2  # of all clips: so few portraits among landscapes are learnt badly
_SAME_ASPECT = 0.05
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9]+)?")


def check_files(facts: DatasetFacts) -> Iterator[Finding]:
    """Everything about files that is known without what the dataset is for."""
    for check in (_paths, _roles, _media, _unused, _names, _twice, _too_large):
        yield from check(facts)


def _paths(facts: DatasetFacts) -> Iterator[Finding]:
    """Every path leads to a member; one that cannot is told why."""
    advised = 0
    for sample in facts.samples:
        for path in sample.references:
            if path in facts.by_name:
                continue
            rule, why, remedy = Rule.MISSING_FILE, "is not there", None
            if odd := _odd_path(path):
                rule, why = odd
            if advised < _MOST_ADVICE and (near := near_miss(path, facts.by_name)):
                remedy = f"did you mean {near}?"
                advised += 1
            elif rule is Rule.UNSAFE_PATH:
                remedy = "write it relative to data.jsonl, with /"
            yield Finding.error(
                rule, f"names {path}, which {why}", place=Place(ANNOTATIONS, sample.line), hint=remedy
            )


def _odd_path(path: str) -> tuple[Rule, str] | None:
    if "\\" in path:
        return Rule.UNSAFE_PATH, "has backslashes"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return Rule.UNSAFE_PATH, "is absolute" if "://" not in path else "is a URL"
    if "://" in path:
        return Rule.UNSAFE_PATH, "is a URL"
    if ".." in PurePosixPath(path).parts:
        return Rule.UNSAFE_PATH, "leads out of the dataset"
    return None


def near_miss(reference: str, members: Collection[str]) -> str | None:
    """The member that was probably meant: the same but for its spelling, suffix or folder, or much alike."""
    wanted = PurePosixPath(reference.replace("\\", "/"))
    alike = (
        lambda name: PurePosixPath(name) == wanted,
        lambda name: name.lower() == reference.lower(),
        lambda name: PurePosixPath(name).with_suffix("") == wanted.with_suffix("") if wanted.name else False,
        lambda name: PurePosixPath(name).name.lower() == wanted.name.lower(),
    )
    names = sorted(members)
    for same in alike:
        if found := next((name for name in names if same(name)), None):
            return found
    close = difflib.get_close_matches(reference, names, n=3, cutoff=0.8)
    return next((name for name in close if _numbers(name) == _numbers(reference)), None)


def _numbers(name: str) -> list[int]:
    """image_03 is not image_04 misspelt, but it may be image_3."""
    return [int(digits) for digits in re.findall(r"[0-9]+", name)]


def _roles(facts: DatasetFacts) -> Iterator[Finding]:
    """A frame is an image and a clip is a video, by their bytes."""
    for sample in facts.samples:
        for path, wanted in _wanted_kinds(sample):
            if path not in facts.by_name:
                continue
            found = facts.media.get(path)
            if found is None:
                what = "is neither an image nor a video, by its content"
            elif found.kind is not wanted:
                what = f"is {'a video' if found.kind is MediaKind.VIDEO else 'an image'}, by its content"
            else:
                continue
            formats = ", ".join(_FORMATS[wanted])
            yield Finding.error(
                Rule.WRONG_MEDIA,
                f"{what}; {ANNOTATIONS}:{sample.line} has it as {wanted.value}",
                place=Place(path),
                hint=f"{formats} are taken",
            )


def _wanted_kinds(sample: Sample) -> Iterator[tuple[str, MediaKind]]:
    for frame in sample.frames:
        yield frame, MediaKind.IMAGE
    if sample.video:
        yield sample.video, MediaKind.VIDEO


def _media(facts: DatasetFacts) -> Iterator[Finding]:
    """Formats, sizes and soundness of what the samples name."""
    for path in sorted({path for sample in facts.samples for path in sample.references}):
        media = facts.media.get(path)
        if media is None:
            continue
        taken = _FORMATS[media.kind]
        if media.format not in taken:
            kind = "images" if media.kind is MediaKind.IMAGE else "clips"
            yield Finding.error(
                Rule.FORMAT,
                f"is {media.format}, by its content; {kind} are {', '.join(taken)}",
                place=Place(path),
                hint=f"convert it to {'PNG or JPEG' if media.kind is MediaKind.IMAGE else 'MP4'}",
            )
        elif media.fault:
            yield Finding.error(
                Rule.UNREADABLE_MEDIA, media.fault, place=Place(path), hint="export or copy it again"
            )
        elif max(media.width, media.height) > _LARGEST_SIDE:
            yield Finding.error(
                Rule.TOO_MANY_PIXELS,
                f"has {media.width}×{media.height} pixels; {_LARGEST_SIDE}×{_LARGEST_SIDE} are the most",
                place=Place(path),
                hint="scale it down; training shrinks it to max_pixels anyway",
            )


def _unused(facts: DatasetFacts) -> Iterator[Finding]:
    unused = facts.unused
    if unused and facts.samples:
        yield Finding.warning(
            Rule.UNUSED_FILES,
            f"no line of {ANNOTATIONS} uses {listed(unused)}: uploaded, and trained on by nobody",
            hint="add a line for it, take it out, or exclude it",
        )


def _names(facts: DatasetFacts) -> Iterator[Finding]:
    odd = [
        member.name
        for member in facts.members
        if not all(_PLAIN_NAME.fullmatch(part) for part in PurePosixPath(member.name).parts)
    ]
    if odd:
        yield Finding.warning(
            Rule.ODD_NAMES,
            f"{listed(odd)}: names beyond English letters, digits, _ and - are advised against",
            hint="rename it, here and in data.jsonl",
        )


def _twice(facts: DatasetFacts) -> Iterator[Finding]:
    by_content = defaultdict(list)
    for member in facts.members:
        if facts.media.get(member.name):
            by_content[member.sha256].append(member.name)
    for names in by_content.values():
        if len(names) > 1:
            yield Finding.warning(
                Rule.SAME_MEDIA,
                f"{listed(names)} are the same, byte for byte: more weight, and nothing new to learn",
                place=Place(names[1]),
                hint="keep one of them",
                about=map(Place, names),
            )


def _too_large(facts: DatasetFacts) -> Iterator[Finding]:
    if facts.archive_size > _GIB:
        size = f"{facts.archive_size / _GB:.2f} GB"
        remedy = "scale the clips down or take some out"
        yield Finding.error(
            Rule.TOO_LARGE, f"the archive has {size}; the service takes 1 GB at most", hint=remedy
        )
    elif facts.archive_size > _GB:
        message = "the archive has a little more than 1 GB, which the service may not take"
        yield Finding.warning(Rule.TOO_LARGE, message)


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more."""
    shown = ", ".join(names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more"


def check_clips(facts: DatasetFacts) -> Iterator[Finding]:
    """Whether the clips go together, and each begins with its first frame. The service takes them anyway."""
    yield from _lengths(facts)
    yield from _aspects(facts)
    yield from _frames(facts)


def _clips(facts: DatasetFacts) -> dict[str, Media]:
    """The sound clips that samples use."""
    used = dict.fromkeys(sample.video for sample in facts.samples if sample.video)
    clips = {name: facts.media[name] for name in used if name in facts.media}
    return {name: clip for name, clip in clips.items() if clip.seconds and clip.aspect and not clip.fault}


def _lengths(facts: DatasetFacts) -> Iterator[Finding]:
    lengths = {name: clip.seconds for name, clip in _clips(facts).items() if clip.seconds}
    if not lengths:
        return
    short, long = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
    least, most = lengths[short], lengths[long]
    if most > least * _FAR_APART and most - least > _FAR_APART_SECONDS:
        yield Finding.warning(
            Rule.UNEVEN_LENGTHS,
            f"{long} lasts {most:.1f} s and {short} {least:.1f} s: an effect is learnt at one speed",
            hint="cut the clips to about one length",
            about=map(Place, (short, long)),
        )


def _aspects(facts: DatasetFacts) -> Iterator[Finding]:
    clips = _clips(facts)
    upright = [name for name, clip in clips.items() if clip.height > clip.width]
    lying = [name for name in clips if name not in set(upright)]
    few = min(upright, lying, key=len)
    if few and len(few) < _FEW * len(clips):
        what = "upright" if few is upright else "lying"
        yield Finding.warning(
            Rule.UNEVEN_ASPECTS,
            f"only {len(few)} of {len(clips)} clips {'is' if len(few) == 1 else 'are'} {what} "
            f"({listed(few)}): what is rare is learnt badly",
            hint=f"add more {what} clips, or leave these out",
            about=map(Place, few),
        )
    aspects = {name: clip.aspect for name, clip in clips.items() if clip.aspect}
    if not aspects:
        return
    narrow, wide = min(aspects, key=aspects.__getitem__), max(aspects, key=aspects.__getitem__)
    if not few and aspects[wide] > aspects[narrow] * _FAR_APART:
        sizes = f"{clips[wide].width}×{clips[wide].height} and {clips[narrow].width}×{clips[narrow].height}"
        yield Finding.warning(
            Rule.UNEVEN_ASPECTS,
            f"{wide} and {narrow} are of very different shapes: {sizes}",
            hint="crop them towards one another, or add clips between",
            about=map(Place, (wide, narrow)),
        )


def _frames(facts: DatasetFacts) -> Iterator[Finding]:
    for sample in facts.samples:
        frame, clip = facts.media.get(sample.first_frame or ""), facts.media.get(sample.video or "")
        if not frame or not clip or not frame.aspect or not clip.aspect:
            continue
        if abs(frame.aspect / clip.aspect - 1) > _SAME_ASPECT:
            yield Finding.warning(
                Rule.FRAME_AND_CLIP,
                f"{sample.first_frame} has {frame.width}×{frame.height} pixels and {sample.video} "
                f"{clip.width}×{clip.height}: a first frame has the shape of its clip",
                hint="take the first frame from the clip itself",
                place=Place(ANNOTATIONS, sample.line),
            )
