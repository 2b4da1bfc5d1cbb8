"""What the account truly holds, and what the ledger says of it: read past the API and past the stores.

Through the API a quirk could hide what is there. A scene that was disturbed has to leave the state which
the same scene, undisturbed, left.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.crash.places import LedgerPlace
from tests.crash.project import MODEL, THEIR_MODEL, account
from wanctl.sandbox.api.deployments import status_of

OURS = "crash--"


@dataclass(frozen=True)
class AccountState:
    """Everything of ours by its id, with what matters of it; everything of others as it is."""

    files: Mapping[str, str]
    jobs: Mapping[str, str]  # without those that were deleted
    exports: Mapping[str, str]
    serving: Mapping[str, str]  # without those on their way out
    ever: tuple[int, int, int, int]  # jobs, exports, deployments and videos made in all, gone ones too
    foreign: str
    intents: tuple[str, ...]  # calls that the ledger still takes for open
    entries: Mapping[str, str]
    history: tuple[str, ...]

    def counts(self) -> tuple[int, int, int, int]:
        """Files, jobs that were not canceled, exports, deployments."""
        live = sum(status == "live" for status in self.jobs.values())
        return len(self.files), live, len(self.exports), len(self.serving)

    def unrecorded(self) -> list[str]:
        """What serves without the ledger's knowledge."""
        known = "; ".join(self.entries.values())
        return [name for name in self.serving if f"current {name}," not in known]

    def wrong(self, before: "AccountState", undisturbed: "AccountState") -> list[str]:
        """What a disturbed scene should not have left."""
        said = []
        for what in ("files", "jobs", "exports", "serving"):
            said += _differing(what, getattr(self, what), getattr(undisturbed, what), getattr(before, what))
        kinds = ("jobs", "exports", "deployments", "videos")
        for what, made, meant in zip(kinds, self.ever, undisturbed.ever, strict=True):
            if made != meant:
                said.append(f"{made} {what} were made in all instead of {meant}")
        if self.ever == before.ever and self.entries != undisturbed.entries:
            known, wanted = self.entries, undisturbed.entries
            odd = dict(known.items() ^ wanted.items())
            said += [f"the ledger has {known.get(one)} instead of {wanted.get(one)} for {one}" for one in odd]
        said += [f"the intent of {one} is still open" for one in self.intents]
        if self.foreign != before.foreign:
            said.append("something foreign was touched")
        return said

    def forgot(self, before: "AccountState") -> bool:
        """A line of the history is gone."""
        return self.history[: len(before.history)] != before.history


def _differing(
    what: str, found: Mapping[str, str], wanted: Mapping[str, str], before: Mapping[str, str]
) -> list[str]:
    """Old objects have to be the very same; new ones have new ids each time, and are compared by the rest."""
    lost = [one for one in before if one in wanted and one not in found]
    left = [one for one in before if one in found and one not in wanted]
    said = [f"{what}: {', '.join(lost)} is gone"] if lost else []
    said += [f"{what}: {', '.join(left)} is still there"] if left else []
    kept = {one: found[one] for one in before if one in found and one in wanted}
    meant = {one: wanted[one] for one in kept}
    if kept != meant:
        said.append(f"{what}: {kept} instead of {meant}")
    new = sorted(value for one, value in found.items() if one not in before)
    asked = sorted(value for one, value in wanted.items() if one not in before)
    if new != asked:
        said.append(f"{what}: new are {new} instead of {asked}")
    return said


def account_state(folder: Path, place: LedgerPlace) -> AccountState:
    sandbox = account(folder)
    try:
        store, now = sandbox._store, sandbox.now()
        files, jobs, exports = store.all("file"), store.all("job"), store.all("export")
        deployments, videos = store.all("deployment"), len(store.all("task"))
    finally:
        sandbox.close()
    record = place.record(folder) or {"intents": [], "entries": {}, "history": []}
    ours = [one for one in deployments if one["base_model"] == MODEL]
    foreign = {
        "files": [one for one in files if not one["filename"].startswith(OURS)],
        "jobs": [one for one in jobs if one["model"] == THEIR_MODEL],
        "deployments": [one for one in deployments if one["base_model"] == THEIR_MODEL],
    }
    canceled = {one["job_id"] for one in jobs if one.get("canceled")}
    return AccountState(
        files={one["id"]: one["filename"] for one in files if one["filename"].startswith(OURS)},
        jobs={
            one["job_id"]: "canceled" if one["job_id"] in canceled else "live"
            for one in jobs
            if one["model"] == MODEL and not one.get("deleted")
        },
        exports={one["key"]: one["key"].partition("/")[2] for one in exports},
        serving={one["deployed_model"]: _spell(one) for one in ours if _stands(one, now)},
        ever=(
            sum(one["model"] == MODEL for one in jobs),
            len(exports),
            len({(one["deployed_model"], one["created"]) for one in ours}),
            videos,
        ),
        foreign=json.dumps(foreign, sort_keys=True),
        intents=tuple(f"{one['verb']} {one['address']}" for one in record["intents"]),
        entries={address: _known(entry, canceled) for address, entry in record["entries"].items()},
        history=tuple(json.dumps(line, sort_keys=True) for line in record["history"]),
    )


def _stands(deployment: dict[str, Any], now: datetime) -> bool:
    return status_of(deployment, now) not in {None, "DELETING"}


def _spell(deployment: dict[str, Any]) -> str:
    return f"{deployment['aigc_config']['lora_prompt_default']} × {deployment['capacity']}"


def _judged(checks: dict[str, Any]) -> list[dict[str, int]]:
    """The scores of each video; how often nobody heard them is no difference."""
    return [video["verdict"]["scores"] for video in checks["videos"] if video.get("verdict")]


def _known(entry: dict[str, Any], canceled: set[str]) -> str:
    """Which objects; when and how they were learnt of may differ, and a job that was canceled is none."""
    current = entry["current"] or {}
    parts = [
        f"current {current.get('remote_id')}",
        f"retiring {sorted(one['remote_id'] for one in entry['retiring'])}",
        f"past {sorted(one['remote_id'] for one in entry['past'] if one['remote_id'] not in canceled)}",
        f"undeletable {entry['undeletable']}",
        *(f"checked {name}: {one['passed']}" for name, one in entry.get("checks", {}).items()),
        *(f"judged {name}: {_judged(one)}" for name, one in entry.get("checks", {}).items() if _judged(one)),
    ]
    return ", ".join([*parts, "protected"] if entry["protected"] else parts)
