"""Names that callers need."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wanctl.address import Address, Kind
from wanctl.base.words import listed
from wanctl.engine.observe import RunSession
from wanctl.engine.planner import Draft
from wanctl.kinds.registry import called_kind, kind_of
from wanctl.language.resources import UnknownName, resource_named
from wanctl.plan import Step
from wanctl.project.errors import ProjectError
from wanctl.project.trials import StandingTrial, trials_in, trials_of
from wanctl.render.visible import json_text

if TYPE_CHECKING:
    from wanctl.project import Project


@dataclass(frozen=True)
class Output:
    """One name that callers can use now, and what is known around it."""

    address: Address
    variable: str
    value: str
    facts: dict[str, Any]

    def render(self, format_: str) -> str:
        if format_ == "json":
            return json_text(self.to_dict())
        return self.as_dotenv() if format_ == "dotenv" else f"{self.value}\n"

    def as_dotenv(self) -> str:
        return f"{self.variable}={self.value}\n"

    def to_dict(self) -> dict[str, Any]:
        """The document of `wanctl output --format json`."""
        return {"address": str(self.address), **self.facts}

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class OutputList:
    """The names of all resources of a kind, and why the others have none."""

    found: tuple[Output, ...]
    missing: Mapping[Address, str]
    trials: tuple[StandingTrial, ...] = ()  # which nobody but who tries them should call

    def render(self, format_: str) -> str:
        if format_ == "json":
            return json_text(self.to_dict())
        if format_ == "dotenv":
            return "".join(one.as_dotenv() for one in self.found)
        rows = [(str(one.address), one.value) for one in self.found]
        rows += [(str(one.address), f"{one.deployed_model}  ({one.spelled})") for one in self.trials]
        width = max((len(address) for address, _ in rows), default=0)
        return "".join(f"{address.ljust(width)}  {value}\n" for address, value in rows)

    def to_dict(self) -> dict[str, Any]:
        """The document of `wanctl output --format json` without a name."""
        return {
            "outputs": [one.to_dict() for one in self.found],
            "missing": [{"address": str(one), "reason": reason} for one, reason in self.missing.items()],
            **({"trials": [one.to_dict() for one in self.trials]} if self.trials else {}),
        }


async def output_of(project: "Project", name: str | None) -> Output:
    """The name of what serves now, whatever is planned for it; where nothing does, an error that says why.

    A name alone means what callers ask for, which is the last of the kinds that go with their documents;
    without a name the only one of that kind is meant.
    """
    address = _only(project, called_kind()) if name is None else _known(project, name)
    found = await _outputs(project, [address])
    if not found.found:
        raise ProjectError(f"{address} {kind_of(address).output.missing}: {found.missing[address]}")
    return found.found[0]


async def outputs_of(project: "Project") -> OutputList:
    """The names of all that callers ask for; where there is none at all, an error that says why."""
    kind = called_kind()
    wanted = [address for address in project.desired.resources if address.kind == kind]
    if not wanted:
        raise ProjectError(f"the specs hold no {kind}")
    found = await _outputs(project, wanted)
    if not found.found and not found.trials:
        missing = kind_of(wanted[0]).output.missing
        raise ProjectError("; ".join(f"{one} {missing}: {reason}" for one, reason in found.missing.items()))
    return found


async def _outputs(project: "Project", addresses: Sequence[Address]) -> OutputList:
    found, missing = [], {}
    async with project.session() as session:
        draft = await session.survey()
        trials = [one for one in trials_of(session) if one.serves]
        for address in addresses:
            if trial := next((one for one in trials if one.address == address), None):
                found.append(_of_trial(session, trial))
                continue
            step = draft.plan.step(address)
            names = _serving(session, draft, address, step) if step else ()
            if step and names:
                found.append(_output(session, step, names))
            else:
                missing[address] = step.reason if step else "unknown"
    return OutputList(tuple(found), missing, tuple(trials))


def _serving(session: RunSession, draft: Draft, address: Address, step: Step) -> tuple[str, ...]:
    assert session.snapshot is not None  # noqa: S101 - it was surveyed
    entry = draft.learned.get(address) or session.journal.record.entry(address)
    return kind_of(address).in_service(step, entry, session.snapshot)


def _output(session: RunSession, step: Step, names: tuple[str, ...]) -> Output:
    """The first of the names, with the facts of it, and what the plan has for it."""
    assert session.snapshot is not None  # noqa: S101 - it was surveyed
    kind, value = kind_of(step.address), names[0]
    facts: dict[str, Any] = {
        kind.output.word: value,
        **kind.facts(value, session.snapshot, session.desired),
        "serving_too": list(names[1:]),
        "next": None if step.settled else _what_comes(step),
    }
    return Output(step.address, _variable(step.address), value, facts)


def _of_trial(session: RunSession, trial: StandingTrial) -> Output:
    assert session.snapshot is not None  # noqa: S101 - it was surveyed
    kind, value = kind_of(trial.address), trial.deployed_model or ""
    facts = {kind.output.word: value, **kind.facts(value, session.snapshot, session.desired)}
    facts |= {"trial_until": trial.trial.until.isoformat()}
    return Output(trial.address, _variable(trial.address), value, facts)


def _variable(address: Address) -> str:
    return re.sub(r"\W", "_", f"{address.name}_{kind_of(address).output.word}").upper()


def _what_comes(step: Step) -> dict[str, Any]:
    """What changes or replaces it, and when."""
    kind = kind_of(step.address)
    return {
        "action": step.action.value,
        "when": step.when.value,
        "after": [str(address) for address in step.after],
        "reason": step.reason,
        kind.output.word: kind.successor(step),
        "progress": step.progress.as_json() if step.progress else None,
    }


def _only(project: "Project", kind: Kind) -> Address:
    """The one resource of this kind; where there are more, somebody has to say which."""
    found = [address for address in project.desired.resources if address.kind == kind]
    if len(found) != 1:
        raise ProjectError(
            f"the specs hold {listed(map(str, found)) if found else f'no {kind}'}", "say whose name is wanted"
        )
    return found[0]


def _known(project: "Project", text: str) -> Address:
    """A resource of the specs, or what is tried."""
    try:
        return named(project, text, called_kind())
    except UnknownName:
        trials = trials_in(project.record())
        if not trials:
            raise
        return resource_named(text, [*project.desired.resources, *trials], called_kind())


def named(project: "Project", text: str, kind: Kind | None = None) -> Address:
    """The resource that a person means."""
    return resource_named(text, project.desired.resources, kind)
