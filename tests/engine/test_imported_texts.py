"""Whatever the service calls its things: an import is a file of specs that says the same, and no more."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from wanctl.address import Kind
from wanctl.engine.adoption import Imported, documents_of
from wanctl.engine.planner import make_plan
from wanctl.kinds.importing import Inventory
from wanctl.kinds.snapshot import Question, Read, Snapshot
from wanctl.language.load import load_project
from wanctl.language.resources import Desired
from wanctl.language.writing import yaml_text
from wanctl.ledger.record import Record
from wanctl.studio.objects import CheckpointRow, Job, LiveDeployment, RemoteFile

HOSTILE = st.sampled_from(
    [
        "../../etc/passwd",
        "a: b # c",
        "- x\n---\nkind: Deployment",
        "\x00\x1b[31m\u202e\u2028\x85",
        "x" * 1000,
        "雨の動画 ☔",
        "train",
        "Train",
        "null",
        "yes",
        "2026-03-18",
        "~",
        "rain--train--0123456789abcdef.zip",
        "other--train--0123456789abcdef",
        "rain--rain--0123456789abcdef",
        "&a *b !c ${HOME} {{x}} %d",
        "",
        " ",
        "-",
        "--",
    ]
)
NAMES = HOSTILE | st.text(max_size=30)
ODD_NUMBERS = st.sampled_from([10**400, "2e-5", "x", [1], True])
NUMBERS = st.none() | st.integers(-5, 10**6) | st.floats() | ODD_NUMBERS
PARAMETERS = ["n_epochs", "batch_size", "learning_rate", "split", "lora_rank", "odd key"]
MODELS = ["wan-ft-0", "wan-ft-1", "wan-ft-1-c20", "wan2.6-i2v", "bad name", ""]
IDS = st.sampled_from([f"file-ft-{number}" for number in range(4)])


def jobs(number: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "job_id": st.just(f"ft-{number}"),
            "status": st.sampled_from(["SUCCEEDED", "RUNNING", "PENDING", "FAILED", "CANCELED", "REVIEWING"]),
            "model": st.sampled_from(["wan2.6-i2v", "wan2.5-i2v-preview", "qwen-plus", "../x"]),
            "training_file_ids": st.lists(IDS, max_size=3),
        },
        optional={
            "job_name": NAMES,
            "finetuned_output": st.sampled_from([f"wan-ft-{number}", "wan-ft-1", "bad name"]),
            "validation_file_ids": st.lists(IDS, max_size=2),
            "hyper_parameters": st.dictionaries(
                st.sampled_from(PARAMETERS),
                NUMBERS,
            ),
            "create_time": st.just("2026-03-18 09:00:00") | NAMES,
        },
    )


def deployments(number: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "deployed_model": st.sampled_from([f"wan-ft-1-{number}", f"dep {number}", f"../{number}\n"]),
            "model_name": st.sampled_from(MODELS),
            "status": st.sampled_from(["RUNNING", "PENDING", "FAILED", "DELETING", "STOPPED", "ODD"]),
        },
        optional={
            "base_model": st.sampled_from(["wan2.6-i2v", "qwen-plus"]),
            "capacity": NUMBERS,
            "aigc_config": st.none()
            | NAMES
            | st.fixed_dictionaries(
                {"use_input_prompt": st.booleans() | NAMES},
                optional={
                    "prompt": NAMES,
                    "lora_prompt_default": NAMES,
                    "unknown": st.booleans(),
                    "odd": NAMES,
                },
            ),
        },
    )


@st.composite
def accounts(draw: st.DrawFn) -> Snapshot:
    files = [
        RemoteFile(
            id=f"file-ft-{n}",
            filename=draw(NAMES),
            bytes=draw(st.none() | st.integers(0, 9)),
            status="processed",
        )
        for n in range(draw(st.integers(0, 3)))
    ]
    made = [Job.model_validate(draw(jobs(number))) for number in range(draw(st.integers(0, 3)))]
    serving = [LiveDeployment.model_validate(draw(deployments(n))) for n in range(draw(st.integers(0, 3)))]
    rows = (
        CheckpointRow(checkpoint="checkpoint-20", status="SUCCEEDED", model_name="wan-ft-1-c20"),
        CheckpointRow(checkpoint=draw(NAMES) or "c", status="SUCCEEDED", model_name=draw(NAMES) or "m"),
    )
    answers = {Question(Read.CHECKPOINTS, job.job_id): rows for job in made}
    return Snapshot(datetime(2026, 3, 18, tzinfo=UTC), tuple(files), tuple(made), tuple(serving), answers)


def project(folder: Path, text: str | None = None) -> Desired:
    (folder / "wanctl.yaml").write_text("{version: 1, project: rain}\n", encoding="utf-8")
    imported = folder / "imported.yaml"
    imported.unlink(missing_ok=True)
    if text is not None:
        imported.write_text(text, encoding="utf-8")
    return load_project(folder)


def imported(desired: Desired, snapshot: Snapshot) -> Imported:
    record = Record(lineage="l", project="rain", endpoint="sandbox")
    plan = make_plan(desired, snapshot, record, {}).plan
    return documents_of(Inventory(desired, plan, record, snapshot), ())


@given(snapshot=accounts())
@settings(
    max_examples=examples(25),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_what_is_imported_is_read_again_as_it_was_written(tmp_path_factory: Any, snapshot: Snapshot) -> None:
    folder = tmp_path_factory.mktemp("imported")
    (folder / ".git").mkdir()
    made = imported(project(folder), snapshot)
    text = yaml_text(made.documents, ("head\n- hostile: [",))
    desired = project(folder, text)
    written = {one.address: one for one in made.documents if not one.proposed}
    assert set(desired.resources) == set(written)
    assert set(made.adoptions) <= set(written)
    assert len(made.adoptions.values()) == len(set(made.adoptions.values())), "no object twice"
    for address, one in written.items():
        spec = desired.resources[address].spec.model_dump(mode="json", by_alias=True)
        config = one.fields.get("aigc_config")
        if config:
            assert {key: spec["aigc_config"][key] for key in config} == config
        if address.kind is Kind.FINETUNE:
            assert all(
                spec["hyper_parameters"][k] == v for k, v in one.fields.get("hyper_parameters", {}).items()
            )
    for line in text.splitlines():
        assert line.isprintable()
    remarks = [line for line in text.splitlines() if line.startswith("#")]
    wrapped = [line for line in remarks if ": " not in line and "  wanctl" not in line]
    assert all(len(line) <= 110 for line in wrapped), max(wrapped, key=len)
