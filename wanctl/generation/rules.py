"""What is wrong with a request, said before anything is paid: pure, over request, model and media.

What the documents refuse is an error with the words to write; what only may go wrong is a warning.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wanctl.base.words import counted, listed, spell_bytes
from wanctl.dataset.contents import MediaKind
from wanctl.finding import Finding, Severity
from wanctl.generation.inputs import Input, InputFile
from wanctl.generation.modes import (
    EXTENSION_SECONDS,
    FUNCTIONS,
    LARGEST_SEED,
    LARGEST_SOUND,
    LEVEL_OF_SIZE,
    LONGEST_NEGATIVE,
    LONGEST_SOUND,
    MOST_REFERENCE_VIDEOS,
    MOST_REFERENCES,
    SHORTEST_SOUND,
    CalledModel,
    VideoMode,
)
from wanctl.generation.request import VideoRequest
from wanctl.rules import Rule

OPTIONS = {
    "image": "--image FILE",
    "last_image": "--last-image FILE",
    "references": "--reference FILE",
    "prompt": "--prompt TEXT",
    "function": "--function NAME",
    "video": "--video FILE",
    "mask_image": "--mask-image FILE",
    "mask_video": "--mask-video FILE",
    "first_clip": "--first-clip FILE",
    "last_clip": "--last-clip FILE",
    "control_condition": "--control-condition NAME",
    "audio": "--audio FILE",
}
_EDITING_ONLY = (
    "function",
    "video",
    "mask_image",
    "mask_video",
    "mask_frame",
    "mask_type",
    "first_clip",
    "last_clip",
    "control_condition",
    "strength",
    "expand_ratio",
    "expand_mode",
    "top_scale",
    "bottom_scale",
    "left_scale",
    "right_scale",
)
_SPECIAL = ("image", "last_image", "references", *_EDITING_ONLY)
_SIZE = re.compile(r"(\d{2,5})\*(\d{2,5})")
_IMAGE_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
_LEAST_SIDE, _MOST_SIDE = 240, 8000
_MB = 1024 * 1024


@dataclass(frozen=True)
class Asking:
    """One request, for one model, with its media."""

    request: VideoRequest
    called: CalledModel
    inputs: tuple[Input, ...]

    def of(self, field: str) -> tuple[Input, ...]:
        return tuple(one for one in self.inputs if one.field == field)


def problems(request: VideoRequest, called: CalledModel, inputs: Iterable[Input]) -> tuple[Finding, ...]:
    """Everything that is wrong, errors first."""
    asked = Asking(request, called, tuple(inputs))
    checks = (_inputs_needed, _inputs_unused, _editing, _references, _texts, _length, _picture, _numbers)
    found = [one for check in (*checks, _shots, _sound, _files, _clips, _advice) for one in check(asked)]
    return tuple(sorted(found, key=lambda one: one.severity is not Severity.ERROR))


def _error(rule: Rule, message: str, hint: str | None = None) -> Finding:
    return Finding.error(rule, message, hint=hint)


def _named(asked: Asking) -> str:
    tuned = " (tuned)" if asked.called.tuned else ""
    return f"{asked.called.base}{tuned}"


def _inputs_needed(asked: Asking) -> Iterator[Finding]:
    for name in asked.called.needs:
        if name not in asked.request.given or not _written(asked, name):
            needed = (
                f"{_named(asked)} makes a video from {asked.called.facts.says} and needs {_spelled(name)}"
            )
            yield _error(Rule.GENERATE_INPUT, needed, f"write {OPTIONS[name]}, or {name}: in the request")


def _written(asked: Asking, name: str) -> bool:
    return name != "prompt" or bool((asked.request.prompt or "").strip())


def _spelled(name: str) -> str:
    return {"image": "a first frame", "last_image": "a last frame", "references": "references"}.get(
        name, f"a {name.replace('_', ' ')}"
    )


def _inputs_unused(asked: Asking) -> Iterator[Finding]:
    if asked.called.mode is VideoMode.EDITING:
        return
    taken = {*asked.called.facts.needs, *asked.called.facts.takes}
    for name in asked.request.given:
        if name in _SPECIAL and name not in taken:
            yield _error(
                Rule.GENERATE_UNUSED,
                f"{_named(asked)} makes a video from {asked.called.facts.says} and takes no {name}",
                f"leave it out, or call a model for it: {_models_for(name)}",
            )


def _models_for(name: str) -> str:
    if name == "image":
        return "wan2.6-i2v-flash"
    if name == "last_image":
        return "wan2.2-kf2v-flash"
    return "wan2.6-r2v-flash" if name == "references" else "wan2.1-vace-plus"


def _editing(asked: Asking) -> Iterator[Finding]:
    function = asked.request.function
    if asked.called.mode is not VideoMode.EDITING or function is None:
        return
    facts, given = FUNCTIONS[function], set(asked.request.given)
    for name in facts.needs:
        if name not in given:
            yield _error(Rule.GENERATE_INPUT, f"{function} needs {name}", f"write {OPTIONS[name]}")
    if facts.one_of and not given & set(facts.one_of):
        ways = listed((OPTIONS[name] for name in facts.one_of), "or")
        yield _error(
            Rule.GENERATE_INPUT, f"{function} needs one of {', '.join(facts.one_of)}", f"write {ways}"
        )
    taken = {"function", *facts.needs, *facts.takes, *facts.one_of}
    for name in sorted(given & set(_SPECIAL) - taken):
        yield _error(Rule.GENERATE_UNUSED, f"{function} takes no {name}", "leave it out")
    count = len(asked.request.references)
    if "references" in taken and count > facts.most_references:
        yield _error(
            Rule.GENERATE_REFERENCES,
            f"{function} takes {counted(facts.most_references, 'reference image')} at most,"
            f" and {count} are given",
        )


def _references(asked: Asking) -> Iterator[Finding]:
    if asked.called.mode is not VideoMode.REFERENCES:
        return
    given = asked.of("references")
    videos = sum(one.is_video for one in given)
    if len(given) > MOST_REFERENCES:
        yield _error(
            Rule.GENERATE_REFERENCES,
            f"{_named(asked)} takes {MOST_REFERENCES} references at most, and {len(given)} are given",
        )
    if videos > MOST_REFERENCE_VIDEOS:
        yield _error(
            Rule.GENERATE_REFERENCES,
            f"of the references {MOST_REFERENCE_VIDEOS} at most may be videos, and {videos} are",
        )


def _texts(asked: Asking) -> Iterator[Finding]:
    prompt, negative = asked.request.prompt or "", asked.request.negative_prompt or ""
    most = asked.called.longest_prompt
    if len(prompt) > most:
        yield _error(
            Rule.GENERATE_PROMPT,
            f"the prompt has {len(prompt):,} characters, and {_named(asked)} takes {most:,}",
            "shorten it",
        )
    if len(negative) > LONGEST_NEGATIVE:
        yield _error(
            Rule.GENERATE_PROMPT,
            f"the negative prompt has {len(negative):,} characters, and {LONGEST_NEGATIVE} are the most",
            "shorten it",
        )
    if prompt.strip() and asked.called.uses_prompt is False:
        yield Finding.warning(
            Rule.GENERATE_PROMPT_IGNORED,
            f"{asked.called.name} ignores the prompt: it was deployed with use_input_prompt: false",
            hint="leave the prompt out, or deploy with use_input_prompt: true",
        )


def _length(asked: Asking) -> Iterator[Finding]:
    seconds, allowed = asked.request.duration, asked.called.durations
    if seconds is None:
        return
    if not allowed:
        if seconds <= 0 or seconds != int(seconds):
            yield _error(Rule.GENERATE_DURATION, f"a duration is whole seconds, not {seconds:g}")
        return
    if seconds not in allowed:
        yield _error(
            Rule.GENERATE_DURATION,
            f"{_named(asked)} makes videos of {_spell_lengths(allowed)} seconds, not of {seconds:g}",
            f"write --duration {min(allowed, key=lambda one: abs(one - seconds))}",
        )


def _spell_lengths(allowed: tuple[int, ...]) -> str:
    if len(allowed) > 2:
        return f"{allowed[0]} to {allowed[-1]} whole"
    return listed(map(str, allowed), "or")


def _picture(asked: Asking) -> Iterator[Finding]:
    size, resolution = asked.request.size, asked.request.resolution
    if size and resolution:
        keep = "size" if asked.called.facts.by_size else "resolution"
        yield _error(
            Rule.GENERATE_SIZE,
            "size and resolution are never given together",
            f"{_named(asked)} takes {keep}",
        )
        return
    if size and not _SIZE.fullmatch(size):
        yield _error(Rule.GENERATE_SIZE, f'"{size}" is no size', "write width*height, as in 1280*720")
    elif size and not asked.called.facts.by_size and level_of(size) is None:
        yield _error(
            Rule.GENERATE_SIZE,
            f"{_named(asked)} takes a resolution and no size, and {size} is none of its levels",
            f"write --resolution {listed(asked.called.resolutions, 'or')}",
        )
    if resolution and asked.called.facts.by_size:
        yield _error(
            Rule.GENERATE_SIZE,
            f"{_named(asked)} takes a size and no resolution",
            "write --size 1280*720 for 720P, the way up that is wanted",
        )
    level = resolution or (level_of(size) if size else None)
    if level and asked.called.resolutions and level not in asked.called.resolutions:
        yield _error(
            Rule.GENERATE_SIZE,
            f"{_named(asked)} makes {listed(asked.called.resolutions)}, not {level}",
            f"write --resolution {asked.called.resolutions[0]}",
        )


def level_of(size: str) -> str | None:
    """The level of resolution that a size is, whichever way up."""
    found = _SIZE.fullmatch(size)
    return LEVEL_OF_SIZE.get(frozenset(map(int, found.groups()))) if found else None


def _numbers(asked: Asking) -> Iterator[Finding]:
    seed = asked.request.seed
    if seed is not None and not 0 <= seed <= LARGEST_SEED:
        yield _error(Rule.GENERATE_SEED, f"a seed is 0 to {LARGEST_SEED}, not {seed}")


def _shots(asked: Asking) -> Iterator[Finding]:
    if asked.request.shots != "multi":
        return
    if not asked.called.takes_shots:
        yield _error(
            Rule.GENERATE_SHOTS,
            f"{_named(asked)} makes one shot: several are made by wan2.6 models of t2v, i2v and r2v",
            "leave --shots out",
        )
    elif asked.request.prompt_extend is False or (asked.called.tuned and not asked.request.prompt_extend):
        yield _error(
            Rule.GENERATE_SHOTS,
            "several shots need the prompt written out by the service",
            "write --prompt-extend beside --shots multi",
        )


def _sound(asked: Asking) -> Iterator[Finding]:
    given = asked.of("audio")
    if not given:
        return
    if not asked.called.takes_sound:
        silent = (
            "its videos are silent"
            if asked.called.facts.silent
            else "only wan2.5 and wan2.6 do, for t2v and i2v"
        )
        yield _error(
            Rule.GENERATE_AUDIO,
            f"{_named(asked)} takes no sound: {silent}",
            "leave --audio out, or call wan2.6-t2v or wan2.6-i2v-flash",
        )
    for one in given:
        if isinstance(one, InputFile):
            yield from _sound_file(one)


def _sound_file(one: InputFile) -> Iterator[Finding]:
    if one.sound is None:
        yield _error(Rule.GENERATE_AUDIO, f"{one.shown} is no WAV and no MP3")
        return
    if one.size > LARGEST_SOUND:
        yield _error(Rule.GENERATE_AUDIO, f"{one.shown} has {spell_bytes(one.size)}, and 15 MB are the most")
    if one.sound.seconds is None:
        yield _error(Rule.GENERATE_AUDIO, f"{one.shown} cannot be read to its end")
    elif not SHORTEST_SOUND <= one.sound.seconds <= LONGEST_SOUND:
        yield _error(
            Rule.GENERATE_AUDIO, f"{one.shown} lasts {one.sound.seconds:.1f} s: a sound lasts 3 to 30 seconds"
        )


def _wanted(field: str) -> tuple[MediaKind, ...]:
    if field in {"video", "mask_video", "first_clip", "last_clip"}:
        return (MediaKind.VIDEO,)
    return (MediaKind.IMAGE, MediaKind.VIDEO) if field == "references" else (MediaKind.IMAGE,)


def _files(asked: Asking) -> Iterator[Finding]:
    """Images and clips, by their bytes."""
    largest = (20 if asked.called.generation in {"2.5", "2.6", "2.7"} else 10) * _MB
    for one in asked.inputs:
        if one.field == "audio" or not isinstance(one, InputFile):
            continue
        wanted = _wanted(one.field)
        if asked.called.mode is VideoMode.EDITING and one.field == "references":
            wanted = (MediaKind.IMAGE,)
        if one.media is None or one.media.kind not in wanted:
            kinds = " or ".join("an image" if kind is MediaKind.IMAGE else "a video" for kind in wanted)
            yield _error(Rule.GENERATE_MEDIA, f"{one.field}: {one.shown} is not {kinds}")
        elif one.media.fault:
            yield _error(Rule.GENERATE_MEDIA, f"{one.field}: {one.shown} {one.media.fault}")
        elif one.media.kind is MediaKind.IMAGE:
            yield from _image_file(one, largest)


def _image_file(one: InputFile, largest: int) -> Iterator[Finding]:
    assert one.media is not None  # noqa: S101 - as its caller has seen
    if one.media.format not in _IMAGE_FORMATS:
        yield _error(
            Rule.GENERATE_MEDIA,
            f"{one.field}: {one.shown} is {one.media.format}",
            f"save it as {listed(_IMAGE_FORMATS, 'or')}",
        )
    if one.size > largest:
        yield _error(
            Rule.GENERATE_MEDIA,
            f"{one.field}: {one.shown} has {spell_bytes(one.size)}, and {largest // _MB} MB are the most",
        )
    sides = (one.media.width, one.media.height)
    if all(sides) and not (min(sides) >= _LEAST_SIDE and max(sides) <= _MOST_SIDE):
        yield Finding.warning(
            Rule.GENERATE_MEDIA,
            f"{one.field}: {one.shown} has {sides[0]}×{sides[1]} pixels:"
            f" {_LEAST_SIDE} to {_MOST_SIDE} a side are documented",
        )
    if one.transparent:
        yield Finding.warning(
            Rule.GENERATE_MEDIA, f"{one.field}: {one.shown} is transparent, which the service does not take"
        )


def _clips(asked: Asking) -> Iterator[Finding]:
    if asked.called.mode is not VideoMode.EDITING:
        return
    longest = {"first_clip": EXTENSION_SECONDS, "last_clip": EXTENSION_SECONDS, "video": 5.0}
    for one in asked.inputs:
        seconds = one.media.seconds if isinstance(one, InputFile) and one.media else None
        most = longest.get(one.field)
        if seconds is None or most is None or seconds <= most + 0.05:
            continue
        cut = "cut it, or make the video in several steps"
        yield _error(
            Rule.GENERATE_CLIP,
            f"{one.field}: {one.shown} lasts {seconds:.1f} s, and {most:g} seconds are the most",
            cut,
        )


def _advice(asked: Asking) -> Iterator[Finding]:
    if asked.called.tuned and asked.request.prompt_extend and asked.request.shots != "multi":
        yield Finding.warning(
            Rule.GENERATE_UNDOCUMENTED,
            "prompt_extend is advised against for a tuned model: it writes over the words of its training",
        )
    for name in ("fps", "motion_strength"):
        if name in asked.request.given:
            yield Finding.warning(
                Rule.GENERATE_UNDOCUMENTED,
                f"no document of {asked.called.mode} names {name}: it is sent, and may have no effect",
            )
