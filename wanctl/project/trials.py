"""The trials that the ledger knows, held against the account."""

from dataclasses import dataclass
from typing import Any

from wanctl.address import Address
from wanctl.engine.observe import RunSession
from wanctl.ledger.record import Record, Trial
from wanctl.studio.objects import DeploymentStatus


@dataclass(frozen=True)
class StandingTrial:
    """A trial, as the ledger and the account know it."""

    address: Address
    trial: Trial
    deployed_model: str | None
    status: str  # as the service says it, or why there is none

    @property
    def serves(self) -> bool:
        return self.status == DeploymentStatus.RUNNING

    @property
    def spelled(self) -> str:
        """What it is, in a few words."""
        return f"a trial of {self.trial.label} until {self.trial.until:%Y-%m-%d %H:%M}"

    def to_dict(self) -> dict[str, Any]:
        """A row of `wanctl try --list --format json`."""
        return {
            "address": str(self.address),
            "checkpoint": self.trial.checkpoint,
            "label": self.trial.label,
            "until": self.trial.until.isoformat(),
            "deployed_model": self.deployed_model,
            "status": self.status,
        }


def trials_in(record: Record) -> dict[Address, Trial]:
    """The trials that the ledger knows, by their addresses."""
    return {Address.parse(text): one.trial for text, one in record.entries.items() if one.trial}


def trials_of(session: RunSession) -> tuple[StandingTrial, ...]:
    """The trials of the ledger, held against the account as a session read it."""
    assert session.snapshot is not None  # noqa: S101 - it was surveyed
    record, live = session.journal.record, session.snapshot.deployment_by_id
    found = []
    for address, trial in sorted(trials_in(record).items()):
        current = record.entry(address).current
        seen = live.get(current.remote_id) if current else None
        status = str(seen.status) if seen else "not deployed"
        found.append(StandingTrial(address, trial, seen.deployed_model if seen else None, status))
    return tuple(found)
