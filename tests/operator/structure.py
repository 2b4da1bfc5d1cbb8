"""The rules of structural schemas, as kube-apiserver holds a CustomResourceDefinition against them."""

import re
from collections.abc import Iterator
from typing import Any

KEEP, INT_OR_STRING = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"
JUNCTORS = ("anyOf", "oneOf", "allOf", "not")
OUTSIDE_ALONE = {
    "type",
    "default",
    "title",
    "description",
    "nullable",
    "externalDocs",
    "additionalProperties",
}
KNOWN = {
    *("type", "description", "format", "pattern", "enum", "required", "properties", "items"),
    *("additionalProperties", "nullable", "default", "title", "externalDocs", "example"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems"),
    *JUNCTORS,
    *(KEEP, INT_OR_STRING, "x-kubernetes-embedded-resource", "x-kubernetes-validations"),
    *("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"),
}
BEYOND_RE2 = re.compile(r"\(\?(?:[=!>]|<[=!])|\\[1-9]|[*+?}]\+")


def faults(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Everything that the server would refuse; `path` is empty at the root."""
    yield from _own_faults(schema, path)
    for name, value in schema.get("properties", {}).items():
        yield from faults(value, f"{path}.{name}")
    if "items" in schema:
        yield from faults(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from faults(schema["additionalProperties"], f"{path}.*")
    for junctor in JUNCTORS:
        for one in _members(schema, junctor):
            yield from _nested_faults(one, schema, f"{path} {junctor}")


def _own_faults(schema: dict[str, Any], path: str) -> Iterator[str]:
    yield from (f"{path}: there is no {key}" for key in schema.keys() - KNOWN)
    if "type" not in schema and not schema.get(KEEP) and not schema.get(INT_OR_STRING):
        yield f"{path}: has no type"
    if not path and schema.get("type") != "object":
        yield "the root is no object"
    if schema.get(KEEP) and schema.get(INT_OR_STRING):
        yield f"{path}: is both kept and int-or-string"
    if schema.get("type") == "array" and "items" not in schema:
        yield f"{path}: has no items"
    if "additionalProperties" in schema and ("properties" in schema or not path):
        yield f"{path}: additionalProperties beside properties, or at the root"
    if schema.get("additionalProperties") is False or schema.get("uniqueItems"):
        yield f"{path}: forbids what the server does not forbid"
    if "default" in schema:
        yield f"{path}: a default would be written into the object"
    yield from _value_faults(schema, path)
    if schema.get("x-kubernetes-list-type") == "map":
        keys = schema["items"]["properties"].keys()
        if not set(schema.get("x-kubernetes-list-map-keys", ["?"])) <= keys:
            yield f"{path}: is a map by keys that it does not have"


def _value_faults(schema: dict[str, Any], path: str) -> Iterator[str]:
    for key in ("exclusiveMinimum", "exclusiveMaximum"):
        if not isinstance(schema.get(key, False), bool):
            yield f"{path}: {key} is no boolean"
        if schema.get(key) and key.removeprefix("exclusive").lower() not in schema:
            yield f"{path}: {key} of nothing"
    if BEYOND_RE2.search(schema.get("pattern", "")):
        yield f"{path}: RE2 does not know this pattern"


def _nested_faults(schema: dict[str, Any], outside: dict[str, Any], path: str) -> Iterator[str]:
    yield from (f"{path}: has {key}" for key in schema.keys() & OUTSIDE_ALONE)
    yield from (f"{path}: has {key}" for key in schema if key.startswith("x-kubernetes-"))
    yield from (f"{path}: there is no {key}" for key in schema.keys() - KNOWN)
    yield from _value_faults(schema, path)
    for name, value in schema.get("properties", {}).items():
        if name not in outside.get("properties", {}):
            yield f"{path}: {name} is not specified outside"
        yield from _nested_faults(value, outside.get("properties", {}).get(name, {}), f"{path}.{name}")
    yield from (
        f"{path}: {name} is not specified outside"
        for name in schema.get("required", ())
        if name not in outside.get("properties", {})
    )
    for junctor in JUNCTORS:
        for one in _members(schema, junctor):
            yield from _nested_faults(one, outside, f"{path} {junctor}")


def _members(schema: dict[str, Any], junctor: str) -> list[dict[str, Any]]:
    found = schema.get(junctor, [])
    return [found] if isinstance(found, dict) else list(found)


def mappings(schema: dict[str, Any], path: str = "spec") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping with keys of its own, by its path."""
    if "properties" in schema:
        yield path, schema
    for name, value in schema.get("properties", {}).items():
        yield from mappings(value, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from mappings(schema[key], f"{path}[]")
