"""Who is applying: a lease with its holder, its run and an expiry. Stores keep it; apply renews it."""

from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from wanctl.base.errors import WanctlError
from wanctl.ledger.errors import LeaseDamagedError

LEASE_TTL = timedelta(minutes=5)


class Process(BaseModel):
    """A process as its own machine knows it; no other machine can say anything about it."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    place: str  # machine, boot and space of process ids
    pid: int
    started: str  # process ids are given again


class HolderPod(BaseModel):
    """A Pod as the cluster of the ledger knows it; a later one of the same name has another uid."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Lease(BaseModel):
    """One holder's claim, good until `expires`, or until its process is known to be dead, or its Pod gone."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    token: str
    holder: str
    run: str | None = None
    since: AwareDatetime
    expires: AwareDatetime
    process: Process | None = None
    pod: HolderPod | None = None

    def expired(self, now: datetime) -> bool:
        return now >= self.expires

    def renewed(self, now: datetime) -> "Lease":
        return self.model_copy(update={"expires": now + LEASE_TTL})

    @property
    def who(self) -> str:
        """The holder, with the run where its log is."""
        return f"{self.holder} ({self.run})" if self.run else self.holder


class LeaseHeld(WanctlError):  # noqa: N818 - it is a state of the world, not a fault
    """Somebody else holds the lease."""

    def __init__(self, held: Lease, location: str) -> None:
        self.held = held
        super().__init__(
            f"Another apply is running: {held.who}, since {held.since:%Y-%m-%d %H:%M:%S %Z}. "
            f"Its lease on {location} runs out at {held.expires:%H:%M:%S %Z} unless it is renewed. "
            "If that run is dead for sure: wanctl ledger unlock."
        )


class LeaseLost(WanctlError):  # noqa: N818 - likewise
    """The lease was ours, and is no more: nothing may be called or written in its name."""

    def __init__(self, held: Lease | None, location: str) -> None:
        self.held = held
        how = (
            f"{held.who} took it over at {held.since:%Y-%m-%d %H:%M:%S %Z}"
            if held
            else "it ran out and another run came and went, or a person removed it"
        )
        super().__init__(
            f"This run lost its lease on {location}: {how}. It stops here, and makes no further call; a call "
            "whose result it could not write is an open intent in the ledger. Run the same command again."
        )


def decode_lease(text: str | None, location: str) -> Lease | None:
    """The lease in this text; None where it is free."""
    if not text:
        return None
    try:
        return Lease.model_validate_json(text)
    except ValidationError as error:
        raise LeaseDamagedError(
            f"The lease on {location} is damaged, so nobody knows who is applying. "
            "If no apply is running: wanctl ledger unlock."
        ) from error
