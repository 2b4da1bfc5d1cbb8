"""Do the captions say what is to be seen: a subject, where it is, then the effect, and each of its own clip?

The guide's formula is subject, background, trigger word, motion. Advice, found by counting words; validate
and dataset inspect give it, together with that on the clips.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from wanctl.base.words import counted, quoted
from wanctl.dataset.checks.captions import FRAME_WORDS, all_words, description_of, effect_of, spell_lines
from wanctl.dataset.contents import ANNOTATIONS, DatasetFacts
from wanctl.finding import Finding, Place, Severity
from wanctl.rules import Rule

_FEWEST = 5  # captions of which something can be said together
_SAME = 3  # captions in the same words
_BOUND = 0.8  # of the captions have a word that is no part of the effect
_SHOWN = 5
_BRACKETS = re.compile(r"\[[^\[\]]{0,80}\]|\{[^{}]{0,80}\}|<[a-z][^<>]{0,80}>", re.IGNORECASE)
_TEMPLATE = frozenset({"background", "shot", "scene", "camera", "subject", "image", "frame", "starts"})
_PLACES = frozenset(
    re.findall(
        r"\w+",
        """across against along among around at background before behind below beneath beside by front in
        indoor indoors inside near on outdoor outdoors outside over surrounded under""",
    )
)


def check_wording(facts: DatasetFacts) -> Iterator[Finding]:
    """What the words of the captions lack, caption by caption and together."""
    captions = {one.line: one.prompt.strip() for one in facts.samples if one.prompt.strip()}
    yield from _brackets(captions)
    yield from _same(captions)
    trigger = effect_of(list(captions.values())).trigger if len(captions) > 1 else None
    if trigger is None:
        return
    before = {
        line: text[: len(text) - len(description_of(text, trigger))]
        for line, text in captions.items()
        if description_of(text, trigger)
    }
    yield from _formula(before)
    yield from _bound(before)


def _advice(rule: Rule, message: str, hint: str, *lines: int) -> Finding:
    places = tuple(Place(ANNOTATIONS, line) for line in lines) or (Place(ANNOTATIONS),)
    return Finding(Severity.ADVICE, message, hint=hint, place=places[0], about=places, rule=rule)


def _brackets(captions: Mapping[int, str]) -> Iterator[Finding]:
    for line, text in captions.items():
        if found := _BRACKETS.search(text):
            yield _advice(
                Rule.CAPTION_BRACKETS,
                f"has {quoted(found.group())} in its caption: a place in a template that nobody filled",
                "write what is to be seen there",
                line,
            )


def _same(captions: Mapping[int, str]) -> Iterator[Finding]:
    by_words: dict[tuple[str, ...], list[int]] = {}
    for line, text in captions.items():
        by_words.setdefault(tuple(all_words(text)), []).append(line)
    for lines in by_words.values():
        if len(lines) >= _SAME:
            yield _advice(
                Rule.SAME_CAPTIONS,
                f"{len(lines)} captions are the same, word by word: {spell_lines(lines)} ({_SAME} are many)",
                "describe subject and background of each clip; only the effect is the same for all",
                *lines,
            )


def _formula(before: Mapping[int, str]) -> Iterator[Finding]:
    """A subject and a background stand before the effect."""
    bare, nowhere = [], []
    for line, text in before.items():
        words = all_words(text)
        if not [word for word in words if word not in FRAME_WORDS | _TEMPLATE]:
            bare.append(line)
        elif not _PLACES & set(words):
            nowhere.append(line)
    if bare:
        yield _advice(
            Rule.EFFECT_ONLY,
            f"{counted(len(bare), 'caption has', 'captions have')} the effect and nothing else: "
            f"{spell_lines(bare)}",
            "describe before it who or what is there, and where",
            *bare,
        )
    if nowhere:
        yield _advice(
            Rule.NO_BACKGROUND,
            f"{counted(len(nowhere), 'caption has', 'captions have')} a subject and no background: "
            f"{spell_lines(nowhere)}",
            "add where it is, as in: The background is a brick wall",
            *nowhere,
        )


def _bound(before: Mapping[int, str]) -> Iterator[Finding]:
    """Words before the effect that nearly all captions share: the look is bound to them."""
    if len(before) < _FEWEST:
        return
    counts = Counter(word for text in before.values() for word in set(all_words(text)))
    enough = _BOUND * len(before)
    bound = [
        (word, count)
        for word, count in counts.most_common()
        if count >= enough and word not in FRAME_WORDS | _TEMPLATE | _PLACES and len(word) > 1
    ]
    if bound:
        shown = ", ".join(f"{word} ({count})" for word, count in bound[:_SHOWN])
        yield _advice(
            Rule.BOUND_WORDS,
            f"nearly all of {len(before)} captions have, outside of the effect: {shown} "
            f"({_BOUND:.0%} are too many)",
            "vary subjects and scenes; what all captions name, the effect is bound to",
        )
