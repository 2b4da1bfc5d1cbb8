"""Arranged faults of objects: one-time outcomes, and the service's quirks as switches.

A new one is a field of `Wishes` or `Quirks` here, and one line in the endpoint where it happens. What goes
wrong with calls, whatever they are about, is in `faults`.
"""

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, ValidationError
from pydantic.dataclasses import dataclass

from wanctl.sandbox.bodies import first_problem
from wanctl.sandbox.faults.rules import OUTAGE, FaultKind, Faults
from wanctl.sandbox.state.store import Store

_ONE_TIME = {
    *("next_job", "message", "next_export", "next_deployment", "next_task", "next_list_shift"),
    *("next_scale", "next_delete", "next_filling", "next_answer"),
}
_STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, config=_STRICT)
class Quirks:
    """How the service behaves where its documents leave it open. The defaults are the likeliest."""

    echo_file_ids: bool = True  # False: a job answers training_file_ids: []
    echo_config: bool = False  # True: a deployment answers the aigc_config that it was given
    echo_all_parameters: bool = False  # True: a job answers max_pixels and what was not sent, too
    numbers_as_text: bool = False  # True: a job answers learning_rate as a string
    keep_job_name: bool | Literal["reject"] = True  # False: a given job_name is dropped; "reject": a 400
    keep_ended_jobs: bool = False  # True: a job that has ended cannot be deleted
    job_quota: int = 20  # jobs in training or succeeded that an account may have
    export_last: bool = True  # False: the last checkpoint too waits for somebody to export it
    unique_display_names: bool = True  # False: a display name may serve two exports
    labels_as_text: bool = True  # False: validation-results come in the order of their numbers
    early_previews: bool = False  # True: validation-results tell of a checkpoint as soon as it is made
    links_refuse_keys: bool = True  # False: a signed link takes an Authorization beside its signature
    processing_seconds: NonNegativeFloat = 0.0  # for which an upload is `processing`
    list_lag: NonNegativeFloat = 0.0  # seconds for which lists do not show what is new
    list_lag_calls: NonNegativeInt = 0  # how many lists of its kind do not show it
    list_order: Literal["newest", "random"] = "newest"  # random: mixed by the account's seed
    list_shift: Literal[-1, 0, 1] = (
        0  # 1: after page 1 something came, so a row is seen twice; -1: one is missed
    )
    largest_page: NonNegativeInt = 0  # rows that a list gives at once, whatever was asked for; 0: as asked
    strict: bool | None = None  # whether what the documents demand is refused; None: as it was opened
    newer_answers: bool = False  # True: answers as the pages of September and October 2026 show them
    failed_previews: list[str] = Field(default_factory=list)  # globs: checkpoints whose previews failed
    scalable: bool = False  # True: a deployment of plan lora takes another capacity
    delete_running: bool = True  # False: only a deployment that is STOPPED or FAILED can be deleted
    unknown_status: Annotated[str, Field(min_length=1)] | None = None  # shown for a while before RUNNING


class Outage(BaseModel):
    """Every request after the first few fails, so many times or until it is lifted: a fault for all calls."""

    model_config = _STRICT

    status: int = Field(default=503, ge=400, le=599)
    after: int = Field(default=0, ge=0)
    count: int | None = Field(default=None, ge=0)

    def rule(self) -> dict[str, Any]:
        count = "all" if self.count is None else self.count
        return {"kind": FaultKind.STATUS, "status": self.status, "nth": self.after + 1, "count": count}


class WantedFaults(BaseModel):
    """All that may be arranged. null takes an arrangement back."""

    model_config = _STRICT

    next_job: Literal["FAILED"] | None = None
    message: str | None = None  # why it fails
    next_export: Literal["FAILED", "REFUSED", "UNSUPPORTED"] | None = None
    next_scale: Literal["REFUSED"] | None = None
    next_delete: Literal["REFUSED"] | None = None  # of a deployment
    next_deployment: Literal["FAILED"] | None = None
    next_task: Literal["FAILED", "BLACK", "STILL", "SHORT", "SMALL"] | None = None  # or how its video is
    next_filling: Literal["FAILED"] | None = None  # of a deployment's template: its default prompt is taken
    next_answer: str | None = None  # of a vision model: this very text
    next_list_shift: Literal[-1, 1] | None = None  # as the quirk, for one page
    deployment: str | None = None  # its deployed_model
    status: str | None = None  # which it shows from now on; RUNNING: it is up
    outage: Outage | None = None
    job_quota: int | None = None
    quirks: dict[str, Any] | None = None


class FaultSetupError(ValueError):
    """Something was asked for that cannot be arranged."""


class Rig:
    """The arrangements, kept in the store like everything else."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._quirks: tuple[str, Quirks] = ("", Quirks())

    def arrange(self, asked: dict[str, Any]) -> WantedFaults:
        """Take it all down, or nothing; the status of a deployment is for the caller to set."""
        try:
            wanted_faults = WantedFaults.model_validate(asked)
            changes = dict(wanted_faults.quirks or {})
            if wanted_faults.job_quota is not None:
                changes["job_quota"] = wanted_faults.job_quota
            quirks = Quirks(**{**asdict(self.quirks), **changes})
        except ValidationError as error:
            known = sorted(WantedFaults.model_fields)
            raise FaultSetupError(f"{first_problem(error)}; there is {', '.join(known)}") from error
        if changes:
            self._set("quirks", asdict(quirks))
        for key in _ONE_TIME & asked.keys():
            self._set(key, getattr(wanted_faults, key))
        if wanted_faults.outage:
            self._faults.add(wanted_faults.outage.rule(), identifier=OUTAGE)
        elif "outage" in asked:
            self._faults.clear(OUTAGE)
        return wanted_faults

    @property
    def quirks(self) -> Quirks:
        kept = self._store.meta("rig.quirks") or ""
        if kept != self._quirks[0]:
            self._quirks = (kept, Quirks(**json.loads(kept or "{}")))
        return self._quirks[1]

    def take(self, key: str) -> Any:
        """A one-time arrangement: given once, then gone."""
        value = self._get(key)
        if value is not None:
            self._set(key, None)
        return value

    def _get(self, key: str) -> Any:
        return json.loads(self._store.meta(f"rig.{key}") or "null")

    def _set(self, key: str, value: Any) -> None:
        self._store.set_meta(f"rig.{key}", json.dumps(value))
