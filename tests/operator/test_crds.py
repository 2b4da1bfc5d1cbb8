"""The definitions of the custom resources: as a server takes them, with every word of the models."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.operator.structure import KEEP, faults, mappings
from wanctl.language.schema import described
from wanctl.operator.crds import NOT_IN_OBJECTS, CustomKind, crds_yaml, custom_kinds
from wanctl.operator.custom_resources import GROUP, VERSION

ROOT = Path(__file__).parents[2]
KINDS = custom_kinds()
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


def schema_of(kind: CustomKind, *, cel: bool = False) -> dict[str, Any]:
    (version,) = kind.definition(cel=cel)["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def test_the_file_is_what_the_code_says() -> None:
    shown = (ROOT / "deploy" / "kubernetes" / "crds.yaml").read_text(encoding="utf-8")
    assert shown == crds_yaml(), "python -m wanctl crds > deploy/kubernetes/crds.yaml"


def test_the_yaml_reads_back_as_what_was_written() -> None:
    documents = list(yaml.safe_load_all(crds_yaml(cel=True)))
    assert documents == [one.definition(cel=True) for one in KINDS]
    assert [one["spec"]["names"]["kind"] for one in documents] == [
        *("StudioAccount", "WanProject", "Dataset", "FineTune", "Checkpoint", "Deployment")
    ]


@each_kind
@pytest.mark.parametrize("cel", [False, True])
def test_every_schema_is_structural(kind: CustomKind, *, cel: bool) -> None:
    assert list(faults(schema_of(kind, cel=cel))) == []


def test_the_rules_of_structural_schemas_find_what_breaks_them() -> None:
    wrong = {
        "type": "object",
        "properties": {
            "a": {"description": "no type"},
            "b": {"type": "number", "exclusiveMinimum": 0},
            "c": {"type": "string", "anyOf": [{"type": "string"}]},
            "d": {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}},
            "e": {"type": "object", "additionalProperties": False},
            "f": {"type": "string", "const": "x"},
            "g": {"type": "string", "pattern": "a(?=b)"},
            "h": {"type": "array"},
            "i": {"type": "integer", "default": 1},
        },
        "oneOf": [{"required": ["z"]}],
    }
    assert len(list(faults(wrong))) == 10


@each_kind
def test_unknown_keys_are_kept_for_the_models_to_refuse(kind: CustomKind) -> None:
    found = dict(mappings(schema_of(kind)["properties"]["spec"]))
    assert found
    assert [path for path, one in found.items() if not one.get(KEEP)] == []


@each_kind
def test_a_rule_of_newer_servers_is_there_only_if_it_is_asked_for(kind: CustomKind) -> None:
    assert "x-kubernetes-validations" not in str(kind.definition())
    spec = schema_of(kind, cel=True)["properties"]["spec"]
    named = {
        rule["rule"].split("self.")[1].split(")")[0] for rule in spec.get("x-kubernetes-validations", ())
    }
    assert named == set(kind.fixed)
    assert named <= spec["properties"].keys()


@pytest.mark.parametrize(
    "kind", [one for one in KINDS if one.kind in described()], ids=lambda kind: kind.kind
)
def test_every_docstring_of_a_document_is_told(kind: CustomKind) -> None:
    """Twice: at its field, and in the text of the whole, for servers that do not show such fields."""
    spec = schema_of(kind)["properties"]["spec"]
    told = spec["description"].splitlines()
    for name, text in descriptions(described()[kind.kind]):
        if name in {"name", "source", "file"} or name.startswith("source."):
            continue  # said anew for custom resources
        assert any(line.startswith(f"{name} (") and text in line for line in told), name
        if "." not in name:
            assert spec["properties"][name]["description"] == text


def descriptions(schema: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for one in (schema, *schema.get("anyOf", ()), schema.get("items", {})):
        for name, value in one.get("properties", {}).items():
            if "description" in value and "file" not in name:
                yield f"{before}{name}", value["description"]
            yield from descriptions(value, f"{before}{name}{'[]' if value.get('type') == 'array' else ''}.")


@each_kind
def test_every_field_is_described(kind: CustomKind) -> None:
    top = schema_of(kind)["properties"]
    for part in ("spec", "status"):
        bare = [key for key, value in top[part]["properties"].items() if not value.get("description")]
        assert bare == []


def test_the_settings_are_those_of_wanctl_yaml() -> None:
    project = next(one for one in KINDS if one.kind == "WanProject")
    keys = schema_of(project)["properties"]["spec"]["properties"].keys()
    assert described()["Project"]["properties"].keys() - keys == NOT_IN_OBJECTS.keys()


@each_kind
def test_names_and_columns_are_such_as_a_server_takes(kind: CustomKind) -> None:
    definition = kind.definition()["spec"]
    names, (version,) = definition["names"], definition["versions"]
    assert (definition["group"], version["name"]) == (GROUP, VERSION)
    assert kind.definition()["metadata"]["name"] == f"{names['plural']}.{GROUP}"
    assert all(re.fullmatch(r"[a-z]{2,40}", one) for one in (names["plural"], *names["shortNames"]))
    assert names["categories"] == ["wanctl"]
    for column in version["additionalPrinterColumns"]:
        parts = re.findall(r"\.(spec|status)\.(\w+)", column["jsonPath"])
        for part, key in parts:
            assert key in schema_of(kind)["properties"][part]["properties"]
    assert len({one.definition()["spec"]["names"]["shortNames"][0] for one in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    ("kind", "spec", "valid"),
    [
        ("FineTune", {"model": "m", "training": ["a"], "hyper_parameters": {"n_epochs": "${n}"}}, True),
        ("FineTune", {"model": "m", "training": ["a"], "hyper_parameters": {"n_epoch": 5}}, True),
        ("FineTune", {"model": "m", "training": ["a"], "hyper_parameters": {"n_epochs": 0}}, False),
        ("FineTune", {"model": "m", "training": ["a"], "hyper_parameters": {"learning_rate": 0}}, False),
        ("FineTune", {"model": "m", "training": ["a"], "hyper_parameters": {"learning_rate": 2e-5}}, True),
        ("FineTune", {"model": "m", "training": ["a--b"]}, False),
        ("FineTune", {"training": ["a"]}, False),
        ("Checkpoint", {"finetune": "a", "checkpoint": 160}, True),
        ("Checkpoint", {"finetune": "a", "state": "gone"}, False),
        ("Deployment", {"finetune": "a", "aigc_config": {"prompt": {"configMap": {"name": "p"}}}}, True),
        ("Deployment", {"aigc_config": {}}, False),
        ("Deployment", {"finetune": "a", "checkpoint": "b", "aigc_config": {}}, False),
        ("Dataset", {"source": {"pvc": {"claim": "clips", "path": "rain"}}}, True),
        ("WanProject", {"accountRef": {"name": "a"}, "project": "rain", "approvals": ["x"]}, False),
        ("WanProject", {"accountRef": {"name": "a"}, "project": "rain", "requireApproval": ["train"]}, True),
        ("WanProject", {"accountRef": {"name": "a"}}, False),
        ("StudioAccount", {"allowedNamespaces": ["*"], "secretRef": {"name": "key"}}, True),
    ],
)
def test_what_a_server_refuses_by_itself(kind: str, spec: dict[str, Any], *, valid: bool) -> None:
    schema = schema_of(next(one for one in KINDS if one.kind == kind))["properties"]["spec"]
    whole = spec if kind in {"StudioAccount", "WanProject"} else {**spec, "projectRef": {"name": "rain"}}
    assert jsonschema.Draft4Validator(schema).is_valid(whole) is valid
