"""Whatever is edited, whatever others do, whatever is lost: applying and waiting ends in an empty plan.

A state machine edits specs, acts as somebody else in the account, loses the ledger, and applies, against
the sandbox. After each apply that could go to its end: one live object for each desired one, no job twice,
nothing foreign touched.
"""

import json
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.datasets import small_dataset
from tests.examples import examples
from tests.harness import Harness, checkpoint, dataset, deployment, finetune
from wanctl.address import Address
from wanctl.base.running import run
from wanctl.engine.converge import Patience
from wanctl.plan import Action, Plan, Status, When
from wanctl.project import Project
from wanctl.project.adoption import bind
from wanctl.project.provider import open_sandbox

KEPT = 3600  # seconds for which the one that was replaced serves on, beside the new one
TURNS = 12  # of apply: a failure of each kind and its next attempt, protection, replacement


class ConvergingAccount(RuleBasedStateMachine):
    """One project, its sandbox, and everybody else in the account."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="wanctl-converging-"))
        self.harness = Harness.begun(self.folder, note="a")
        self.specs = self.harness.specs
        self.ledger_lost = False
        self.foreign: set[str] = set()
        self.documents: dict[str, dict[str, Any]] = {}
        self.away: dict[str, Any] = {}

    @property
    def live(self) -> dict[str, Any]:
        """The deployment's document, wherever it is."""
        return self.documents.get("live") or self.away

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def begin(self) -> None:
        self.documents = {
            "train": dataset(),
            "job": finetune(),
            "best": checkpoint(snapshot="checkpoint-40"),
            "live": deployment(),
        }
        self.write()
        self.make_foreign()

    def write(self) -> None:
        self.harness.write(*self.documents.values(), polling="2h")

    def project(self) -> Project:
        return self.harness.project()

    # Everybody else in the account

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        code, text = self.harness.ask(method, path, body)
        return json.loads(text) if code < 500 and text else None

    def make_foreign(self) -> None:
        """Somebody else's deployment, of a model of theirs, in the same account."""
        project = self.project()
        sandbox = open_sandbox(project.desired.settings, project.state)

        archive = Path(
            shutil.make_archive(str(self.folder / "theirs"), "zip", self.folder / "data")
        ).read_bytes()

        async def upload() -> str:
            transport = httpx.ASGITransport(app=sandbox.app)
            headers = {"Authorization": "Bearer other"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1", headers=headers
            ) as client:
                answer = await client.post(
                    "/compatible-mode/v1/files",
                    files={"file": ("theirs.zip", archive)},
                    data={"purpose": "fine-tune"},
                )
                job = await client.post(
                    "/api/v1/fine-tunes",
                    json={
                        "model": "wan2.5-i2v-preview",
                        "training_file_ids": [answer.json()["id"]],
                        "training_type": "efficient_sft",
                        "hyper_parameters": {
                            "n_epochs": 40,
                            "eval_epochs": 10,
                            "batch_size": 2,
                            "learning_rate": 2e-5,
                            "max_pixels": 36864,
                        },
                    },
                )
                sandbox.advance(timedelta(hours=12))
                made = await client.post(
                    "/api/v1/deployments",
                    json={
                        "model_name": job.json()["output"]["finetuned_output"],
                        "capacity": 1,
                        "plan": "lora",
                        "aigc_config": {"use_input_prompt": False, "prompt": "x", "lora_prompt_default": "y"},
                    },
                )
            return str(made.json()["output"]["deployed_model"])

        try:
            self.foreign.add(run(upload()))
        finally:
            sandbox.close()

    @rule()
    def somebody_deletes_a_deployment(self) -> None:
        ours = [one for one in self.deployments() if one["deployed_model"] not in self.foreign]
        if ours:
            self.call("DELETE", f"/api/v1/deployments/{ours[0]['deployed_model']}")

    @rule()
    def time_passes(self) -> None:
        self.call("POST", "/_sandbox/advance", {"seconds": 3600})

    @rule()
    def the_ledger_is_lost(self) -> None:
        (self.specs / ".wanctl" / "ledger.json").unlink(missing_ok=True)
        self.ledger_lost = True

    @rule(what=st.sampled_from(["next_job", "next_export", "next_deployment"]))
    def something_will_fail(self, what: str) -> None:
        self.call("POST", "/_sandbox/rig", {what: "FAILED"})

    # What a person edits

    @rule(epochs=st.sampled_from([40, 60]))
    def other_epochs(self, epochs: int) -> None:
        self.documents["job"]["hyper_parameters"]["n_epochs"] = epochs
        self.write()

    @rule(note=st.sampled_from("ab"))
    def another_caption(self, note: str) -> None:
        shutil.rmtree(self.folder / "data")
        small_dataset(self.folder / "data", clips=2, note=note)

    @rule(number=st.sampled_from([20, 30, 40]))
    def another_checkpoint(self, number: int) -> None:
        self.documents["best"]["checkpoint"] = f"checkpoint-{number}"
        self.write()

    @rule(text=st.sampled_from(["Then it rains.", "Then it pours."]))
    def another_prompt(self, text: str) -> None:
        self.live["aigc_config"]["lora_prompt_default"] = text
        self.write()

    @rule(strategy=st.sampled_from(["recreate", "blue_green"]))
    def another_strategy(self, strategy: str) -> None:
        self.live["strategy"] = strategy
        self.write()

    @rule(capacity=st.sampled_from([1, 2]))
    def another_capacity(self, capacity: int) -> None:
        self.live["capacity"] = capacity
        self.live["allow"] = ["capacity"]
        self.write()

    @rule(protect=st.booleans())
    def another_protection(self, protect: bool) -> None:
        self.live["protect"] = protect
        self.write()

    @rule(name=st.sampled_from(["rain", "storm"]))
    def another_name(self, name: str) -> None:
        self.live["name"] = name
        self.write()

    @rule()
    def the_deployment_comes_or_goes(self) -> None:
        if "live" in self.documents:
            self.away = self.documents.pop("live")
        else:
            self.documents["live"] = self.away
        self.write()

    # And wanctl

    @rule()
    def apply_once(self) -> None:
        self.apply(Patience(waits=False))

    @rule()
    def apply_to_the_end(self) -> None:
        self.go_on()
        self.call("POST", "/_sandbox/advance", {"seconds": KEPT})
        self.check(self.go_on())

    def go_on(self) -> Plan:
        for _ in range(TURNS):
            plan = self.apply(Patience(waits=True))
            if not (self.correct(plan) or When.NOW in {step.when for step in plan.steps}):
                break
        return plan

    def correct(self, plan: Plan) -> bool:
        """What a person does about a failure, one more attempt; and about a doubt, the choice of one."""
        doubtful = [step for step in plan.steps if step.when is When.BLOCKED and step.action is Action.ADOPT]
        for step in doubtful:
            assert self.ledger_lost, step.as_json()
            assert step.remote_id not in self.foreign
            bind(self.project(), step.address, step.remote_id, None)
        failed = [step for step in plan.steps if any("attempt:" in hint for hint in step.hints)]
        for step in failed:
            document = {"FineTune": "job", "Checkpoint": "best", "Deployment": "live"}[step.address.kind]
            self.documents[document]["attempt"] = self.documents[document].get("attempt", 1) + 1
        self.write()
        return bool(failed or doubtful)

    def apply(self, patience: Patience) -> Plan:
        outcome = self.project().apply(lambda *_: True, patience)
        assert outcome is not None
        assert not outcome.failures, outcome.failures
        return outcome.plan

    def check(self, plan: Plan) -> None:
        blocked = [step for step in plan.steps if step.when is When.BLOCKED]
        protected = bool(blocked) and all("protected" in step.reason for step in blocked)
        assert plan.status is Status.CONVERGED or protected, [step.as_json() for step in plan.pending]
        live = [one for one in self.deployments() if one["deployed_model"] not in self.foreign]
        if not protected and "live" in self.documents:
            wanted = plan.step(Address.deployment(self.live["name"]))
            assert wanted is not None
            assert wanted.remote_id in {one["deployed_model"] for one in live}
            accounted = {wanted.remote_id, *(one.remote_id for one in plan.orphans)}
            assert {one["deployed_model"] for one in live} <= accounted, (live, accounted)
        if not protected and not self.ledger_lost:
            assert len(live) == ("live" in self.documents), live
        marks = [job["job_name"] for job in self.jobs() if job["status"] not in {"FAILED", "CANCELED"}]
        assert len(marks) == len(set(marks)), marks
        names = [file["filename"] for file in self.call("GET", "/compatible-mode/v1/files")["data"]]
        assert len(names) == len(set(names)), names
        standing = {one["deployed_model"] for one in self.deployments()}
        assert self.foreign <= standing

    def deployments(self) -> list[dict[str, Any]]:
        rows = self.call("GET", "/api/v1/deployments?page_size=100")["output"]["deployments"]
        return [row for row in rows if row["status"] not in {"DELETING", "DELETED"}]

    def jobs(self) -> list[dict[str, Any]]:
        found = self.call("GET", "/api/v1/fine-tunes?page_size=100")["output"]["jobs"]
        return list(found)


TestConvergence = ConvergingAccount.TestCase
TestConvergence.settings = settings(
    max_examples=examples(10),
    stateful_step_count=20,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes longer than a test may
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
