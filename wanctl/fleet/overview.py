"""Many projects in a table: what each is at, who has to act, what it costs. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from wanctl.base.words import counted, first_line, listed
from wanctl.fleet.fleet_file import MemberName
from wanctl.plan import Action, Plan, Status, Step, When
from wanctl.render.summary import Impact, impact_of
from wanctl.render.words import spell_amounts, spell_progress

FAILING, STARTING = "failing", "starting"
_MOST_NAMED = 3
STATES = (  # what needs somebody comes first
    FAILING,
    Status.ERROR.value,
    Status.BLOCKED.value,
    Status.WAITING_FOR_PERSON.value,
    Status.CHANGES.value,
    Status.IN_PROGRESS.value,
    STARTING,
    Status.CONVERGED.value,
)


@dataclass(frozen=True)
class ProjectView:
    """One project at a moment."""

    name: MemberName
    plan: Plan | None = None
    errors: tuple[str, ...] = ()  # of the last round; the plan is an older one's

    @property
    def state(self) -> str:
        """The whole in a word, as in JSON and metrics."""
        if self.errors:
            return FAILING
        return self.plan.status.value if self.plan else STARTING

    @property
    def project(self) -> str:
        return self.plan.project if self.plan else ""

    @cached_property
    def training(self) -> tuple[Step, ...]:
        steps = self.plan.steps if self.plan else ()
        return tuple(one for one in steps if one.when is When.SERVICE and one.action is Action.TRAIN)

    @cached_property
    def waiting(self) -> tuple[Step, ...]:
        """The steps that a person holds up, but for those behind others."""
        steps = self.plan.steps if self.plan else ()
        return tuple(one for one in steps if one.when is When.PERSON and not one.after)

    @cached_property
    def billed(self) -> Mapping[str, Decimal]:
        """What the trainings have cost, by currency."""
        spent: dict[str, Decimal] = {}
        for step in self.plan.steps if self.plan else ():
            cost = step.cost
            if cost and cost.billed_amount is not None:
                currency = cost.currency or ""
                spent[currency] = spent.get(currency, Decimal(0)) + cost.billed_amount
        return spent

    @property
    def spent(self) -> str:
        return _amounts(self.billed)

    @cached_property
    def to_come(self) -> str:
        """What trains, and what will be begun, may cost; empty where nothing does."""
        if self.plan is None:
            return ""
        return Impact(billed=(*self.training, *impact_of(self.plan).billed), lost=()).amount

    @property
    def money(self) -> str:
        """What its trainings have cost, and what is still to come."""
        parts = (self.spent and f"billed {self.spent}", self.to_come and f"{self.to_come} to come")
        return ", ".join(part for part in parts if part)

    @property
    def sentence(self) -> str:
        """The one thing to know."""
        if self.errors:
            return first_line(self.errors[0])
        if self.waiting:
            first = self.waiting[0]
            more = f"; and {len(self.waiting) - 1} more" if len(self.waiting) > 1 else ""
            return f"{first.address} waits for a person: {first.reason}{more}"
        if self.training:
            shown = self.training[:_MOST_NAMED]
            names = [f"{one.address} trains, {spell_progress(one).lower()}" for one in shown]
            left = len(self.training) - len(shown)
            return listed([*names, f"{left} more"] if left else names)
        pending = len(self.plan.pending) if self.plan else 0
        return counted(pending, "step to do", "steps to do") if pending else ""

    def as_json(self) -> dict[str, Any]:
        return {
            "folder": self.name.folder,
            "environment": self.name.environment or None,
            "project": self.project or None,
            "status": self.state,
            "errors": list(self.errors),
            "training": [_step_json(one) for one in self.training],
            "waiting": [_step_json(one) for one in self.waiting],
            "billed": {currency: str(amount) for currency, amount in self.billed.items()},
            "to_come": self.to_come or None,
        }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "address": str(step.address),
        "reason": step.reason,
        "progress": step.progress.as_json() if step.progress else None,
        "cost": step.cost.as_json() if step.cost else None,
    }


@dataclass(frozen=True)
class Overview:
    """The fleet at a moment; what needs somebody comes first."""

    projects: tuple[ProjectView, ...]
    errors: Mapping[str, tuple[str, ...]]  # repositories that cannot be had

    @classmethod
    def of(
        cls, projects: Iterable[ProjectView], errors: Mapping[str, tuple[str, ...]] | None = None
    ) -> "Overview":
        ordered = sorted(projects, key=lambda one: (STATES.index(one.state), one.name))
        return cls(tuple(ordered), errors or {})

    @cached_property
    def counts(self) -> dict[str, int]:
        """State → how many projects, in the order of the table."""
        found = dict.fromkeys(STATES, 0)
        for one in self.projects:
            found[one.state] += 1
        return {state: count for state, count in found.items() if count}

    def only(self, state: str = "", text: str = "") -> tuple[ProjectView, ...]:
        """Those in a state, and those with these letters in their name, or in what is said of them."""
        wanted = text.casefold()
        return tuple(
            one
            for one in self.projects
            if (not state or one.state == state)
            and (not wanted or wanted in f"{one.name} {one.project} {one.sentence}".casefold())
        )

    @property
    def sentence(self) -> str:
        """4 projects: 1 failing, 3 converged."""
        states = ", ".join(f"{count} {spell(state)}" for state, count in self.counts.items())
        total = counted(len(self.projects), "project")
        return f"{total}: {states}" if states else "no projects"

    @property
    def money(self) -> str:
        """What the trainings that are known have cost so far."""
        total: dict[str, Decimal] = {}
        for one in self.projects:
            for currency, amount in one.billed.items():
                total[currency] = total.get(currency, Decimal(0)) + amount
        return _amounts(total)

    @property
    def failed(self) -> bool:
        """A project, or a clone, is broken."""
        return bool(self.errors) or any(one.state in {FAILING, Status.ERROR} for one in self.projects)

    def as_json(self, state: str = "") -> dict[str, Any]:
        return {
            "format_version": "1.0",
            "counts": self.counts,
            "errors": {name: list(lines) for name, lines in self.errors.items()},
            "projects": [one.as_json() for one in self.only(state)],
        }


def spell(state: str) -> str:
    """As a person reads it."""
    return state.replace("_for_person", " for a person").replace("_", " ")


def _amounts(by_currency: Mapping[str, Decimal]) -> str:
    return " and ".join(f"{spell_amounts(one, one)} {name}" for name, one in sorted(by_currency.items()))
