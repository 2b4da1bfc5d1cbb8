"""What is arranged to go wrong: one-time outcomes, outages, and the service's quirks as switches."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from wanctl.sandbox.store import Store


@dataclass(frozen=True)
class Quirks:
    """How the service behaves where its documents leave it open. The defaults are the likeliest."""

    echo_file_ids: bool = True  # False: a job answers training_file_ids: []
    keep_job_name: bool | str = True  # False: a given job_name is dropped; "reject": it is a 400
    job_quota: int = 20  # jobs in training or succeeded that an account may have


class RiggingError(ValueError):
    """Something was asked for that cannot be arranged."""


class Rig:
    """The arrangements, kept in the store like everything else."""

    KNOWN = frozenset(
        {"next_job", "next_export", "next_deployment", "message", "outage", "quirks", "job_quota"}
    )

    def __init__(self, store: Store) -> None:
        self._store = store

    def arrange(self, wishes: dict[str, Any]) -> None:
        unknown = set(wishes) - self.KNOWN
        if unknown:
            raise RiggingError(
                f"cannot arrange {', '.join(sorted(unknown))}; there is {', '.join(sorted(self.KNOWN))}"
            )
        for key, value in wishes.items():
            if key == "quirks":
                self._set("quirks", asdict(self._with(value)))
            elif key == "job_quota":
                self._set("quirks", asdict(self._with({"job_quota": value})))
            else:
                self._set(key, value)

    @property
    def quirks(self) -> Quirks:
        return Quirks(**(self._get("quirks") or {}))

    def take(self, key: str) -> Any:
        """A one-time arrangement: given once, then gone."""
        value = self._get(key)
        if value is not None:
            self._set(key, None)
        return value

    def outage(self) -> int | None:
        """The status with which this request fails, if it does."""
        outage = self._get("outage")
        if not outage:
            return None
        if outage.get("after", 0) > 0:
            self._set("outage", {**outage, "after": outage["after"] - 1})
            return None
        count = outage.get("count")
        if count is not None:
            self._set("outage", {**outage, "count": count - 1} if count > 1 else None)
        return int(outage.get("status", 503))

    def _with(self, changes: dict[str, Any]) -> Quirks:
        known = {field.name for field in fields(Quirks)}
        if unknown := set(changes) - known:
            raise RiggingError(f"no quirk {', '.join(sorted(unknown))}; there is {', '.join(sorted(known))}")
        return Quirks(**{**asdict(self.quirks), **changes})

    def _get(self, key: str) -> Any:
        return json.loads(self._store.meta(f"rig.{key}") or "null")

    def _set(self, key: str, value: Any) -> None:
        self._store.set_meta(f"rig.{key}", json.dumps(value))
