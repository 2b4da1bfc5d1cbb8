"""Is a dataset right for what it is used for: as training or validation set, for this base model?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wanctl.base.words import counted
from wanctl.dataset.checks.captions import description_of as described
from wanctl.dataset.checks.captions import effect_of, likeness, odd_descriptions
from wanctl.dataset.contents import ANNOTATIONS, DatasetFacts
from wanctl.finding import Finding, Place, Severity
from wanctl.rules import Rule

_FEWEST, _ADVISED, _MOST = 10, 20, 100  # samples
_A_FEW_FRAMES = 0.25  # seconds by which cutting tools miss a length
_WELL_OVER = 1.0  # seconds


@dataclass(frozen=True)
class Use:
    """One FineTune that refers to the dataset. None is what nobody told us of its model."""

    by: str  # FineTune/money-rain
    training: bool
    model: str
    last_frames: bool | None = None  # whether its mode takes them
    longest: float | None = None  # seconds of a clip
    batch_size: int | None = None
    target_seconds: float | None = None  # of the videos that are to be made
    total_samples: int | None = None  # of all its training sets; None when one cannot be counted
    trained_captions: tuple[str, ...] = ()  # for a validation set: those of the training


def check_use(facts: DatasetFacts, use: Use) -> Iterator[Finding]:
    """The faults of this dataset for this use."""
    if not facts.samples:
        return
    yield from _mode(facts, use)
    if use.training:
        yield from _videos(facts, use)
        yield from _lengths(facts, use)
        yield from _counts(use)
    else:
        yield from _validation_captions(facts, use)


def _mode(facts: DatasetFacts, use: Use) -> Iterator[Finding]:
    with_last = [one.line for one in facts.samples if one.last_frame]
    without = [one.line for one in facts.samples if not one.last_frame]
    if use.last_frames and without:
        yield from _each(
            without,
            Rule.NO_LAST_FRAME,
            f"has no last_frame_path, and {use.model} learns from the first and the last frame",
            "name the last frame, or train a first-frame model",
        )
    elif use.last_frames is False and with_last:
        yield from _each(
            with_last,
            Rule.UNUSED_LAST_FRAME,
            f"has a last_frame_path, and {use.model} learns from the first frame alone",
            "take last_frame_path out, or train a first-and-last-frame model",
        )
    elif use.last_frames is None and with_last and without:
        yield from _each(
            without,
            Rule.MIXED_MODES,
            f"has no last_frame_path, and other lines have one (line {with_last[0]})",
            "a dataset is for one mode: give every line a last frame, or none",
        )


def _each(lines: Sequence[int], rule: Rule, message: str, remedy: str) -> Iterator[Finding]:
    for line in lines:
        yield Finding.error(rule, message, place=Place(ANNOTATIONS, line), hint=remedy)


def _videos(facts: DatasetFacts, use: Use) -> Iterator[Finding]:
    lacking = [one.line for one in facts.samples if not one.video]
    remedy = 'name its clip, as in "video_path": "video_1.mp4"; only a validation set does without'
    yield from _each(lacking, Rule.NO_VIDEO, f"has no video_path, and {use.by} trains on it", remedy)


def _lengths(facts: DatasetFacts, use: Use) -> Iterator[Finding]:
    clips = dict.fromkeys(one.video for one in facts.samples if one.video)
    lengths = {name: facts.media[name].seconds for name in clips if name in facts.media}
    long = []
    for name, seconds in lengths.items():
        if seconds is None:
            continue
        if use.longest and seconds > use.longest + _A_FEW_FRAMES:
            yield Finding.error(
                Rule.CLIP_TOO_LONG,
                f"lasts {seconds:.1f} s; {use.longest:g} s are the most for {use.model}",
                place=Place(name),
                hint=f"cut it to {use.longest:g} s",
            )
        elif use.target_seconds and seconds > use.target_seconds + _WELL_OVER:
            long.append((name, seconds))
    if long:
        name, seconds = max(long, key=lambda one: one[1])
        count = f"{len(long)} clips are" if len(long) > 1 else f"{name} is"
        yield Finding.warning(
            Rule.LONGER_THAN_TARGET,
            f"{count} longer than the {use.target_seconds:g} s of the videos that are to be made "
            f"({name}: {seconds:.1f} s): the effect is learnt as cut off",
            hint="cut them; or, to make longer videos, write target_seconds",
            about=(Place(one) for one, _ in long),
        )


def _counts(use: Use) -> Iterator[Finding]:
    count = use.total_samples
    if count is None:
        return
    samples = f"{use.by} has {counted(count, 'sample')}"
    if count < _FEWEST:
        yield Finding.warning(
            Rule.FEW_SAMPLES,
            f"{samples}; at least {_FEWEST} are asked for",
            hint=f"{_ADVISED} to {_MOST} do well",
        )
    elif count < _ADVISED:
        yield _advice(Rule.FEW_SAMPLES, f"{samples}; {_ADVISED} to {_MOST} are advised")
    elif count > _MOST:
        yield _advice(Rule.MANY_SAMPLES, f"{samples}; {_ADVISED} to {_MOST} are advised, and more cost more")
    if use.batch_size and count <= use.batch_size:
        yield Finding.warning(
            Rule.BATCH_TOO_LARGE,
            f"{samples}, no more than its batch_size of {use.batch_size}: every epoch is one step",
            hint="add samples" + (", or write a smaller batch_size" if use.batch_size > 1 else ""),
        )


def _advice(rule: Rule, message: str) -> Finding:
    return Finding(Severity.ADVICE, message, rule=rule)


def _validation_captions(facts: DatasetFacts, use: Use) -> Iterator[Finding]:
    """Previews show what was learnt only if they ask for it in the same words."""
    if not use.trained_captions:
        return
    effect = effect_of(use.trained_captions)
    if effect.trigger is None:
        return
    captions = {one.line: one.prompt for one in facts.samples if one.prompt.strip()}
    without = [line for line, text in captions.items() if not described(text, effect.trigger)]
    for line in without:
        yield Finding.warning(
            Rule.TRIGGER_MISSING,
            f"has no {effect.trigger}, the trigger word that {use.by} trains on",
            place=Place(ANNOTATIONS, line),
            hint=f"write {effect.trigger} into it",
        )
    odd = odd_descriptions({line: text for line, text in captions.items() if line not in without}, effect)
    for line, text in odd.items():
        yield Finding.warning(
            Rule.EFFECT_DIFFERS,
            "describes the effect in other words than the training set "
            f"({likeness(text, effect.description):.0%} alike)",
            place=Place(ANNOTATIONS, line),
            hint=f'use its words: "{effect.description}"',
        )
