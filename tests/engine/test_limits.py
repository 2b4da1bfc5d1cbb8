"""Whatever is edited, and whatever disturbs the calls: no apply does more than its limits allow.

A state machine edits specs and their limits, writes tombstones, replaces, loses answers and applies. It does
not ask the plan how much was done: it counts what came into the account and what went.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.datasets import small_dataset
from tests.examples import examples
from tests.harness import HEAD, Harness, dataset, finetune
from wanctl.engine import planner
from wanctl.engine.converge import Outcome, Patience
from wanctl.finding import Finding, Severity
from wanctl.language.resources import Desired
from wanctl.plan import Action, Step, When
from wanctl.project import Project
from wanctl.studio.errors import StudioError

NAMES = ["a", "b", "c"]
PRICE = Decimal("0.08")  # USD for 1,000 tokens
LEFT = {"DELETING", "DELETED"}
WAY = {rule: f"raise limits.{rule} in wanctl.yaml" for rule in ("new_jobs", "deletes", "spend")}


@dataclass(frozen=True)
class Held:
    """What the account holds: the jobs with their bill, and everything that can be deleted."""

    jobs: dict[str, int]
    things: frozenset[str]
    deleted: tuple[str, ...]  # every call so far; what is made anew has its old name


class Limited(RuleBasedStateMachine):
    """Three trainings that each serve a deployment, and limits that are mostly too small for them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="wanctl-limits-"))
        self.harness = Harness.begun(self.folder)
        self.limits: dict[str, Any] = {}
        self.jobs = {name: {**finetune(name), "allow": ["few-steps", "eval-epochs"]} for name in NAMES}
        for name in NAMES:
            self.epochs(name, 0)
        self.data = dataset()
        self.deployments = {name: serving(name) for name in NAMES}
        self.absent: set[str] = set()
        self.lag = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def begin(self) -> None:
        self.write()
        self.harness.call("POST", "/_sandbox/rig", {"job_quota": 50})

    def write(self) -> None:
        head = {**HEAD, "limits": self.limits, "prices": {"wan2.6-i2v": f"{PRICE} USD"}}
        jobs = [
            {**job, "state": "absent"} if name in self.absent and name not in self.deployments else job
            for name, job in self.jobs.items()
        ]
        documents = [self.data, *jobs, *self.deployments.values()]
        (self.harness.specs / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
        (self.harness.specs / "all.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")

    # What a person edits

    @rule(
        new_jobs=st.sampled_from([None, 0, 1, 2]),
        deletes=st.sampled_from([None, 0, 1, 2]),
        spend=st.sampled_from([None, "0.5 USD", "1.2 USD", "2 USD"]),
    )
    def other_limits(self, new_jobs: int | None, deletes: int | None, spend: str | None) -> None:
        asked = {"new_jobs": new_jobs, "deletes": deletes, "spend": spend}
        self.limits = {key: value for key, value in asked.items() if value is not None}
        self.write()

    @rule(name=st.sampled_from(NAMES), more=st.sampled_from([0, 1, 2]))
    def other_epochs(self, name: str, more: int) -> None:
        self.epochs(name, more)
        self.write()

    def epochs(self, name: str, more: int) -> None:
        """Never those of another one: twins are a mistake in the specs."""
        self.jobs[name]["hyper_parameters"]["n_epochs"] = 40 + 20 * (3 * more + NAMES.index(name))

    @rule(
        name=st.sampled_from(NAMES),
        text=st.sampled_from(["Then it rains.", "Then it pours.", "Then it hails."]),
    )
    def another_prompt(self, name: str, text: str) -> None:
        if name in self.deployments:
            self.deployments[name]["aigc_config"]["lora_prompt_default"] = text
            self.write()

    @rule(strategy=st.sampled_from(["recreate", "blue_green"]))
    def another_strategy(self, strategy: str) -> None:
        for one in self.deployments.values():
            one["strategy"] = strategy
        self.write()

    @rule(name=st.sampled_from(NAMES))
    def a_deployment_comes_or_goes(self, name: str) -> None:
        if self.deployments.pop(name, None) is None:
            self.deployments[name] = serving(name)
        self.write()

    @rule(name=st.sampled_from(NAMES))
    def a_job_is_to_go_or_stay(self, name: str) -> None:
        """Where a deployment still stands on it, once that is gone."""
        self.absent ^= {name}
        self.write()

    @rule(note=st.sampled_from("xy"))
    def another_caption(self, note: str) -> None:
        shutil.rmtree(self.folder / "data")
        small_dataset(self.folder / "data", clips=2, note=note)

    # Everybody else in the account

    @rule(seconds=st.sampled_from([60, 900, 4 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.harness.advance(seconds)

    @rule(
        when=st.sampled_from(["before", "after"]),
        method=st.sampled_from(["POST", "DELETE"]),
        path=st.sampled_from(["/api/v1/fine-tunes*", "/api/v1/deployments*"]),
    )
    def an_answer_will_be_lost(self, when: str, method: str, path: str) -> None:
        rule = {"kind": "reset", "when": when, "method": method, "path": path, "nth": 1}
        self.harness.call("POST", "/_sandbox/faults", rule)

    @rule(seconds=st.sampled_from([0, 200]))
    def lists_lag(self, seconds: int) -> None:
        self.lag = seconds
        self.rig_lag(seconds)

    def rig_lag(self, seconds: int) -> None:
        self.harness.call("POST", "/_sandbox/rig", {"quirks": {"list_lag": seconds}})

    # And wanctl

    @rule(waits=st.booleans())
    def apply_once(self, waits: bool) -> None:
        self.apply(waits=waits)

    def apply(self, *, waits: bool) -> Outcome | None:
        before = self.held()
        try:
            outcome = Project.open(self.harness.specs).apply(lambda *_: True, Patience(waits=waits))
        except StudioError:
            outcome = None
        self.harness.advance(24 * 3600 if waits else 0)
        after = self.held()
        self.check(before, after)
        if outcome:
            self.check_findings(outcome, before, after)
        return outcome

    @rule()
    def apply_again_and_again(self) -> None:
        for _ in range(3):
            self.apply(waits=True)

    def is_refused(self) -> None:
        """The plan is over a limit, so that nothing of it is begun, not even what is allowed."""
        outcome = self.apply(waits=True)
        assert outcome
        assert not outcome.done, outcome.done
        assert any(one.rule.startswith("limit-") for one in outcome.plan.findings)

    def held(self) -> Held:
        """As it is, however much the lists lag behind it."""
        self.rig_lag(0)
        status = self.harness.call("GET", "/_sandbox/status")
        jobs = self.harness.call("GET", "/api/v1/fine-tunes?page_size=100")["output"]["jobs"]
        files = self.harness.call("GET", "/compatible-mode/v1/files")["data"]
        asked = self.harness.call("GET", "/_sandbox/requests")
        standing = {one["id"] for one in status["deployments"] if one["status"] not in LEFT}
        self.rig_lag(self.lag)
        things = standing | {one["job_id"] for one in jobs} | {one["id"] for one in files}
        deleted = [one["path"] for one in asked if (one["method"], one["status"]) == ("DELETE", 200)]
        bills = {one["job_id"]: int(one.get("usage") or 0) for one in jobs}
        return Held(bills, frozenset(things), tuple(path.rpartition("/")[2] for path in deleted))

    def check(self, before: Held, after: Held) -> None:
        made = after.jobs.keys() - before.jobs.keys()
        gone = (before.things - after.things) | set(after.deleted[len(before.deleted) :])
        billed = sum(after.jobs[job] for job in made) * PRICE / 1000
        assert len(made) <= self.limits.get("new_jobs", len(made)), (self.limits, made)
        assert len(gone) <= self.limits.get("deletes", len(gone)), (self.limits, gone)
        if "spend" in self.limits:
            assert billed <= Decimal(self.limits["spend"].split()[0]), (self.limits, made, billed)

    def check_findings(self, outcome: Outcome, before: Held, after: Held) -> None:
        """Over a limit nothing is done; each thing that is too much is named, and the way to allow it."""
        for finding in outcome.plan.findings:
            if finding.rule.startswith("limit-"):
                limit = finding.rule.removeprefix("limit-")
                assert finding.severity is Severity.ERROR
                assert WAY[limit] in (finding.hint or ""), finding
                if not outcome.done:
                    assert before.jobs.keys() == after.jobs.keys()
                    assert before.deleted == after.deleted
                    self.check_named(finding, limit, outcome.plan.steps)

    def check_named(self, finding: Finding, limit: str, steps: tuple[Step, ...]) -> None:
        wanted = {Action.DELETE, Action.REPLACE} if limit == "deletes" else {Action.TRAIN}
        ahead = [one for one in steps if one.action in wanted and one.when in {When.NOW, When.LATER}]
        missing = [str(one.address) for one in ahead if str(one.address) not in finding.message]
        assert not missing, (finding.message, missing)


def serving(name: str) -> dict[str, Any]:
    config = {"prompt": "Describe it.", "lora_prompt_default": "Then it rains."}
    return {"kind": "Deployment", "name": name, "finetune": name, "aigc_config": config}


def everything_stands(machine: Limited) -> None:
    machine.apply(waits=True)


def three_trainings(machine: Limited) -> None:
    machine.limits = {"new_jobs": 2}


def three_trainings_for_two_dollars(machine: Limited) -> None:
    """At 0.46, 0.69 and 0.92."""
    machine.limits = {"spend": "2 USD"}


def two_replacements(machine: Limited) -> None:
    everything_stands(machine)
    machine.another_prompt("a", "Then it pours.")
    machine.another_prompt("b", "Then it pours.")
    machine.limits = {"deletes": 1}


def two_tombstones(machine: Limited) -> None:
    everything_stands(machine)
    machine.deployments.clear()
    machine.write()
    machine.apply_again_and_again()
    machine.absent |= {"a", "b"}
    machine.limits = {"deletes": 1}


def a_job_that_trains_and_what_it_reads(machine: Limited) -> None:
    """The job is canceled first, and its data waits for the service: both go in this very apply."""
    machine.deployments.clear()
    for name in "bc":
        del machine.jobs[name]
    machine.write()
    machine.apply(waits=False)
    machine.absent |= {"a"}
    machine.data["state"] = "absent"
    machine.limits = {"deletes": 1}


def one_that_goes_and_one_that_nobody_has_seen_yet(machine: Limited) -> None:
    """The answer to its deploy call was lost, and it is in no list yet: it is asked for by its name."""
    b = machine.deployments.pop("b")
    machine.write()
    everything_stands(machine)
    machine.deployments["b"] = b
    machine.lists_lag(200)
    machine.an_answer_will_be_lost("after", "POST", "/api/v1/deployments*")
    machine.write()
    machine.apply(waits=False)
    del machine.deployments["b"], machine.deployments["c"]
    machine.limits = {"deletes": 1}


PLAYS = {
    play.__name__.replace("_", " "): play
    for play in (
        three_trainings,
        three_trainings_for_two_dollars,
        two_replacements,
        two_tombstones,
        a_job_that_trains_and_what_it_reads,
        one_that_goes_and_one_that_nobody_has_seen_yet,
    )
}


@pytest.fixture
def machine() -> Iterator[Limited]:
    machine = Limited()
    machine.begin()
    yield machine
    machine.teardown()


@pytest.mark.parametrize("play", PLAYS)
def test_what_is_too_much_is_not_begun(play: str, machine: Limited) -> None:
    PLAYS[play](machine)
    machine.write()
    machine.is_refused()
    for limit, allowed in machine.limits.items():
        machine.limits[limit] = allowed + 1 if isinstance(allowed, int) else "2.1 USD"
    machine.write()
    outcome = machine.apply(waits=True)
    assert outcome
    assert outcome.done, "and what is just enough is"


Exceeded = Callable[[Desired, list[Step]], list[Finding]]


def one_more(exceeded: Exceeded) -> Exceeded:
    def off_by_one(desired: Desired, steps: list[Step]) -> list[Finding]:
        limits = desired.settings.limits
        more = {name: value + 1 for name, value in limits if isinstance(value, int)}
        settings = desired.settings.model_copy(update={"limits": limits.model_copy(update=more)})
        return exceeded(replace(desired, settings=settings), steps)

    return off_by_one


def blind(*unseen: Action | When) -> Callable[[Exceeded], Exceeded]:
    def to(exceeded: Exceeded) -> Exceeded:
        return lambda desired, steps: exceeded(
            desired, [one for one in steps if not {one.action, one.when} & set(unseen)]
        )

    return to


@pytest.mark.parametrize(
    ("fault", "play"),
    [
        (one_more, "three trainings"),
        (one_more, "two replacements"),
        (one_more, "two tombstones"),
        (blind(Action.REPLACE), "two replacements"),
        (blind(Action.DELETE), "two tombstones"),
        (blind(Action.CANCEL), "a job that trains and what it reads"),
        (blind(When.SERVICE), "a job that trains and what it reads"),
        (blind(Action.DELETE), "one that goes and one that nobody has seen yet"),
        (blind(When.LATER), "three trainings for two dollars"),
    ],
)
def test_the_machine_notices_a_limit_that_does_not_hold(
    fault: Callable[[Exceeded], Exceeded], play: str, machine: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    PLAYS[play](machine)
    machine.write()
    monkeypatch.setattr(planner, "exceeded_limits", fault(planner.exceeded_limits))
    with pytest.raises(AssertionError):
        machine.is_refused()


TestLimited = Limited.TestCase
TestLimited.settings = settings(
    max_examples=examples(5),
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
