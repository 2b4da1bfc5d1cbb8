"""Who answers where wanctl stops and asks: by the hints of the plan, as a person reads them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.weather.project import Edited
from wanctl.plan import When

PERSON, BLOCKED = When.PERSON.value, When.BLOCKED.value
_COMMAND = re.compile(r"wanctl (adopt|prune) ([\w/.:-]+(?: (?!·|and)[\w.:-]+)?)")


@dataclass(frozen=True)
class Answer:
    """A command to be run, or what was edited."""

    said: str
    words: tuple[str, ...] = ()


class Person:
    """Decides by dice where there is more than one way on."""

    def __init__(self, edited: Edited, dice: Random) -> None:
        self._edited, self._dice = edited, dice

    def answers(self, plan: dict[str, Any]) -> Iterator[Answer]:
        """At most one for each resource that is stuck."""
        for step in plan["steps"]:
            answer = self._answer(step) if step["when"] in {PERSON, BLOCKED} else None
            if answer:
                yield answer
        for finding in plan["findings"]:
            if finding["severity"] == "error":
                for verb, rest in _COMMAND.findall(finding.get("hint") or ""):
                    yield self._command(verb, rest)
                    break

    def _answer(self, step: dict[str, Any]) -> Answer | None:
        hints = " \n".join(step["hints"])
        address = step["address"]
        document = self._edited.document(address)
        commands = _COMMAND.findall(hints)
        if step["action"] == "choose" or "choose:" in hints:
            chosen = self._dice.choice(["checkpoint-20", "checkpoint-30"])
            return Answer(f"chooses {chosen} for {address}", ("choose", address, chosen))
        if commands:
            return self._command(*self._dice.choice(commands[:1]))
        if "attempt:" in hints and document is not None:
            at = document["checks"] if "under checks:" in hints and "checks" in document else document
            if "under judge:" in hints and "judge" in document.get("checks", {}):
                at = document["checks"]["judge"]
                if not isinstance(at, dict):
                    return None
            at["attempt"] = at.get("attempt", 1) + 1
            self._edited.write()
            return Answer(f"raises attempt of {address}")
        return None

    @staticmethod
    def _command(verb: str, rest: str) -> Answer:
        words = tuple(rest.split())
        more = ("--yes", "--wait") if verb == "prune" else ()
        return Answer(f"wanctl {verb} {rest}", (verb, *words, *more))
