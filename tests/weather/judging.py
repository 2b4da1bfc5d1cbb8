"""What must hold after every command, and what must hold once wanctl is at rest."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from tests.hostile.planting import MARK
from tests.weather.account import Account, Training
from tests.weather.commands import NEVER_ENDED, Ended
from tests.weather.person import BLOCKED, PERSON
from tests.weather.project import Chain, Edited

_SECRET = re.compile(rf"{MARK}|Signature=[0-9a-f]{{8}}")
_FAULTS = ("Traceback (most recent call last)", "fault of wanctl", NEVER_ENDED)
CODES = {0, 1, 2, 3, 128 + 2, 128 + 15, -2, -9, -15}
OURS = re.compile(
    r"ledger\.json(\.(copy|lock|lease|\d+))?|datasets(/.*)?|cache(/.*)?|.*\.lock|reviews(/.*)?|watch(/.*)?|CACHEDIR\.TAG|\.gitignore"
)


class Judge:
    """Sees the account after each command, and remembers what it must not forget."""

    def __init__(self, edited: Edited, foreign: str) -> None:
        self._edited, self._foreign = edited, foreign
        self.guarded: dict[str, int] = {}  # deployments that are protected, by the chains that said so
        self._last: Account | None = None

    def edited(self) -> None:
        """A person may have lifted a protection."""
        lifted = {one.number for one in self._edited.chains if one.live and not one.live.get("protect")}
        self.guarded = {name: number for name, number in self.guarded.items() if number not in lifted}

    def forgotten(self) -> None:
        """The ledger, which keeps protections, is lost or old: only documents protect now."""
        self.guarded.clear()

    def after(self, ended: Ended, account: Account, *, calm: bool) -> list[str]:
        """What is wrong after a command."""
        self._last = account
        wrong = [f"it says {one!r}" for one in _FAULTS if one in ended.said]
        wrong += [f"a secret: {line[:200]}" for line in ended.said.splitlines() if _SECRET.search(line)]
        if ended.code not in CODES or (calm and ended.code < 0):
            wrong.append(f"exit code {ended.code}")
        if ended.code == 1 and not ended.said.strip():
            wrong.append("it failed without a word")
        wrong += self._paid_twice(account)
        wrong += self._not_chosen(account)
        if account.foreign != self._foreign:
            wrong.append("something of others was touched")
        standing = {one.name for one in account.served if one.stands}
        wrong += [f"{name} is protected and was deleted" for name in self.guarded if name not in standing]
        return wrong + self._strange_files()

    def _paid_twice(self, account: Account) -> list[str]:
        counts = Counter(one.inputs for one in account.trainings if one.stands)
        wrong = [f"{count} trainings of {inputs}" for inputs, count in counts.items() if count > 1]
        others = {one.inputs for one in account.trainings if one.stands}
        canceled = [one for one in account.trainings if one.status == "CANCELED" and one.billed]
        return wrong + [
            f"{one.job_id} was billed beside its twin and canceled"
            for one in canceled
            if one.inputs in others and not one.deleted
        ]

    def _not_chosen(self, account: Account) -> list[str]:
        jobs = {one.job_id: one for one in account.trainings}
        wrong = []
        for one in account.served:
            chain = self._chain(jobs[one.job_id])
            if chain is None or one.effect not in chain.effects or one.checkpoint not in chain.checkpoints:
                wrong.append(
                    f"{one.name} serves {one.effect!r} of checkpoint {one.checkpoint}: nobody chose it"
                )
        return wrong

    def _chain(self, job: Training) -> Chain | None:
        return next((one for one in self._edited.chains if one.number == job.chain), None)

    def _strange_files(self) -> list[str]:
        specs = self._edited.specs
        own = {specs / name for name in self._edited.files}
        data = {"data", "checks", ".git", "readme"}
        wrong = []
        for path in _files(self._edited.folder):
            top = path.relative_to(self._edited.folder).parts[0].rstrip("0123456789")
            inner = path.relative_to(specs / ".wanctl") if path.is_relative_to(specs / ".wanctl") else None
            if path in own or top in data or (inner and OURS.fullmatch(str(inner))):
                continue
            if path.name.startswith(".ledger.json.") or "packing" in path.parts:
                continue  # of a run that was killed; gone at rest
            wrong.append(f"the file {path.relative_to(self._edited.folder)}")
        return wrong

    def at_rest(self, plan: dict[str, Any], account: Account) -> list[str]:
        """What is wrong when it is calm and nothing moves any more."""
        if plan["status"] != "converged":
            return self._without_a_way_on(plan)
        wrong = []
        for chain in self._edited.chains:
            if chain.live:
                wrong += self._serves(chain, plan, account)
        return wrong + self._left_behind()

    def _serves(self, chain: Chain, plan: dict[str, Any], account: Account) -> list[str]:
        live = chain.live
        assert live
        step = next(one for one in plan["steps"] if one["address"] == f"Deployment/{live['name']}")
        found = [one for one in account.served if one.name == step["remote_id"] and one.stands]
        if len(found) != 1:
            return [f"{step['address']} is to be {step['remote_id']}, which is not there"]
        served, jobs = found[0], {one.job_id: one for one in account.trainings}
        job = jobs[served.job_id]
        meant = (
            chain.number,
            chain.documents["FineTune"]["hyper_parameters"]["n_epochs"],
            f"checkpoint-{served.checkpoint}",
            live["aigc_config"]["lora_prompt_default"],
            "RUNNING",
        )
        chosen = chain.documents["Checkpoint"].get("checkpoint")
        is_ = (job.chain, job.epochs, chosen, served.effect, served.status)
        if live.get("protect"):
            self.guarded[served.name] = chain.number
        return [] if is_ == meant else [f"{step['address']} serves {is_} instead of {meant}"]

    @staticmethod
    def _without_a_way_on(plan: dict[str, Any]) -> list[str]:
        if plan["status"] == "error":
            said = str(plan.get("said", ""))
            return [] if "error" in said else [f"it ends in no sentence: {said}"]
        stuck = [one for one in plan["steps"] if one["when"] in {PERSON, BLOCKED}]
        if not stuck:
            return [f"at rest, and neither converged nor stuck: {plan['status']}"]
        return [
            f"{one['address']} is stuck without a way on: {one['reason']}"
            for one in stuck
            if not (one["hints"] or one["after"])
        ]

    def _left_behind(self) -> list[str]:
        state = self._edited.specs / ".wanctl"
        left = [one for one in _files(state) if one.name.endswith(".lease") or "packing" in one.parts]
        left += [one for one in _files(state) if one.name.startswith(".ledger.json.")]
        return [f"{one.relative_to(state)} is left behind" for one in left]


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.is_file() or one.is_symlink())
