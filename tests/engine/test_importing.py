"""After an import the plan is empty and applying calls nothing, whatever stood in the account."""

import io
import json
import random
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness import CHANGING, Harness
from tests.scenarios.playing import run_wanctl
from wanctl.base.running import run
from wanctl.engine.adoption import ImportRefused
from wanctl.plan import Status
from wanctl.project.adoption import carry_out_import, draft_import
from wanctl.project.provider import call_sandbox, open_sandbox
from wanctl.studio.errors import StudioError

TELLS_ALL = {"echo_config": True, "echo_all_parameters": True}
CONFIG = {"use_input_prompt": True, "prompt": "", "lora_prompt_default": ""}
NAMES = [
    "../../x.zip",
    "a: b # c.zip",
    "\u202etxt.zip",
    "x" * 200 + ".zip",
    "雨 ☔.zip",
    "train.zip",
    "null.zip",
]


@dataclass(frozen=True)
class Hand(Harness):
    """An account in which somebody does everything by hand."""

    dice: random.Random

    @classmethod
    def seeded(cls, folder: Path, seed: int) -> "Hand":
        hand = cls(Harness.begun(folder).specs, random.Random(seed))  # noqa: S311 - it picks what happens in a test
        hand.write()
        return hand

    def post(self, path: str, body: Any) -> dict[str, Any]:
        output: dict[str, Any] = self.call("POST", path, body)["output"]
        return output

    def upload(self, name: str) -> str:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for one in sorted((self.specs.parent / "data").iterdir()):
                archive.writestr(one.name, one.read_bytes())
            archive.comment = name.encode()
        project = self.project()
        sandbox = open_sandbox(project.desired.settings, project.state)
        try:
            _, text = run(
                call_sandbox(
                    sandbox, "POST", "/compatible-mode/v1/files", None, upload=(name, packed.getvalue())
                )
            )
        finally:
            sandbox.close()
        return str(json.loads(text)["id"])

    def train(self, *files: str, **more: Any) -> str:
        body = {"model": "wan2.6-i2v", "training_file_ids": files, "training_type": "efficient_sft"}
        parameters = {"n_epochs": self.dice.choice([40, 60]), "eval_epochs": 10}
        return str(
            self.post("/api/v1/fine-tunes", {**body, "hyper_parameters": parameters, **more})["job_id"]
        )

    def deploy(self, model: str, **more: Any) -> None:
        body = {"model_name": model, "capacity": 1, "plan": "lora", "aigc_config": CONFIG}
        self.post("/api/v1/deployments", {**body, **more})

    def by_hand(self) -> None:
        """Some days of an account, each different."""
        files = [self.upload(name) for name in self.dice.sample(NAMES, 3)]
        for _ in range(3):
            self.train(self.dice.choice(files), job_name=self.dice.choice(NAMES))
        self.train(files[0], files[0])
        self.train(files[1])
        self.call("POST", "/_sandbox/advance", {"seconds": 36_000})
        self.call("POST", "/_sandbox/advance", {"seconds": 36_000})
        self.call("POST", "/_sandbox/advance", {"seconds": 36_000})
        jobs = self.jobs_that("SUCCEEDED")
        for job in self.dice.sample(jobs, min(2, len(jobs))):
            self.call("GET", f"/api/v1/fine-tunes/{job['job_id']}/export/checkpoint-20?model_name=by-hand")
        self.call("POST", "/_sandbox/rig", {"next_job": "FAILED"})
        self.train(files[2])
        canceled = self.train(files[2])
        self.post(f"/api/v1/fine-tunes/{canceled}/cancel", None)
        self.call("POST", "/_sandbox/advance", {"seconds": 36_000})
        for job in jobs[:2]:
            self.deploy(job["finetuned_output"])
        self.deploy(jobs[0]["finetuned_output"], suffix="again")
        self.call("POST", "/_sandbox/advance", {"seconds": 3_600})
        self.train(files[0], job_name="other--rain--0123456789abcdef")
        if self.dice.random() < 0.5:
            self.call("DELETE", f"/compatible-mode/v1/files/{files[1]}")

    def jobs_that(self, status: str) -> list[dict[str, Any]]:
        return [job for job in self.jobs() if job["status"] == status]

    def changing(self) -> int:
        return sum(one["method"] in CHANGING for one in self.call("GET", "/_sandbox/requests"))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("quirks", [{}, TELLS_ALL, {"echo_file_ids": False}])
def test_the_next_plan_is_empty(tmp_path: Path, seed: int, quirks: dict[str, Any]) -> None:
    hand = Hand.seeded(tmp_path, seed)
    hand.call("POST", "/_sandbox/rig", {"quirks": quirks})
    hand.by_hand()
    before = hand.changing()
    draft = draft_import(hand.project(), (), None)
    assert not (hand.specs / "imported.yaml").exists()
    result = carry_out_import(hand.project(), draft, adopts=True)
    assert result is not None
    assert [str(step.address) for step in result.plan.pending if step.effect] == []
    outcome = hand.project().apply(lambda *_: True)
    assert outcome is not None
    assert not outcome.done
    assert not outcome.failures
    assert hand.changing() == before
    assert outcome.plan.status in {Status.CONVERGED, Status.IN_PROGRESS}, "what trains is waited for"
    assert not draft_import(hand.project(), (), hand.specs / "more.yaml").imported.adoptions


