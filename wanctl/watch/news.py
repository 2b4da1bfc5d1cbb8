"""News for people: the difference between how things stood and how they stand. Pure."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from wanctl.base.files import PRIVATE, replace_file
from wanctl.base.words import first_line
from wanctl.finding import Severity
from wanctl.language.settings import NotificationFormat, Occasion
from wanctl.plan import Plan, Status, Step, When
from wanctl.watch.status import LoopStatus

LOOP, PLAN = "the loop", "the plan"
REPORTED_AFTER = 2  # failed rounds in a row: one may be a line that was down for a moment
_SHOWN = 20


class Situation(BaseModel):
    """How things stand: for each occasion what is concerned, and a sentence on it."""

    model_config = ConfigDict(frozen=True)

    converged: bool = False
    waiting: Mapping[str, str] = {}
    failed: Mapping[str, str] = {}
    drift: Mapping[str, str] = {}

    @classmethod
    def load(cls, path: Path) -> "Situation | None":
        """The situation that was reported last; None where it cannot be read."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, self.model_dump_json(), mode=PRIVATE)


class News(BaseModel):
    """One message."""

    model_config = ConfigDict(frozen=True)

    occasion: Occasion
    project: str
    environment: str | None
    commit: str | None
    items: Mapping[str, str]

    def body(self, format_: NotificationFormat) -> dict[str, Any]:
        """The JSON that is posted."""
        if format_ is NotificationFormat.SLACK:
            return {"text": _slack("\n".join([self.title, *(f"• {a}: {b}" for a, b in self._shown())]))}
        return {
            "event": self.occasion.value,
            "project": self.project,
            "environment": self.environment,
            "commit": self.commit,
            "title": self.title,
            "items": [{"address": address, "text": text} for address, text in self.items.items()],
        }

    @property
    def title(self) -> str:
        place = " / ".join(part for part in (self.project, self.environment) if part)
        return f"{place}: {_TITLES[self.occasion]}"

    def _shown(self) -> Iterator[tuple[str, str]]:
        yield from list(self.items.items())[:_SHOWN]
        if len(self.items) > _SHOWN:
            yield "and", f"{len(self.items) - _SHOWN} more"


_TITLES = {
    Occasion.WAITING: "a person has to act",
    Occasion.FAILED: "something failed",
    Occasion.CONVERGED: "everything is as the specs say",
    Occasion.DRIFT: "the world has moved away from the specs",
}


def situation_of(
    loop_status: LoopStatus, before: Situation | None, patience: int = REPORTED_AFTER
) -> Situation:
    """How things stand after a round. After one that came to no plan: as before, but for the failure."""
    if loop_status.errors:
        known = before or Situation()
        if loop_status.failed_in_a_row < patience:
            return known
        failed = {**known.failed, LOOP: " ".join(map(first_line, loop_status.errors))}
        return known.model_copy(update={"failed": failed, "converged": False})
    if loop_status.iteration is None:
        return before or Situation()
    plan = loop_status.iteration.plan
    refused = {PLAN: " ".join(loop_status.iteration.refused)} if loop_status.iteration.refused else {}
    blocked = {str(step.address): step.reason for step in plan.steps if step.when is When.BLOCKED}
    return Situation(
        converged=plan.status is Status.CONVERGED,
        waiting={_key(step): _sentence(step) for step in _waits_for_person(plan)},
        failed={**refused, **blocked, **loop_status.iteration.failures},
        drift={str(step.address): step.reason for step in loop_status.drifted},
    )


def news_between(before: Situation | None, after: Situation, loop_status: LoopStatus) -> tuple[News, ...]:
    """The changes since then. Whoever looks for the first time does not hear that all is well."""
    known = before or Situation(converged=True)
    commit = loop_status.commit.id if loop_status.commit else None
    found = []
    for occasion in (Occasion.WAITING, Occasion.FAILED, Occasion.DRIFT):
        was, now = getattr(known, occasion.value), getattr(after, occasion.value)
        items = {_subject(occasion, key): now[key] for key in now if key not in was or _other(key, was, now)}
        if items:
            found.append((occasion, items))
    if after.converged and not known.converged:
        found.append((Occasion.CONVERGED, {}))
    return tuple(
        News(
            occasion=occasion,
            project=loop_status.project,
            environment=loop_status.environment,
            commit=commit,
            items=items,
        )
        for occasion, items in found
    )


def _waits_for_person(plan: Plan) -> Iterator[Step]:
    """The steps that wait for a person, but for drift, which is reported as such."""
    if any(finding.severity is Severity.ERROR for finding in plan.findings):
        return
    for step in plan.steps:
        if step.when is When.PERSON and not step.after and not step.drift:
            yield step


def _key(step: Step) -> str:
    """The same wait, however its sentence changes."""
    return f"{step.address} {step.action.value} {step.remote_id or ''}".rstrip()


def _other(key: str, was: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """A plan that is refused for another reason is news for who has pushed since. A call's error is worded
    differently each time."""
    return key == PLAN and was[key] != now[key]


def _subject(occasion: Occasion, key: str) -> str:
    return key.partition(" ")[0] if occasion is Occasion.WAITING else key


def _sentence(step: Step) -> str:
    return " → ".join((step.reason, *step.hints))


def _slack(text: str) -> str:
    """Nothing in it calls a channel or makes a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
