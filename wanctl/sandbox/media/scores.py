"""The answer of a vision model that is asked to score a clip: numbers from its pixels, the same each time.

What is asked for is a list of "- name: words" and the word JSON. How much changes in the clip stands for the
effect and the motion; what is left of the first picture at the end, for all that is to be kept.
"""

import json
import re

from wanctl.sandbox.media.vision import Sight

_ASKED = re.compile(r"^- (?P<name>[a-z][a-z0-9_]*): \S", re.MULTILINE)
_HIGHEST = 10
_CHANGING = ("effect", "motion", "action")
_FULL_EFFECT = 0.08  # of the whole range: a change that leaves nothing to wish for
_TOO_MUCH = 0.4  # a change that leaves nothing of the first picture


def asked_for(text: str) -> list[str]:
    """The names that are to be scored; none where something else is asked."""
    return [found["name"] for found in _ASKED.finditer(text)] if "JSON" in text else []


def scores(names: list[str], sights: list[Sight]) -> str:
    """A score and a reason for each, of the clip that was shown."""
    clip = next((one for one in reversed(sights) if one.seconds is not None), None)
    moved = clip.moved if clip else 0.0
    return json.dumps({name: _scored(name, moved) for name in names})


def _scored(name: str, moved: float) -> dict[str, object]:
    share = moved / _FULL_EFFECT if name.startswith(_CHANGING) else 1 - moved / _TOO_MUCH
    value = max(0, min(_HIGHEST, round(share * _HIGHEST)))
    return {"score": value, "reason": f"{moved:.0%} of the picture is another one at the end."}
