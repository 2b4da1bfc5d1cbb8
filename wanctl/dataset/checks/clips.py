"""Do the clips go together, and does each begin with its first frame? The service takes them anyway."""

from collections.abc import Iterator

from wanctl.dataset.checks.files import listed
from wanctl.dataset.contents import ANNOTATIONS, DatasetFacts, Media
from wanctl.finding import Finding, Place
from wanctl.rules import Rule

_FAR_APART = 2.0  # times as long, or as wide for its height
_FAR_APART_SECONDS = 2.0
_FEW = 0.2  # of all clips: so few portraits among landscapes are learnt badly
_SAME_ASPECT = 0.05


def check_clips(facts: DatasetFacts) -> Iterator[Finding]:
    """What is odd about the clips as a set."""
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
