"""explain, and the schema's file: made from the models, complete, current."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wanctl
from wanctl.finding import Severity
from wanctl.language.explain import UnknownPath, explain
from wanctl.language.findings import rendered
from wanctl.language.load import load_project
from wanctl.language.schema import described, json_schema
from wanctl.project import Project
from wanctl.project.validating import dataset_diagnostics

REPOSITORY = Path(__file__).parents[2]
PROJECTS = sorted(
    path.parent for top in ("specs", "examples") for path in (REPOSITORY / top).rglob("wanctl.yaml")
)


def _fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in (schema, *schema.get("anyOf", ())):
        for name, field in one.get("properties", {}).items():
            yield f"{path}.{name}", field
            yield from _fields(field, f"{path}.{name}")


FIELDS = [field for name, schema in described().items() for field in _fields(schema, name)]


def test_the_kept_schema_is_current() -> None:
    """`wanctl schema > specs/.wanctl-schema.json` renews it."""
    kept = json.loads((REPOSITORY / "specs" / ".wanctl-schema.json").read_text(encoding="utf-8"))
    assert kept == json_schema()


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_examples_are_clean(project: Path) -> None:
    opened = Project.open(project)
    found = [
        *opened.desired.diagnostics,
        *opened.findings(),
        *dataset_diagnostics(opened.desired, opened.local),
    ]
    assert [rendered(one) for one in found if one.severity is not Severity.ADVICE] == []


def test_the_real_service_is_an_environment_of_the_demo() -> None:
    desired = load_project(REPOSITORY / "specs", "prod")
    assert desired.settings.provider == "model-studio"
    assert desired.settings.ledger == ".wanctl/ledger.prod.json"


@pytest.mark.parametrize(("path", "field"), FIELDS, ids=[path for path, _ in FIELDS])
def test_every_field_is_described(path: str, field: dict[str, Any]) -> None:
    assert field.get("description"), path
    assert explain(path).render().startswith(f"{path}: ")


def test_explain_tells_what_a_person_asks() -> None:
    epochs = explain("FineTune.hyper_parameters.n_epochs")
    assert (epochs.type, epochs.required, epochs.allowed) == ("whole number", False, "at least 1")
    assert epochs.examples == ("400",)
    spend = explain("Project.limits.spend")
    assert (spend.type, spend.examples) == ("amount with its currency", ("60 USD",))
    source = explain("Dataset.source")
    assert (source.type, source.required) == ("text or {file_id: …} or {oss: …}", True)
    assert explain("Deployment.strategy").default == "recreate"
    assert [child.name for child in explain("Project.environments.prod.limits").children] == [
        "new_jobs",
        "spend",
        "deletes",
    ]


def test_a_path_out_of_a_message_can_be_explained() -> None:
    assert explain("FineTune/money-rain.training[0]").path == "FineTune.training"


def test_the_overview_names_everything() -> None:
    for path in ("", "kinds"):
        assert [child.name for child in explain(path).children] == [*described()]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("FineTun.model", "did you mean FineTune.model?"),
        ("FineTune.hyperparameters", "did you mean FineTune.hyper_parameters?"),
        ("FineTune.model.x", "it has no keys"),
        ("Checkpoint.zzz", "it has name"),
        ("zzz", "there are Dataset"),
    ],
)
def test_an_unknown_path_has_a_near_one(path: str, hint: str) -> None:
    with pytest.raises(UnknownPath) as raised:
        explain(path)
    assert hint in str(raised.value)


def test_a_kind_shows_its_defaults_and_is_found_in_any_case() -> None:
    told = explain("deployment").render()
    assert told.startswith("Deployment: mapping")
    assert "capacity      whole number (default 1)." in told
    parameters = explain("finetune.hyper_parameters").render()
    assert "whole number (default 400)." in parameters
    assert "number (default 2e-5)." in parameters
    assert "whole number (default 36864, 147456 or 262144, by model)." in " ".join(parameters.split())
    assert (
        "default: 36864, 147456 or 262144, by model"
        in explain("FineTune.hyper_parameters.max_pixels").render()
    )


def test_names_that_no_type_lists_are_listed() -> None:
    assert "wan2.6-i2v" in (explain("FineTune.model").allowed or "")
    assert "frankfurt" in (explain("Project.region").allowed or "")


def test_what_the_planner_rests_on_is_pure() -> None:
    """Resources, rules and estimates import nothing by which anything outside could be read."""
    root = Path(wanctl.__file__).parents[1]
    rooms = ("wanctl.language.", "wanctl.catalogue.")
    pure = ["wanctl.language.resources", "wanctl.language.rules.values", "wanctl.catalogue.estimate"]
    seen, waiting = set(), pure
    forbidden = {"os", "time", "httpx", "socket", "subprocess", "random", "yaml"}
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        file = root / f"{module.replace('.', '/')}.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not forbidden.intersection(name.partition(".")[0] for name in names), module
            waiting += [name for name in names if name.startswith(rooms)]
    assert seen & {"wanctl.language.load", "wanctl.catalogue.packaged"} == set()
    assert "wanctl.catalogue.base_models" in seen
