"""The JSON Schema of the specs, for editors: one schema for a document of any kind and for wanctl.yaml.

Draft 7, since that is what yaml-language-server understands best. A document's kind decides what is said
about it, so that an editor complains of what is wrong with a FineTune and not that it is no Dataset.
"""

from typing import Any

from wanctl.address import Kind
from wanctl.language.describing import PROJECT, Schema, described
from wanctl.language.resources import DOCUMENTS

_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{[^{}]+\}", "description": "${name}, from vars."}
_NARROW = frozenset({"pattern", "enum", "const", "format"})
_SCALARS = frozenset({"integer", "number", "boolean"})
_ABOUT = ("description", "default", "examples")


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
