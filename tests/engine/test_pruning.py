"""Whatever is edited, lost, or done by others: prune takes orphans and nothing else, and drift takes nothing.

The account of the convergence test, led through some of its events and a few more, and then cleaned up.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from tests.engine.test_convergence import ConvergingAccount
from tests.examples import examples
from wanctl.engine.converge import Patience
from wanctl.engine.planner import drift_of
from wanctl.engine.removal import PruneRefused
from wanctl.plan import Action, Plan, When
from wanctl.project.events import Silent
from wanctl.project.pruning import Choice, prune

IN_FLIGHT = {"PENDING", "QUEUING", "RUNNING"}


class PrunedAccount(ConvergingAccount):
    """The same account, with ways to orphans, and somebody who prunes."""

    def begin(self) -> None:
        super().begin()
        self.others_before = self.standing()  # nothing was applied yet: all of it is somebody else's
        self.apply_to_the_end()

    def standing(self) -> dict[str, set[str]]:
        files = self.call("GET", "/compatible-mode/v1/files")["data"]
        return {
            "files": {file["id"] for file in files},
            "jobs": {job["job_id"] for job in self.jobs() if job["status"] != "CANCELED"},
            "deployments": {one["deployed_model"] for one in self.deployments()},
        }

    def train(self, epochs: int, note: str) -> None:
        self.other_epochs(epochs)
        self.another_caption(note)
        self.apply_once()

    def deploy_a_model_of_ours(self) -> None:
        taken = {one["model_name"] for one in self.deployments()}
        ours = [job for job in self.jobs() if job["job_id"] not in self.others_before["jobs"]]
        free = [job["finetuned_output"] for job in ours if job["status"] == "SUCCEEDED"]
        for model in sorted(set(free) - taken)[:1]:
            config = {"use_input_prompt": True, "prompt": "", "lora_prompt_default": ""}
            body = {"model_name": model, "capacity": 1, "plan": "lora", "aigc_config": config}
            self.call("POST", "/api/v1/deployments", body)

    def protect(self) -> None:
        self.another_protection(protect=True)
        self.apply_once()

    def media_are_away(self) -> None:
        (self.folder / "data").rename(self.folder / f"away-{len(list(self.folder.iterdir()))}")

    def protected(self) -> set[str]:
        entries = self.project().record().entries.values()
        kept = {one.current.remote_id for one in entries if one.protected and one.current}
        return kept & self.standing()["deployments"]

    def prune(self, choice: Choice) -> set[str]:
        """What is gone; none of it was foreign, protected or wanted, and the specs want the same after it."""
        plan, before, protected = self.project().plan(), self.standing(), self.protected()
        in_flight = {job["job_id"] for job in self.jobs() if job["status"] in IN_FLIGHT}
        outcome = prune(self.project(), choice, lambda *_: True, Patience(), Silent())
        assert outcome is not None
        assert not outcome.failures
        assert not outcome.unapproved
        after = self.standing()
        gone = set().union(*(before[kind] - after[kind] for kind in before))
        assert gone <= {one.remote_id for one in plan.orphans}
        assert all(self.others_before[kind] <= after[kind] for kind in after)
        assert protected <= after["deployments"]
        if choice.everything:
            assert not in_flight & gone
        else:
            assert gone <= set(choice.names)
        assert _decided(self.project().plan()) == _decided(plan)
        return gone


def offered(plan: Plan) -> set[str]:
    """What prune takes by its name: orphans, and trainings for what is wanted no more, where it asks."""
    asks = [step for step in plan.steps if step.action is Action.CANCEL and step.when is When.PERSON]
    return {orphan.remote_id for orphan in plan.orphans} | {step.remote_id or "" for step in asks}


def _decided(plan: Plan) -> list[dict[str, Any]]:
    """What is to be done, but for what it was before: that may have been pruned."""
    steps = [step.canonical() for step in plan.steps if step.action is not Action.NOTHING]
    return [{key: value for key, value in step.items() if key != "changes"} for step in steps]


EVENTS: dict[str, Callable[[PrunedAccount], object]] = {
    "trains again": lambda account: account.train(60, "b"),
    "trains on other captions": lambda account: account.train(40, "c"),
    "goes to the end": lambda account: account.apply(Patience(waits=True)),
    "goes back": lambda account: account.train(40, "a"),
    "deploys by hand": PrunedAccount.deploy_a_model_of_ours,
    "protects": PrunedAccount.protect,
    "takes the deployment out": PrunedAccount.the_deployment_comes_or_goes,
    "loses the ledger": PrunedAccount.the_ledger_is_lost,
    "loses the deployment": PrunedAccount.somebody_deletes_a_deployment,
    "waits": PrunedAccount.time_passes,
}


@given(events=st.lists(st.sampled_from(sorted(EVENTS)), min_size=2, max_size=6), data=st.data())
@settings(
    max_examples=examples(5),
    phases=(
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ),  # an example takes seconds: shrinking would take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_only_orphans_go(events: list[str], data: st.DataObject) -> None:
    account = PrunedAccount()
    try:
        account.begin()
        for name in events:
            EVENTS[name](account)
        before = account.standing()
        drift_of(account.project().plan())
        assert account.standing() == before
        _refused(account, data)
        orphans = [one.remote_id for one in account.project().plan().orphans]
        try:
            if orphans:
                one = data.draw(st.sampled_from(orphans))
                event(f"named: {len(account.prune(Choice([one])))} gone")
            event(f"everything: {len(account.prune(Choice(everything=True)))} gone")
        except PruneRefused as refused:
            event(f"refused: {str(refused).partition('/')[0]}")
    finally:
        account.teardown()


def _refused(account: PrunedAccount, data: st.DataObject) -> None:
    """What is not offered cannot be named: neither what is wanted nor what is somebody else's."""
    before = account.standing()
    others = sorted(set().union(*before.values()) - offered(account.project().plan()))
    name = data.draw(st.sampled_from(others))
    try:
        prune(account.project(), Choice([name]), lambda *_: True, Patience(), Silent())
    except PruneRefused:
        assert account.standing() == before
    else:
        raise AssertionError(f"{name} was not offered, and was pruned")


def test_nothing_goes_while_the_media_cannot_be_read() -> None:
    account = PrunedAccount()
    try:
        account.begin()
        account.train(60, "b")
        account.media_are_away()
        before = account.standing()
        with pytest.raises(PruneRefused, match="Dataset/train"):
            account.prune(Choice(everything=True))
        assert account.standing() == before
    finally:
        account.teardown()