@pytest.mark.parametrize("part", ["files", "fine-tunes", "deployments", "checkpoints"])
def test_a_read_that_fails_writes_nothing(tmp_path: Path, part: str) -> None:
    hand = Hand.seeded(tmp_path, 1)
    hand.by_hand()
    ledger = hand.specs / ".wanctl/ledger.json"
    rule = {"kind": "status", "status": 403, "method": "GET", "path": f"*{part}*", "count": "all"}
    hand.call("POST", "/_sandbox/faults", rule)
    with pytest.raises((StudioError, ExceptionGroup)):
        draft_import(hand.project(), (), None)
    assert not (hand.specs / "imported.yaml").exists()
    assert not ledger.exists()


def test_what_fails_in_the_middle_is_taken_back_and_can_be_done_again(tmp_path: Path) -> None:
    hand = Hand.seeded(tmp_path, 2)
    hand.by_hand()
    draft = draft_import(hand.project(), (), None)
    rule = {"kind": "status", "status": 403, "method": "GET", "path": "/api/v1/fine-tunes/*", "count": "all"}
    hand.call("POST", "/_sandbox/faults", rule)
    with pytest.raises((StudioError, ExceptionGroup)):
        carry_out_import(hand.project(), draft, adopts=True)
    assert not (hand.specs / "imported.yaml").exists()
    hand.call("DELETE", "/_sandbox/faults")
    carry_out_import(hand.project(), draft, adopts=True)
    assert not draft_import(hand.project(), (), None).has_documents


def test_a_second_import_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand = Hand.seeded(tmp_path, 1)
    files = hand.upload("train.zip"), hand.upload("valid.zip")
    same = {"hyper_parameters": {"n_epochs": 40, "eval_epochs": 10}}
    twins = [hand.train(files[0], **same) for _ in range(2)]
    hand.call("POST", "/_sandbox/advance", {"seconds": 72_000})
    hand.call("POST", "/_sandbox/advance", {"seconds": 72_000})
    monkeypatch.chdir(hand.specs)
    printed, code = run_wanctl("import", "--yes")
    assert (code, "as a comment only" in printed) == (0, True), printed
    before = {path.name: path.read_bytes() for path in hand.specs.glob("*.yaml")}
    for arguments in (["--yes"], ["--yes", "--to", "more.yaml"], [twins[1], "--yes", "--to", "more.yaml"]):
        printed, code = run_wanctl("import", *arguments)
        assert (code, "Nothing to import" in printed) == (0, True), printed
        assert "could be a comment only" in printed
    assert {path.name: path.read_bytes() for path in hand.specs.glob("*.yaml")} == before
    assert "# kind: FineTune" in run_wanctl("import", "--dry-run")[0]
    hand.train(files[1])
    hand.call("POST", "/_sandbox/advance", {"seconds": 72_000})
    printed, code = run_wanctl("import", "--yes")
    assert (code, "is there already, and nothing is overwritten" in printed) == (1, True), printed


def test_beside_what_is_there_names_make_way(tmp_path: Path) -> None:
    hand = Hand.seeded(tmp_path, 3)
    hand.by_hand()
    first = draft_import(hand.project(), (), None).imported.documents
    names = {one.address.name for one in first if not one.proposed}
    hand.write(*[{"kind": "Dataset", "name": name, "source": "../data"} for name in names])
    draft = draft_import(hand.project(), (), None)
    assert not names & {one.address.name for one in draft.imported.documents if one.address.kind == "Dataset"}
    assert carry_out_import(hand.project(), draft, adopts=True) is not None


def test_a_file_that_cannot_be_written_whole_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = Hand.seeded(tmp_path, 4)
    hand.train(hand.upload("train.zip"))
    draft = draft_import(hand.project(), (), None)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wanctl.base.files.os.link", full)
    with pytest.raises(ImportRefused, match="No space left"):
        carry_out_import(hand.project(), draft, adopts=True)
    assert [path.name for path in hand.specs.iterdir() if "imported" in path.name] == []


def test_without_links_it_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand = Hand.seeded(tmp_path, 4)
    hand.train(hand.upload("train.zip"))
    draft = draft_import(hand.project(), (), None)

    def none(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("wanctl.base.files.os.link", none)
    carry_out_import(hand.project(), draft, adopts=False)
    assert draft.path.read_text(encoding="utf-8") == draft.text
    with pytest.raises(ImportRefused, match="nothing is overwritten"):
        carry_out_import(hand.project(), draft, adopts=False)
