"""Faults of calls: which there are, when each fires, how often it has. `api.app` carries them out.

The rules are kept in the store, so they outlast a process, and several processes count together.
"""

import math
import random
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from wanctl.sandbox.bodies import first_problem
from wanctl.sandbox.state.store import Store

LONGEST = 3600.0  # seconds that a call can be held up
OUTAGE = "outage"  # the id of the rule that `rig` arranges


class FaultKind(StrEnum):
    LATENCY = "latency"  # the answer takes longer
    THROTTLED = "throttled"  # 429 that clears by waiting
    BUSY = "busy"  # 429 that clears when a job ends
    QUOTA = "quota"  # 429 that never does
    STATUS = "status"  # an error: HTML from a gateway, JSON from the service
    RESET = "reset"  # the connection is reset
    TIMEOUT = "timeout"  # no answer ever comes
    TRUNCATED = "truncated"  # half of the answer, with the length of that half
    EMPTY = "empty"  # 200 and no body
    KILL = "kill"  # the process that runs the sandbox ends at once


class FaultMoment(StrEnum):
    """Before or after the call has had its effect."""

    BEFORE = "before"
    AFTER = "after"


_AFTER_UNLESS_SAID = {FaultKind.TIMEOUT, FaultKind.TRUNCATED, FaultKind.EMPTY}
_ONLY = {
    FaultKind.THROTTLED: FaultMoment.BEFORE,
    FaultKind.BUSY: FaultMoment.BEFORE,
    FaultKind.QUOTA: FaultMoment.BEFORE,
    FaultKind.TRUNCATED: FaultMoment.AFTER,
}
_OWN = {"seconds": FaultKind.LATENCY, "status": FaultKind.STATUS}


def _member(kind: type[StrEnum], value: Any) -> Any:
    known = [one.value for one in kind]
    if value is None or isinstance(value, kind):
        return value
    if value not in known:
        raise ValueError(f"there is {', '.join(known)}")
    return kind(value)


def _times(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not (value in {None, "all"} if isinstance(value, str | None) else number):
        raise ValueError('there is a number from 0, and "all"')
    return value


class FaultRule(BaseModel):
    """A fault, and the calls that it hits. Enums are taken by their words, as JSON has them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: Annotated[FaultKind, BeforeValidator(lambda value: _member(FaultKind, value))]
    method: str | None = Field(default=None, pattern=r"^[A-Z]+$")
    path: str = "*"  # a glob; * matches slashes, too
    nth: int | None = Field(default=None, ge=1)  # the first matching call that it may hit
    count: Annotated[int | Literal["all"] | None, BeforeValidator(_times)] = (
        None  # else the nth alone, or all
    )
    probability: float = Field(default=1.0, ge=0, le=1)
    seed: int = 0  # of the probability's dice
    when: Annotated[FaultMoment | None, BeforeValidator(lambda value: _member(FaultMoment, value))] = None
    seconds: float | None = Field(default=None, ge=0, le=LONGEST, allow_inf_nan=False)
    status: int | None = Field(default=None, ge=400, le=599)

    @model_validator(mode="after")
    def _sensible(self) -> "FaultRule":
        for field, kind in _OWN.items():
            if getattr(self, field) is not None and self.kind is not kind:
                raise ValueError(f"{field} is for the kind {kind} only")
        if self.when not in {None, only := _ONLY.get(self.kind, self.when)}:
            raise ValueError(f"the kind {self.kind} happens {only} the effect only")
        return self

    @property
    def moment(self) -> FaultMoment:
        usual = FaultMoment.AFTER if self.kind in _AFTER_UNLESS_SAID else FaultMoment.BEFORE
        return self.when or usual

    @property
    def times(self) -> float:
        if isinstance(self.count, int):
            return self.count
        return 1 if self.nth and self.count is None else math.inf

    def matches(self, method: str, path: str) -> bool:
        return self.method in {None, method} and fnmatchcase(path, self.path)


@dataclass(frozen=True)
class Standing:
    """A rule, the calls that came by it, and those that it hit."""

    id: str
    rule: FaultRule
    calls: int = 0
    fired: int = 0

    def next_call(self) -> "Standing":
        """After one more matching call."""
        calls = self.calls + 1
        due = calls >= (self.rule.nth or 1) and self.fired < self.rule.times
        fires = due and self._dice(calls) < self.rule.probability
        return Standing(self.id, self.rule, calls, self.fired + fires)

    def _dice(self, call: int) -> float:
        """The same for the same seed, rule and call."""
        return random.Random(f"{self.rule.seed}/{self.id}/{call}").random()  # noqa: S311 - a rehearsal

    def as_json(self) -> dict[str, Any]:
        rule = self.rule.model_dump(mode="json", exclude_defaults=True)
        return {"id": self.id, **rule, "calls": self.calls, "fired": self.fired}


class FaultError(ValueError):
    """Something was asked for that is no fault, or a rule that is not there."""


class Faults:
    """The rules of one account, in the order in which they were made."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Standing]:
        return [_standing(kept) for kept in self._store.all("fault")]

    def add(self, asked: dict[str, Any], *, identifier: str | None = None) -> Standing:
        """A new rule, which has counted nothing yet."""
        try:
            rule = FaultRule.model_validate(asked)
        except ValidationError as error:
            raise FaultError(first_problem(error)) from error
        with self._store.write():
            standing = Standing(identifier or self._next_id(), rule)
            self._store.delete("fault", standing.id)
            self._keep(standing)
        return standing

    def clear(self, identifier: str | None = None) -> int:
        """Take one rule back, or all of them; how many there were."""
        with self._store.write():
            ids = [standing.id for standing in self.all() if identifier in {None, standing.id}]
            for one in ids:
                self._store.delete("fault", one)
        return len(ids)

    def of_call(self, method: str, path: str) -> list[FaultRule]:
        """The rules that hit this call: delays, and at most one fault, unseen by the rules after it."""
        if not any(one.rule.matches(method, path) for one in self.all()):
            return []
        found = []
        with self._store.write():
            for before in self.all():
                if not before.rule.matches(method, path):
                    continue
                after = before.next_call()
                self._keep(after)
                if after.fired > before.fired:
                    found.append(after.rule)
                    if after.rule.kind is not FaultKind.LATENCY:
                        break
        return found

    def _next_id(self) -> str:
        numbers = [int(standing.id) for standing in self.all() if standing.id.isdigit()]
        return str(max(numbers, default=0) + 1)

    def _keep(self, standing: Standing) -> None:
        self._store.put("fault", standing.id, standing.as_json())


def _standing(kept: dict[str, Any]) -> Standing:
    counted = {key: kept.pop(key) for key in ("id", "calls", "fired")}
    return Standing(rule=FaultRule.model_validate(kept), **counted)
