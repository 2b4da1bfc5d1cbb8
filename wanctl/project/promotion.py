"""Environments of one wanctl.yaml that share models: one trains, others deploy what it trained.

The documents of what is trained are those of the environment that trains, with its variables. Its ledger is
read without its lease, and never written. So are the ledgers of those that deploy what is trained here.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wanctl.address import Address
from wanctl.finding import Finding, Severity
from wanctl.language.findings import SpecErrors
from wanctl.language.load import load_project
from wanctl.language.resources import Desired
from wanctl.project.errors import ProjectError
from wanctl.rules import Rule

if TYPE_CHECKING:
    from wanctl.kinds.snapshot import Elsewhere
    from wanctl.ledger.record import Record
    from wanctl.project import Project


def load_specs(directory: Path, environment: str | None = None) -> Desired:
    """The specs in one environment; where another trains for it, what is trained is as that one has it."""
    own = load_project(directory, environment)
    name = own.settings.trains_in
    return own if name is None else with_trainer(own, load_project(directory, name))


def with_trainer(own: Desired, trainer: Desired) -> Desired:
    """The specs of an environment that only deploys, together with those of the one that trains for it."""
    from wanctl.kinds.registry import kind_of

    trained = {
        address: resource
        for address, resource in trainer.resources.items()
        if not kind_of(address).goes_with_its_document
    }
    serving = {
        address: resource
        for address, resource in own.resources.items()
        if kind_of(address).goes_with_its_document
    }
    missing = [
        Finding.at(
            resource.origin,
            Severity.ERROR,
            Rule.TRAINS_IN,
            f"{address} refers to {reference}, which the specs of {trainer.environment} do not hold",
            path=str(address),
            hint=f"its name has to be the same in both: look at vars: of {trainer.environment}",
        )
        for address, resource in serving.items()
        for reference in resource.references
        if reference not in trained
    ]
    if missing:
        raise SpecErrors(missing)
    return replace(
        own,
        resources={**trained, **serving},
        sources=trainer.sources,
        diagnostics=without_trained(own.diagnostics),
        renames={address: one for address, one in own.renames.items() if address in serving},
        trainer=trainer,
    )


def without_trained(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Without those about documents of what is trained: the environment that trains is told of them."""
    from wanctl.kinds.registry import kinds

    kept = {kind.kind for kind in kinds() if kind.goes_with_its_document}
    return tuple(one for one in findings if _kind_in(one.path) in {None, *kept})


def _kind_in(path: str) -> str | None:
    kind, slash, _ = path.partition("/")
    return kind if slash else None


def made_elsewhere(address: Address, desired: Desired, command: str) -> ProjectError:
    """Nothing is done here with what another environment makes."""
    env = desired.settings.trains_in
    return ProjectError(
        f"{address} is made in {env}, and {desired.environment or 'this environment'} only reads it",
        f"there: wanctl --env {env} {command}",
    )


def ledger_of(project: "Project", address: Address) -> "Record":
    """The ledger that tells of a resource: of what another environment makes it is that one's."""
    from wanctl.kinds.together import is_made_elsewhere

    trainer = project.desired.trainer
    if trainer and is_made_elsewhere(address, project.desired):
        return _trained(project, trainer)
    return project.record()


def read_elsewhere(project: "Project") -> "Elsewhere":
    """The ledgers of the environments that share models with this one, as they are now."""
    from wanctl.kinds.snapshot import Elsewhere
    from wanctl.ledger.errors import LedgerError

    desired, known, unread = project.desired, dict[str, str](), []
    trained = _trained(project, desired.trainer) if desired.trainer else None
    if trained:
        known |= _owned(trained, desired.settings.trains_in or "")
    for name, settings in desired.trained_for.items():
        store = project.store_of(name, settings.project, settings.ledger)
        try:
            record = store.load()
        except LedgerError:
            record = None
        if record is None:
            unread.append(name)
        else:
            known |= _owned(record, name)
    return Elsewhere(trained, known, tuple(unread))


def _trained(project: "Project", trainer: Desired) -> "Record":
    """The ledger of the environment that trains, checked to be its own; an empty one where there is none."""
    from wanctl.project.ledgers import record_of
    from wanctl.project.provider import endpoint_name

    settings, name = trainer.settings, trainer.environment or ""
    store = project.store_of(name, settings.project, settings.ledger)
    return record_of(store, settings.project, name, endpoint_name(settings, project.host))


def _owned(record: "Record", environment: str) -> dict[str, str]:
    """What it has there, and what a call may have made whose answer is not known."""
    from wanctl.kinds.registry import kind_of

    left = {
        name: one.address
        for one in record.intents
        if (name := kind_of(Address.parse(one.address)).left_by(one))
    }
    return {
        remote_id: f"{address} of {environment}" for remote_id, address in {**left, **record.users}.items()
    }
