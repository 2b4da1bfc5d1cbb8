"""The models as data about themselves: JSON Schemas with descriptions, from the docstrings below the fields.

Read from the source when somebody asks, which is explain and the schema: no other command pays for it.
"""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from wanctl.catalogue.base_models import HyperParameters
from wanctl.language.models import AigcConfig, Resourceful, Source
from wanctl.language.resources import DOCUMENTS
from wanctl.language.settings import Limits, Polling, SandboxSettings, Settings

Schema = dict[str, Any]
PROJECT = "Project"

_MODELS: tuple[type[BaseModel], ...] = (
    Resourceful,
    HyperParameters,
    AigcConfig,
    Source,
    Settings,
    Limits,
    Polling,
    SandboxSettings,
)


def described() -> dict[str, Schema]:
    """Dataset, FineTune, …, and Project → its schema, without references, each field described."""
    return _schemas(tuple((str(kind), document.model) for kind, document in DOCUMENTS.items()))


@cache
def _schemas(kinds: tuple[tuple[str, type[BaseModel]], ...]) -> dict[str, Schema]:
    tops: dict[str, type[BaseModel]] = {**dict(kinds), PROJECT: Settings}
    schemas = {name: _described(model) for name, model in tops.items()}
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


def _described(model: type[BaseModel]) -> Schema:
    raw = model.model_json_schema()
    definitions = raw.pop("$defs", {})
    plain: Schema = _plain(_with_descriptions(raw, model.__name__), definitions)
    return plain


def _plain(node: Any, definitions: dict[str, Schema]) -> Any:
    """References put in place, titles and nulls taken out: an editor should mark `key:` without a value."""
    if isinstance(node, list):
        return [_plain(one, definitions) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        own = {key: value for key, value in node.items() if key != "$ref"}
        return _plain({**_with_descriptions(definitions[name], name), **own}, definitions)
    kept = {
        key: _properties(value, definitions) if key == "properties" else _plain(value, definitions)
        for key, value in node.items()
        if key not in {"title", "propertyNames"} and not (key == "default" and value is None)
    }
    for value in kept.pop("patternProperties", {}).values():  # mappings whose keys are names
        kept["additionalProperties"] = value
    return _without_null(kept)


def _properties(properties: dict[str, Any], definitions: dict[str, Schema]) -> dict[str, Any]:
    return {name: _plain(value, definitions) for name, value in properties.items()}


def _without_null(node: Schema) -> Schema:
    choices = [one for one in node.get("anyOf", ()) if one != {"type": "null"}]
    if not choices:
        return node
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**choices[0], **rest} if len(choices) == 1 else {"anyOf": choices, **rest}


def _with_descriptions(schema: Schema, model: str) -> Schema:
    documented = _docstrings(tuple(one.model for one in DOCUMENTS.values()))
    told = {**documented.get("Resourceful", {}), **documented.get(model, {})}
    properties = {
        name: {**value, "description": told[name]} if name in told else value
        for name, value in schema.get("properties", {}).items()
    }
    choices = [_with_descriptions(one, model) for one in schema.get("anyOf", ())]
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
                found[node.name] = dict(_below_fields(node))
    return found


def _below_fields(model: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(model.body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            yield field.target.id.rstrip("_"), " ".join(str(below.value.value).split())
