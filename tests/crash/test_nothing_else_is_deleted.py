"""Whatever is edited and whatever disturbs the calls: what is protected, foreign or unread is never deleted.

The machine of `test_convergence`, in bad weather. It looks at every call that an apply made.
"""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.engine.test_convergence import ConvergingAccount
from tests.examples import examples
from wanctl.engine.converge import Patience
from wanctl.kinds.deployment.deploying import DeleteDeployment
from wanctl.ledger.record import Entry, Record
from wanctl.plan import Plan, Status
from wanctl.project.provider import open_sandbox
from wanctl.sandbox import RequestLine, Sandbox
from wanctl.studio.errors import StudioError

_LISTS = ("/compatible-mode/v1/files", "/api/v1/fine-tunes", "/api/v1/deployments")
_KINDS = ["throttled", "quota", "status", "reset", "timeout", "truncated", "empty"]


class Storm(ConvergingAccount):
    """Calls fail, once or for good, before their effect or after it."""

    @initialize(protect=st.booleans())
    def begin(self, protect: bool = False) -> None:
        """Everything is there, and perhaps protected, before the weather turns."""
        super().begin()
        self.live["protect"] = protect
        self.write()
        super().apply_to_the_end()

    def sandbox(self) -> Sandbox:
        project = self.project()
        return open_sandbox(project.desired.settings, project.state)

    @rule(
        kind=st.sampled_from(_KINDS),
        nth=st.integers(1, 40),
        count=st.sampled_from([1, 1, 2, "all"]),
        path=st.sampled_from(["*", "*/deployments*", "*/fine-tunes*", "*/files*"]),
        method=st.sampled_from([None, "GET", "POST", "DELETE"]),
    )
    def something_disturbs_calls(
        self, kind: str, nth: int, count: int | str, path: str, method: str | None
    ) -> None:
        sandbox = self.sandbox()
        sandbox.add_fault(kind, nth=nth, count=count, path=path, method=method)
        sandbox.close()

    @rule()
    def the_weather_clears(self) -> None:
        sandbox = self.sandbox()
        sandbox.clear_faults()
        sandbox.close()

    @rule()
    def apply_to_the_end(self) -> None:
        self.apply_once()
        self.the_weather_clears()
        super().apply_to_the_end()

    @rule(how=st.sampled_from(["prompt", "tombstone", "gone"]))
    def somebody_wants_it_gone(self, how: str) -> None:
        """For one apply; whether it may go, is for the ledger to say."""
        if "live" not in self.documents:
            return
        before = copy.deepcopy(self.documents)
        if how == "prompt":
            self.live["aigc_config"]["lora_prompt_default"] = "Then it hails."
        elif how == "tombstone":
            self.live["state"] = "absent"
        else:
            del self.documents["live"]
        self.write()
        self.apply_once()
        self.documents = before
        self.write()

    def apply(self, patience: Patience) -> Plan:
        """One apply that may fail; what it deleted had to be ours to delete."""
        guarded = self.guarded()
        before = len(self.requests())
        plan = Plan("rain", None, "sandbox", ())
        try:
            outcome = self.project().apply(lambda *_: True, patience)
            assert outcome is not None
            plan = outcome.plan
        except StudioError:
            assert self.faults(), "reads fail in a storm only"
        self.check_deletions(self.requests()[before:], guarded)
        assert self.faults() or plan.status is not Status.ERROR, plan
        return plan

    def check_deletions(self, made: list[RequestLine], guarded: set[str]) -> None:
        fresh: dict[str, bool] = {}
        for line in made:
            if line.method == "GET" and line.path in _LISTS:
                fresh[line.path] = line.status == 200
            if line.method == "DELETE":
                target = line.path.rpartition("/")[2]
                assert target not in self.foreign, f"{target} is foreign"
                assert target not in guarded, f"{target} is protected"
                assert all(fresh.get(path) for path in _LISTS), f"{target} was deleted unread: {fresh}"

    def guarded(self) -> set[str]:
        """What the ledger protects, unless the specs lift that now."""
        ledger = self.specs / ".wanctl" / "ledger.json"
        document = self.documents.get("live")
        if not ledger.exists() or (document and not document.get("protect")):
            return set()
        entries = json.loads(ledger.read_text(encoding="utf-8"))["entries"].values()
        return {one["current"]["remote_id"] for one in entries if one["protected"] and one["current"]}

    def requests(self) -> list[RequestLine]:
        sandbox = self.sandbox()
        try:
            return sandbox.requests()
        finally:
            sandbox.close()

    def faults(self) -> bool:
        sandbox = self.sandbox()
        try:
            return bool(sandbox.faults())
        finally:
            sandbox.close()

    def call(self, method: str, path: str, body: object = None) -> object:
        """Somebody else's calls, and the test's own looks, are made between the storms."""
        sandbox = self.sandbox()
        rules = [
            {key: value for key, value in one.items() if key not in {"id", "calls", "fired"}}
            for one in sandbox.faults()
        ]
        sandbox.clear_faults()
        sandbox.close()
        try:
            return super().call(method, path, body)  # type: ignore[arg-type]  # as the machine has it
        finally:
            sandbox = self.sandbox()
            for one in rules:
                sandbox.add_fault(**one)
            sandbox.close()


TestStorm = Storm.TestCase
TestStorm.settings = settings(
    max_examples=examples(6),
    stateful_step_count=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def forgetful(entry: Callable[[Record, object], Entry]) -> Callable[[Record, object], Entry]:
    """A ledger that tells of no protection."""
    return lambda record, address: entry(record, address).model_copy(update={"protected": False})


@pytest.mark.parametrize("how", ["prompt", "gone"])
def test_the_storm_notices_that_something_protected_is_deleted(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storm = Storm()
    try:
        storm.begin(protect=True)
        storm.somebody_wants_it_gone(how)
        assert storm.guarded(), "it stands as long as nothing is broken"
        monkeypatch.setattr(Record, "entry", forgetful(Record.entry))
        monkeypatch.setattr("wanctl.kinds.deployment.planning._plan_protection", lambda *_: None)
        with pytest.raises(AssertionError, match="is protected"):
            storm.somebody_wants_it_gone(how)
    finally:
        storm.teardown()


def test_the_storm_notices_that_something_foreign_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    storm = Storm()
    try:
        storm.begin(protect=False)
        (theirs,) = (name for name in storm.foreign if "ft-" in name)
        perform = DeleteDeployment.perform

        async def astray(effect: DeleteDeployment, tools: Any) -> Any:
            return await perform(DeleteDeployment(effect.address, theirs), tools)

        monkeypatch.setattr(DeleteDeployment, "perform", astray)
        with pytest.raises(AssertionError, match="is foreign"):
            storm.somebody_wants_it_gone("gone")
    finally:
        storm.teardown()
