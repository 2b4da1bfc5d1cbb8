"""The sentence that the sandbox's vision model answers: what was seen, in the structure that was asked for.

Three things are understood in a request's text: a template with `[placeholders]`, a phrase in quotation marks
that the caption must include, and a sentence that begins with "Then …", which is the trigger's. The words are
plain; that they follow from the pictures alone is what tests and rehearsals need.
"""

import re

from wanctl.sandbox.vision import Sight

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
