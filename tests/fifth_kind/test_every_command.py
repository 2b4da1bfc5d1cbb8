"""Evaluation, a kind of this folder's own, through every command; no other file knows of it."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fifth_kind.evaluation import EVALUATION, EvaluationKind
from tests.ledger.ledger_files import as_an_older_wanctl_wrote_it
from tests.scenarios.playing import DATA, quiet_surroundings, run_wanctl
from wanctl.address import Address, Kind
from wanctl.kinds.registry import kinds, register, registered
from wanctl.language.load import load_project

Kind.unregister(EVALUATION)  # its module gives it its name; the tests of other folders know four kinds
BASE = Path(__file__).parents[1] / "scenarios" / "base"
DOCUMENT = """\
kind: Evaluation
name: streets
finetune: money-rain
prompts: [a street at night, a street by day]
"""


@pytest.fixture(autouse=True)
def fifth_kind() -> Iterator[None]:
    Kind.register(EVALUATION)
    with registered(EvaluationKind()):
        yield


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(BASE, tmp_path, dirs_exist_ok=True)
    shutil.copytree(DATA, tmp_path / "data", dirs_exist_ok=True)
    (tmp_path / ".git").mkdir()  # the project's root: data/ is inside it
    (tmp_path / "specs" / "evaluation.yaml").write_text(DOCUMENT, encoding="utf-8")
    for name, value in quiet_surroundings().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*words: str, code: int = 0) -> str:
    printed, ended = run_wanctl(*words)
    assert ended == code, printed
    return printed


def test_it_is_validated_as_the_others_are(project: Path) -> None:
    assert "5 resources" in ran("validate")
    file = project / "specs" / "evaluation.yaml"
    file.write_text(DOCUMENT.replace("finetune: money-rain", "finetune: money-rian"), encoding="utf-8")
    assert "there is no FineTune money-rian" in (told := ran("validate", code=1))
    assert "did you mean money-rain?" in told
    file.write_text(DOCUMENT.replace("prompts:", "promts:"), encoding="utf-8")
    assert "did you mean prompts?" in ran("validate", code=1)


def test_it_is_explained_from_its_model() -> None:
    assert "Questions that a trained model is asked" in ran("explain", "Evaluation")
    assert "The name of the FineTune whose model is asked." in ran("explain", "Evaluation.finetune")


def test_it_is_in_the_schema() -> None:
    schema = json.loads(ran("schema"))
    assert "Evaluation" in schema["properties"]["kind"]["enum"]
    described = schema["definitions"]["Evaluation"]
    assert described["properties"]["prompts"]["description"] == "What it is asked."
    assert described["oneOf"] == [{"required": ["prompts"]}, {"required": ["file_id"]}]


def test_it_is_planned_applied_and_at_rest(project: Path) -> None:
    plan = json.loads(ran("plan", "--format", "json"))
    step = next(one for one in plan["steps"] if one["address"] == "Evaluation/streets")
    assert (step["action"], step["when"], step["after"]) == ("upload", "later", ["FineTune/money-rain"])
    assert [one["path"] for one in step["changes"]] == ["prompts"]
    done = ran("apply", "--yes", "--wait")
    assert "Evaluation/streets" in done
    assert "No changes" in ran("plan")
    assert "Evaluation/streets" in ran("status")
    assert ran("output", "Evaluation/streets").startswith("file-")
    graph = ran("graph", "--format", "dot")
    nodes = dict(re.findall(r'(n\d+) \[label="(?:FineTune|Evaluation)\\n([\w-]+)', graph))
    names = {name: node for node, name in nodes.items()}
    assert f"{names['money-rain']} -> {names['streets']}" in graph
    file = project / "specs" / "evaluation.yaml"
    file.write_text(DOCUMENT.replace("by day", "in the rain"), encoding="utf-8")
    assert "new questions" in ran("plan")


def test_what_left_the_specs_is_an_orphan_and_is_pruned(project: Path) -> None:
    ran("apply", "--yes", "--wait")
    remote_id = ran("output", "Evaluation/streets").strip()
    (project / "specs" / "evaluation.yaml").unlink()
    plan = json.loads(ran("plan", "--format", "json"))
    assert [one["remote_id"] for one in plan["orphans"]] == [remote_id]
    ran("prune", "Evaluation/streets", "--yes")
    assert json.loads(ran("plan", "--format", "json"))["orphans"] == []


def test_what_is_live_is_imported_and_adopted(project: Path) -> None:
    ran("apply", "--yes", "--wait")
    remote_id = ran("output", "Evaluation/streets").strip()
    (project / "specs" / "evaluation.yaml").unlink()
    ledger = project / "specs" / ".wanctl" / "ledger.json"
    record = json.loads(ledger.read_text(encoding="utf-8"))
    del record["entries"]["Evaluation/streets"]
    ledger.write_text(as_an_older_wanctl_wrote_it(record), encoding="utf-8")
    assert f"file_id: {remote_id}" in ran("import", remote_id, "--dry-run")
    ran("import", remote_id, "--yes")
    found = load_project(project / "specs").resources[Address(EVALUATION, "streets")]
    assert found.spec.model_dump()["file_id"] == remote_id
    assert "No changes" in ran("plan")


def test_destroy_by_name_and_the_tombstone_delete_it(project: Path) -> None:
    ran("apply", "--yes", "--wait")
    ran("destroy", "Evaluation/streets", "--yes")
    (project / "specs" / "evaluation.yaml").write_text(DOCUMENT + "state: absent\n", encoding="utf-8")
    assert "No changes" in ran("plan")


def test_a_kind_is_registered_once_and_behind_what_it_refers_to() -> None:
    with pytest.raises(ValueError, match="there already"):
        register(EvaluationKind())
    assert kinds()[-1].kind == EVALUATION
