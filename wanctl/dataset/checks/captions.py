"""Do the captions teach one effect: a trigger word that all share, and one description of what happens?

A trigger is a rare word without a meaning (s86b5p); the description of the effect is what follows it.
Advice: what can be told of texts by counting words, no more.
"""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from wanctl.dataset.contents import ANNOTATIONS, DatasetFacts
from wanctl.finding import Finding, Place
from wanctl.rules import Rule

_FEWEST = 3  # captions of which something can be said
_MOST = 1000  # that are compared; more of them say nothing new
_MOST_OF_THEM = 0.6
_ALIKE = 0.55
_SHOWN = 5
_EXCERPT = 60
_WORD = re.compile(r"[a-z0-9]+(?:['\u2019-][a-z0-9]+)*|[^\W_a-z0-9]")  # a letter of other scripts is a word
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*")  # noqa: RUF001 - these end sentences, too
# Words that every caption may have without meaning the effect, and those that change with the subject.
FRAME_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be been before behind begin begins begun beginning beside between both but by
        clip does down for from had has have he her hers him his i in into is it its itself more of off on
        onto or out over scene she show showing shows shown so some than that the their them then there these
        they this those through to up us very video was we were what when where which while who whose will
        with within without you your""",
    )
)
_UNHEARD_OF = re.compile(
    r"bx|cj|cv|cx|dx|fq|fx|fz|gq|gx|hx|hz|jc|jd|jf|jg|jk|jl|jm|jn|jp|jq|jr|js|jt|jv|jw|jx|jz|kq|kx|kz|lx|"
    r"mx|mz|pq|px|pz|q[^u]|qu$|sx|sz|vb|vc|vf|vh|vj|vk|vm|vn|vp|vq|vt|vw|vx|vz|wq|wx|wz|xj|xk|xr|xx|xz|"
    r"yq|yx|zc|zf|zj|zk|zn|zp|zq|zr|zx|hw"
)


@dataclass(frozen=True)
class CaptionEffect:
    """The words that the captions of a training set have in common."""

    trigger: str | None  # rare, in all or most captions
    shared: tuple[str, ...]  # ordinary words that all have
    description: str  # the most typical text from the trigger on


def check_captions(facts: DatasetFacts) -> Iterator[Finding]:
    """The faults of one dataset's captions, taken together."""
    captions = {one.line: one.prompt for one in facts.samples[:_MOST] if one.prompt.strip()}
    if len(captions) < _FEWEST:
        return
    effect = effect_of(list(captions.values()))
    if effect.trigger is None:
        yield _no_trigger(effect)
        return
    lacking = [line for line, text in captions.items() if effect.trigger not in _words_of(text)]
    if lacking:
        yield Finding.warning(
            Rule.TRIGGER_MISSING,
            f"{effect.trigger} is in most captions, and not in {spell_lines(lacking)}",
            place=Place(ANNOTATIONS, lacking[0]),
            hint=f"write {effect.trigger} into each caption that shows the effect",
            about=(Place(ANNOTATIONS, line) for line in lacking),
        )
    odd = odd_descriptions({line: text for line, text in captions.items() if line not in lacking}, effect)
    if odd:
        examples = "; ".join(f"line {line}: {_excerpt(text)}" for line, text in list(odd.items())[:3])
        yield Finding.warning(
            Rule.EFFECT_DIFFERS,
            f"the effect is described in other words in {spell_lines([*odd])} than in the rest ({examples})",
            place=Place(ANNOTATIONS, next(iter(odd))),
            hint=f"use one description throughout, as: {_excerpt(effect.description, 2 * _EXCERPT)}",
            about=(Place(ANNOTATIONS, line) for line in odd),
        )


def effect_of(captions: Sequence[str]) -> CaptionEffect:
    """The trigger and the description that the captions share, as far as there are any."""
    counted = Counter(word for text in captions for word in _words_of(text))
    everywhere = [word for word, count in counted.items() if count == len(captions)]
    trigger = next(
        (
            word
            for word, count in counted.most_common()
            if count >= _MOST_OF_THEM * len(captions) and looks_made_up(word)
        ),
        None,
    )
    shared = tuple(sorted(word for word in everywhere if word not in FRAME_WORDS and len(word) > 1))
    description = _typical([description_of(text, trigger) for text in captions]) if trigger else ""
    return CaptionEffect(trigger, shared, description)


