"""The JSON Schema of the specs, for editors and for explain: of a document of any kind, and of wanctl.yaml.

Descriptions are the docstrings below the fields, read from the source when somebody asks: no other command
pays for it.
Draft 7, since that is what yaml-language-server understands best. A document's kind decides what is said
about it, so that an editor complains of what is wrong with a FineTune and not that it is no Dataset.
"""

import ast
import inspect
from collections import ChainMap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from wanctl.address import Kind
from wanctl.catalogue.base_models import HyperParameters
from wanctl.dataset.thresholds import ContentThresholds
from wanctl.generation.checks import VideoChecks
from wanctl.generation.judge import CheckJudge
from wanctl.language.models import AigcConfig, Resourceful
from wanctl.language.resources import DOCUMENTS
from wanctl.language.settings import Limits, PollingIntervals, SandboxSettings, Settings
from wanctl.language.source import Source

Schema = dict[str, Any]
PROJECT = "Project"

_MODELS: tuple[type[BaseModel], ...] = (
    Resourceful,
    HyperParameters,
    AigcConfig,
    Source,
    ContentThresholds,
    VideoChecks,
    CheckJudge,
    Settings,
    Limits,
    PollingIntervals,
    SandboxSettings,
)


_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{[^{}]+\}", "description": "${name}, from vars."}
_NARROW = frozenset({"pattern", "enum", "const", "format"})
_SCALARS = frozenset({"integer", "number", "boolean"})
_ABOUT = ("description", "default", "examples")
_BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def json_schema() -> dict[str, Any]:
    """A new schema, made from the models."""
    schemas = described()
    kinds = [name for name in schemas if name != PROJECT]
    cases = [
        {"if": {"properties": {"kind": {"const": kind}}}, "then": {"$ref": f"#/definitions/{kind}"}}
        for kind in kinds
    ]
    kind_of = {"description": "What the document describes.", "enum": kinds}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "wanctl",
        "description": "Specs of wanctl: a document of any kind, or the settings in wanctl.yaml.",
        "type": "object",
        "properties": {"kind": kind_of},
        "if": {"required": ["kind"]},
        "then": {"allOf": cases},
        "else": {"$ref": f"#/definitions/{PROJECT}"},
        "definitions": {name: _definition(name, schema) for name, schema in schemas.items()},
    }


def _definition(name: str, schema: Schema) -> Schema:
    lenient = _with_variables(schema)
    if name != PROJECT:
        lenient["properties"] = {"kind": {"const": name}, **lenient["properties"]}
        lenient["required"] = ["kind", *lenient.get("required", [])]
        return _with_one_of(lenient, DOCUMENTS[Kind(name)].one_of)
    version = schema["properties"]["version"]
    return {**lenient, "properties": {**lenient["properties"], "version": version}}


def _with_one_of(schema: Schema, keys: tuple[str, ...]) -> Schema:
    """Exactly one of several keys, which a model checks by itself."""
    return {**schema, "oneOf": [{"required": [key]} for key in keys]} if keys else schema


def _with_variables(node: Any) -> Any:
    """Where not every text is taken, ${name} is: what it stands for is checked by wanctl itself."""
    if isinstance(node, list):
        return [_with_variables(one) for one in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") in _SCALARS or (node.get("type", "string") == "string" and _NARROW & node.keys()):
        about = {key: node[key] for key in _ABOUT if key in node}
        value = {key: one for key, one in node.items() if key not in _ABOUT}
        return {"anyOf": [value, _VARIABLE], **about}
    return {
        key: {name: _with_variables(one) for name, one in value.items()}
        if key == "properties"
        else _with_variables(value)
        if key in {"items", "anyOf", "additionalProperties"}
        else value
        for key, value in node.items()
    }


def described() -> dict[str, Schema]:
    """Dataset, FineTune, …, and Project → its schema, without references, each field described."""
    return _schemas(tuple((str(kind), document.model) for kind, document in DOCUMENTS.items()))


@cache
def _schemas(kinds: tuple[tuple[str, type[BaseModel]], ...]) -> dict[str, Schema]:
    tops: dict[str, type[BaseModel]] = {**dict(kinds), PROJECT: Settings}
    schemas = {name: described_model(model) for name, model in tops.items()}
    project = schemas[PROJECT]["properties"]
    fixed = {"version", "environments"}
    changeable = {key: value for key, value in project.items() if key not in fixed}
    project["environments"]["additionalProperties"] = {
        "type": "object",
        "description": "What one environment changes.",
        "properties": changeable,
        "additionalProperties": False,
    }
    return schemas


def described_model(model: type[BaseModel]) -> Schema:
    """The schema of one model, without references, each field described by what stands below it."""
    raw = model.model_json_schema()
    definitions = raw.pop("$defs", {})
    documented = _docstrings((*(one.model for one in DOCUMENTS.values()), model))
    plain: Schema = _Plain(definitions, documented).node(_with_descriptions(raw, model.__name__, documented))
    return plain


@dataclass(frozen=True)
class _Plain:
    """References put in place, titles and nulls taken out: an editor should mark `key:` without a value."""

    definitions: dict[str, Schema]
    documented: dict[str, dict[str, str]]

    def node(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.node(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            own = {key: value for key, value in node.items() if key != "$ref"}
            return self.node({**_with_descriptions(self.definitions[name], name, self.documented), **own})
        kept: Schema = {
            str(_BOUNDS.get(key, key)): self._properties(value) if key == "properties" else self.node(value)
            for key, value in node.items()
            if key not in {"title", "propertyNames"} and not (key == "default" and value is None)
        }
        for value in kept.pop("patternProperties", {}).values():  # mappings whose keys are names
            kept["additionalProperties"] = value
        return _without_null(kept)

    def _properties(self, properties: dict[str, Any]) -> dict[str, Any]:
        return {name: self.node(value) for name, value in properties.items()}


def _without_null(node: Schema) -> Schema:
    choices = [one for one in node.get("anyOf", ()) if one != {"type": "null"}]
    if not choices:
        return node
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**choices[0], **rest} if len(choices) == 1 else {"anyOf": choices, **rest}


def _with_descriptions(schema: Schema, model: str, documented: dict[str, dict[str, str]]) -> Schema:
    told = {**documented.get("Resourceful", {}), **documented.get(model, {})}
    properties = {
        name: {**value, "description": told[name]} if name in told else value
        for name, value in schema.get("properties", {}).items()
    }
    choices = [_with_descriptions(one, model, documented) for one in schema.get("anyOf", ())]
    return (
        schema | ({"properties": properties} if properties else {}) | ({"anyOf": choices} if choices else {})
    )


@cache
def _docstrings(kinds: tuple[type[BaseModel], ...]) -> dict[str, dict[str, str]]:
    """Model → field → the string that stands below it in the source."""
    found: dict[str, dict[str, str]] = {}
    for module in {inspect.getmodule(model) for model in (*_MODELS, *kinds)}:
        if module is None:
            continue
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                inherited = (found.get(base.id, {}) for base in node.bases if isinstance(base, ast.Name))
                found[node.name] = dict(ChainMap(dict(_below_fields(node)), *inherited))
    return found


def _below_fields(model: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(model.body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            name, text = field.target.id.rstrip("_"), " ".join(str(below.value.value).split())
            yield name, text
            yield to_camel(name), text  # as a model for Kubernetes spells it
