"""The schema in an editor: it finds nothing wrong in the examples, and finds the mistakes."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from wanctl.language.schema import json_schema

REPOSITORY = Path(__file__).parents[2]
PROJECTS = sorted(
    path.parent for top in ("specs", "examples") for path in (REPOSITORY / top).rglob("wanctl.yaml")
)
VALIDATOR = jsonschema.Draft7Validator(json_schema())


def complaints(document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(document)]


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_examples_agree_with_it(project: Path) -> None:
    for path in project.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        schema = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
        assert (project / schema).resolve() == REPOSITORY / "specs" / ".wanctl-schema.json"
        for document in yaml.safe_load_all(text):
            assert complaints(document) == []


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"kind": "FineTune", "name": "a", "training": ["b"]}, "'model' is a required property"),
        ({"kind": "FineTun", "name": "a"}, "is not one of"),
        ({"version": 1}, "'project' is a required property"),
        ({"version": 1, "project": "a", "providr": "x"}, "'providr' was unexpected"),
        ({"kind": "Dataset", "name": "a--b", "source": "x"}, "$.name"),
        ({"kind": "Dataset", "name": "a", "source": {"path": "x"}}, "$.source"),
        ({"kind": "Deployment", "name": "a", "aigc_config": {}}, "is not valid under any"),
        ({"version": 1, "project": "a", "environments": {"b": {"version": 1}}}, "'version' was unexpected"),
    ],
)
def test_the_schema_complains(document: dict[str, Any], complaint: str) -> None:
    found = complaints(document)
    assert any(complaint in one for one in found), found
    assert all("Dataset" not in one for one in found if document.get("kind") == "FineTune")


def test_vars_may_stand_for_what_is_no_text() -> None:
    parameters = {"n_epochs": "${epochs}", "split": "${split}"}
    document = {
        "kind": "FineTune",
        "name": "${x}",
        "model": "m",
        "training": ["a"],
        "hyper_parameters": parameters,
    }
    assert complaints(document) == []
    assert complaints({**document, "hyper_parameters": {"n_epochs": "many"}})


def test_an_editor_takes_checks_that_are_written_short() -> None:
    judge = {"at_least": 7, "rubric": "Rain falls."}
    checks = {"images": ["face.png", {"image": "street.png"}], "judge": judge}
    document = {"kind": "Deployment", "name": "a", "finetune": "b", "aigc_config": {}, "checks": checks}
    assert complaints(document) == []
    assert complaints({**document, "checks": {**checks, "judge": {**judge, "at_least": 11}}})


@pytest.mark.parametrize(
    ("parameter", "wrong", "right"),
    [("learning_rate", 0, 2e-5), ("split", 1, 0.9), ("split", 0, 0.9), ("n_epochs", 0, 1)],
)
def test_an_editor_knows_the_bounds(parameter: str, wrong: float, right: float) -> None:
    document = {"kind": "FineTune", "name": "a", "model": "m", "training": ["b"]}
    assert complaints({**document, "hyper_parameters": {parameter: wrong}})
    assert not complaints({**document, "hyper_parameters": {parameter: right}})


def test_only_words_that_json_schema_knows_bound_a_number() -> None:
    assert not re.search(r'"(gt|ge|lt|le)":', json.dumps(json_schema()))