@lru_cache(maxsize=10_000)
def looks_made_up(word: str) -> bool:
    """Letters and digits together, no vowel, or a pair of letters that words do not have: s86b5p, ohwx."""
    if not word.isascii() or len(word) < _FEWEST or "-" in word or "'" in word:
        return False
    letters = re.sub(r"[0-9]", "", word)
    if not letters or re.fullmatch(r"[0-9]+(s|st|nd|rd|th|x|k|d|p|mm|cm|m|km|fps|am|pm)", word):
        return False  # a number, a decade, a measure
    mixed = len(letters) < len(word)
    return mixed or not re.search(r"[aeiouy]", word) or bool(_UNHEARD_OF.search(word))


def made_up_words(text: str) -> set[str]:
    """The words of a text that could be triggers."""
    return {word for word in _words_of(text) if looks_made_up(word)}


def description_of(caption: str, trigger: str) -> str:
    """From the sentence that has the trigger to the end: what happens."""
    sentences = sentences_of(caption)
    for number, sentence in enumerate(sentences):
        if trigger in _words_of(sentence):
            begin = re.search(r"\bthen\b", sentence, re.IGNORECASE)
            return " ".join([sentence[begin.start() if begin else 0 :], *sentences[number + 1 :]]).strip()
    return ""


def sentences_of(text: str) -> list[str]:
    """A text at the ends of its sentences; what lies between them is left out."""
    return _SENTENCE.split(text)


def odd_descriptions(captions: Mapping[int, str], effect: CaptionEffect) -> dict[int, str]:
    """The lines whose description is unlike the typical one."""
    if effect.trigger is None:
        return {}
    described = {line: description_of(text, effect.trigger) for line, text in captions.items()}
    return {line: text for line, text in described.items() if likeness(text, effect.description) < _ALIKE}


def likeness(one: str, other: str) -> float:
    """Of two texts, by their words in order, leaving out those that change with the subject; 1 is equal."""
    telling = [[word for word in all_words(text) if word not in FRAME_WORDS] for text in (one, other)]
    return difflib.SequenceMatcher(a=telling[0], b=telling[1], autojunk=False).ratio()


def _no_trigger(effect: CaptionEffect) -> Finding:
    if effect.shared:
        words = ", ".join(effect.shared[:_SHOWN])
        return Finding.warning(
            Rule.ORDINARY_TRIGGER,
            f"the words that all captions share are ordinary ones ({words}): to those an effect binds less",
            place=Place(ANNOTATIONS),
            hint="add one rare word without a meaning, such as s86b5p, to each caption",
        )
    return Finding.warning(
        Rule.NO_TRIGGER,
        "no word is in all captions: nothing tells the model which videos show the effect",
        place=Place(ANNOTATIONS),
        hint="write one rare word without a meaning, such as s86b5p, into each caption",
    )


def _typical(descriptions: Iterable[str]) -> str:
    """The one whose words the others use most."""
    known = [text for text in descriptions if text]
    used = Counter(word for text in known for word in _words_of(text))

    def commonness(text: str) -> float:
        words = _words_of(text)
        return sum(used[word] for word in words) / len(words) if words else 0.0

    return max(known, key=commonness, default="")


@lru_cache(maxsize=4096)
def _words_of(text: str) -> frozenset[str]:
    return frozenset(all_words(text))


def all_words(text: str) -> list[str]:
    """The words of a text in their order, in small letters."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def spell_lines(lines: Sequence[int]) -> str:
    """Line 3; lines 3, 4 and 5 more."""
    shown = ", ".join(map(str, lines[:_SHOWN]))
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return f"{'line' if len(lines) == 1 else 'lines'} {shown}{more}"


def _excerpt(text: str, most: int = _EXCERPT) -> str:
    shown = text if len(text) <= most else f"{text[: most - 1]}…"
    return f'"{shown}"'
