"""Names that callers need."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wanctl.address import Address, Kind
from wanctl.base.words import listed
from wanctl.kinds.registry import called_kind, kind_of
from wanctl.language.resources import resource_named
from wanctl.plan import Action, When
from wanctl.project.errors import ProjectError
from wanctl.render.visible import json_text

if TYPE_CHECKING:
    from wanctl.project import Project


@dataclass(frozen=True)
class Output:
    """One name, and what is known around it."""

    address: Address
    variable: str
    value: str
    facts: dict[str, Any]

    def render(self, format_: str) -> str:
        if format_ == "json":
            return json_text(self.to_dict())
        if format_ == "dotenv":
            return f"{self.variable}={self.value}\n"
        return f"{self.value}\n"

    def to_dict(self) -> dict[str, Any]:
        """The document of `wanctl output --format json`."""
        return {"address": str(self.address), **self.facts}

    def __str__(self) -> str:
        return self.value


async def output_of(project: "Project", name: str | None) -> Output:
    """The remote name of a resource that is ready; anything else is an error that says how far it is.

    A name alone means what callers ask for, which is the last of the kinds that go with their documents;
    without a name the only one of that kind is meant.
    """
    address = _only(project, called_kind()) if name is None else named(project, name, called_kind())
    kind = kind_of(address)
    word, missing = kind.output.word, kind.output.missing
    async with project.session() as session:
        plan = (await session.survey()).plan
        step = plan.step(address)
        serving = step and (
            step.when is When.DONE or step.action in {Action.SCALE, Action.PROTECT, Action.UNPROTECT}
        )
        if step is None or step.remote_id is None or not serving:
            raise ProjectError(f"{address} {missing}: {step.reason if step else 'unknown'}")
        facts: dict[str, Any] = {word: step.remote_id}
        if session.snapshot:
            facts |= kind.facts(step.remote_id, session.snapshot, session.desired)
        variable = re.sub(r"\W", "_", f"{address.name}_{word}").upper()
        return Output(address, variable, step.remote_id, facts)


def _only(project: "Project", kind: Kind) -> Address:
    """The one resource of this kind; where there are more, somebody has to say which."""
    found = [address for address in project.desired.resources if address.kind == kind]
    if len(found) != 1:
        raise ProjectError(
            f"the specs hold {listed(map(str, found)) if found else f'no {kind}'}", "say whose name is wanted"
        )
    return found[0]


def named(project: "Project", text: str, kind: Kind | None = None) -> Address:
    """The resource that a person means."""
    return resource_named(text, project.desired.resources, kind)
