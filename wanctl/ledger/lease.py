"""Who is applying: a lease with its holder, its run and an expiry. Stores keep it; apply renews it."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

LEASE_TTL = timedelta(minutes=5)


class Lease(BaseModel):
    """One holder's claim, good until `expires`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    token: str
    holder: str
    run: str | None = None
    since: datetime
    expires: datetime

    def expired(self, now: datetime) -> bool:
        return now >= self.expires

    def renewed(self, now: datetime) -> "Lease":
        return self.model_copy(update={"expires": now + LEASE_TTL})


class LeaseHeld(Exception):  # noqa: N818 - it is a state of the world, not a fault
    """Somebody else holds the lease (or took it over from us)."""

    def __init__(self, held: Lease | None, location: str) -> None:
        self.held = held
        self.location = location
        if held is None:
            super().__init__(f"The lease on {location} is gone: it was released or removed by somebody else.")
            return
        run = f" ({held.run})" if held.run else ""
        super().__init__(
            f"Another apply is running: {held.holder}{run}, since {held.since:%Y-%m-%d %H:%M:%S %Z}. "
            f"Its lease on {location} runs out at {held.expires:%H:%M:%S %Z} unless it is renewed."
        )


def decode_lease(text: str) -> Lease:
    return Lease.model_validate_json(text)
