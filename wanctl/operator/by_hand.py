"""What a person does with kubectl's plugin: see where a project stands, choose a checkpoint, approve steps.

Each is a look at custom resources, or one patch of them on the condition that they are as they were seen; the
operator does the rest. Rights are those of the person: the account is not asked, and no ledger is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wanctl.base.errors import WanctlError
from wanctl.kubernetes.client import KubernetesClient
from wanctl.kubernetes.resources import KubeObject, name_of, version_of
from wanctl.operator.conditions import conditions_of
from wanctl.operator.custom_resources import ACCOUNT, PROJECT
from wanctl.operator.documents import project_of, spec_of
from wanctl.operator.inventory import kind_name, status_of, watched_kinds
from wanctl.operator.reporting import custom_type
from wanctl.render.text.line import TextLine

FEWEST_DIGITS = 8  # of a digest that a person types
_SHOWN = 12  # digits of a digest in a list
_STYLES = {"WaitingForPerson": "magenta", "Stalled": "bold red", "Reconciling": "cyan", "Ready": "green"}
_WITHOUT_ALGORITHM = "sha256:"


class PluginError(WanctlError):
    """It cannot be done; nothing was changed."""


@dataclass(frozen=True)
class SeenProject:
    """A project and the documents that are part of it, as the operator last said of them."""

    project: KubeObject
    documents: tuple[KubeObject, ...]

    @property
    def name(self) -> str:
        return name_of(self.project)

    @property
    def to_approve(self) -> list[dict[str, Any]]:
        """The steps that wait for approval, and last the plan as a whole."""
        status = status_of(self.project)
        steps = [*(status.get("toApprove") or ())]
        if steps and status.get("planDigest"):
            steps.append({"address": "the whole plan", "action": "", "digest": status["planDigest"]})
        return steps


async def look(client: KubernetesClient, namespace: str, name: str | None) -> list[SeenProject]:
    """This project, or all of the namespace."""
    what = custom_type(PROJECT)
    if name:
        projects: tuple[KubeObject, ...] = (await client.get(what, name, namespace),)
    else:
        projects = (await client.list(what, namespace)).items
    kinds = [kind for kind in watched_kinds() if kind not in {ACCOUNT, PROJECT}]
    documents = [one for kind in kinds for one in (await client.list(custom_type(kind), namespace)).items]
    return [
        SeenProject(project, tuple(one for one in documents if project_of(one) == name_of(project)))
        for project in sorted(projects, key=name_of)
    ]


def view_lines(view: SeenProject) -> Iterator[TextLine]:
    """Where it stands, each document with what is next, and what to approve."""
    status = status_of(view.project)
    state = str(status.get("state") or "not looked at yet")
    yield TextLine.assemble((f"{PROJECT}/{view.name}", "bold"), f": {state.replace('_', ' ')}")
    yield from _conditions(view.project, "  ")
    for one in view.documents:
        about = status_of(one)
        next_step = " ".join(
            str(about[key]).replace("_", " ") for key in ("action", "state") if about.get(key)
        )
        yield TextLine(f"  {kind_name(one)}/{name_of(one)}: {next_step or 'not looked at yet'}")
        yield from _conditions(one, "    ")
    for step in view.to_approve:
        what = f"{step.get('action', '')} {step.get('address', '')}".strip()
        digits = str(step.get("digest", "")).removeprefix(_WITHOUT_ALGORITHM)[:_SHOWN]
        yield TextLine(f"  to approve: {what}: kubectl wanctl approve {view.name} {digits}", "magenta")


def _conditions(one: KubeObject, indent: str) -> Iterator[TextLine]:
    """Those that hold, with their sentences; that all is well needs none."""
    for condition in conditions_of(status_of(one)):
        kind = str(condition.get("type"))
        if condition.get("status") == "True" and kind != "Ready" and condition.get("message"):
            yield TextLine.assemble(indent, (kind, _STYLES.get(kind, "")), f": {condition['message']}")


async def choose(client: KubernetesClient, namespace: str, name: str, checkpoint: str, of: str | None) -> str:
    """Write the choice; says what it was before. What it was made for goes with it."""
    what = custom_type("Checkpoint")
    seen = await client.get(what, name, namespace)
    before = spec_of(seen).get("checkpoint")
    changes: KubeObject = {
        "metadata": {"resourceVersion": version_of(seen)},
        "spec": {"checkpoint": checkpoint, "of": of},
    }
    await client.patch(what, name, changes, namespace)
    return f"Checkpoint/{name}: {before or 'no choice'} → {checkpoint}"


async def approve(client: KubernetesClient, namespace: str, name: str, digests: tuple[str, ...]) -> list[str]:
    """Add the digests of what waits to the project's approvals; says what each of them approves."""
    what = custom_type(PROJECT)
    project = await client.get(what, name, namespace)
    waiting = SeenProject(project, ()).to_approve
    steps = [_waiting_for(name, waiting, digits) for digits in digests]
    known = [*(spec_of(project).get("approvals") or ())]
    new = [step["digest"] for step in steps if step["digest"] not in known]
    changes: KubeObject = {
        "metadata": {"resourceVersion": version_of(project)},
        "spec": {"approvals": [*known, *dict.fromkeys(new)]},
    }
    await client.patch(what, name, changes, namespace)
    return [f"approved: {step['action']} {step['address']}".replace("  ", " ") for step in steps]


def _waiting_for(name: str, waiting: list[dict[str, Any]], digits: str) -> dict[str, Any]:
    """The one step whose digest begins so: nothing is approved that nobody was asked about."""
    typed = digits.removeprefix(_WITHOUT_ALGORITHM).lower()
    if len(typed) < FEWEST_DIGITS:
        raise PluginError(f"{digits} is too short: at least {FEWEST_DIGITS} digits of a digest")
    found = [one for one in waiting if str(one["digest"]).removeprefix(_WITHOUT_ALGORITHM).startswith(typed)]
    if len(found) != 1:
        raise PluginError(
            f"{PROJECT}/{name} waits for no approval of {digits}",
            f"kubectl wanctl plan {name} shows what it waits for",
        )
    return found[0]
