"""The specs of a project that stands in custom resources, as a round reads them; and what deleting an object
means for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from wanctl.address import Address
from wanctl.engine.gates import Gate
from wanctl.language.load import load_project
from wanctl.language.resources import Desired, Resource
from wanctl.ledger.record import Record
from wanctl.operator.crds import OF_THE_ACCOUNT
from wanctl.operator.custom_resources import DeletionPolicy, StudioAccountSpec
from wanctl.operator.documents import KubeObject, ProjectObjects, spec_of
from wanctl.operator.inventory import address_of, generation_of, is_leaving
from wanctl.plan import Action, Plan
from wanctl.project import Project
from wanctl.project.errors import ProjectError
from wanctl.watch.checkout import Commit
from wanctl.watch.policy import Policy


@dataclass(frozen=True)
class ObjectSpecs:
    """One moment of a project's objects. What is deleted is absent, once nothing that stays refers to it."""

    objects: ProjectObjects
    folder: Path
    leaving: frozenset[Address] = field(default_factory=frozenset)

    @property
    def directory(self) -> Path:
        return self.folder

    def update(self) -> Commit:
        return Commit(f"generation {generation_of(self.objects.project)}")

    def load(self, _: str | None) -> Desired:
        """As files are loaded; the environment stands in the project's object."""
        if not self.leaving:
            return self.objects.load(self.folder)
        present = self.objects.load(self.folder)
        absent = self.leaving - needed(present.resources, self.leaving)
        return replace(self.objects, absent=absent).load(self.folder) if absent else present

    def approved(self) -> frozenset[str]:
        return approvals_of(self.objects)

    def as_committed(self, text: str) -> str:
        """Without the operator's own folders."""
        return text.replace(f"{self.folder}/", "")


@dataclass(frozen=True)
class ArtifactSpecs:
    """A project whose files are in an artifact of Flux. What leaves the files is as with any branch: it was
    reviewed there. The account and the ledger are those that the operator knows, and no other."""

    objects: ProjectObjects
    folder: Path  # with wanctl.yaml
    revision: str

    @property
    def directory(self) -> Path:
        return self.folder

    def update(self) -> Commit:
        return Commit(self.revision)

    def load(self, _: str | None) -> Desired:
        environment = spec_of(self.objects.project).get("environment")
        desired = load_project(self.folder, environment if isinstance(environment, str) else None)
        if desired.shares_models or desired.settings.trains_in:
            raise ProjectError(
                "trains_in is not kept by the operator", "let each environment train for itself"
            )
        account, settings = spec_of(self.objects.account), desired.settings
        for key in OF_THE_ACCOUNT:
            known = account.get(key, StudioAccountSpec.model_fields[key].default)
            if getattr(settings, key) != known:
                raise ProjectError(
                    f"{key} is {getattr(settings, key)} in wanctl.yaml, and {known} in the StudioAccount",
                    "name the account that is meant, or write its values there",
                )
        ledger = self.objects.ledger or settings.ledger
        return replace(desired, settings=settings.model_copy(update={"ledger": ledger}))

    def approved(self) -> frozenset[str]:
        return approvals_of(self.objects)

    def as_committed(self, text: str) -> str:
        return text.replace(f"{self.folder}/", "")


def approvals_of(objects: ProjectObjects) -> frozenset[str]:
    """The digests that stand in the project's object."""
    found = spec_of(objects.project).get("approvals")
    texts = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    return frozenset(one.strip().lower().removeprefix("sha256:") for one in texts)


def needed(resources: Mapping[Address, Resource], leaving: frozenset[Address]) -> frozenset[Address]:
    """What is to go and cannot yet, since something that stays refers to it."""
    staying = {address for address in resources if address not in leaving}
    held: set[Address] = set()
    while more := {
        one for each in staying | held for one in resources[each].references if one in leaving - held
    }:
        held |= more
    return frozenset(held)


def leaving_of(objects: ProjectObjects) -> frozenset[Address]:
    """The documents that somebody deletes, where that means to delete what is live."""
    if policy_of_deletion(objects.project) is DeletionPolicy.RETAIN:
        return frozenset()
    return frozenset(found for one in objects.documents if is_leaving(one) and (found := address_of(one)))


def policy_of_deletion(project: KubeObject) -> DeletionPolicy:
    """Retain, unless it surely says otherwise."""
    written = spec_of(project).get("deletionPolicy")
    return DeletionPolicy.DELETE if written == DeletionPolicy.DELETE else DeletionPolicy.RETAIN


def policy_of(objects: ProjectObjects) -> Policy:
    """What waits for a person. What cannot be read asks for approval of everything."""
    spec = spec_of(objects.project)
    words = spec.get("requireApproval", [])
    try:
        actions = frozenset(Action(word) for word in words)
    except (TypeError, ValueError):  # the models tell it; until then nothing is done
        actions = frozenset(Action)
    return Policy(spec.get("selfHeal") is True, actions)


def absent_is_kept(project: Project, record: Record) -> tuple[Gate, ...]:
    """Nothing is ended because its object is missing: it may have been lost, or be hidden from us. A trial
    that was begun beside the specs has its own end."""
    known = frozenset(project.desired.resources)

    def gate(plan: Plan, _: datetime) -> Plan:
        steps = tuple(
            step
            for step in plan.steps
            if step.address in known
            or not (step.deletes or step.action in {Action.DELETE, Action.CANCEL})
            or record.entry(step.address).trial
        )
        return replace(plan, steps=steps) if len(steps) < len(plan.steps) else plan

    return (gate,)
