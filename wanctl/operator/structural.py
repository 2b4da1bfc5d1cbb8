"""JSON Schema of the models → structural schemas, the form that kube-apiserver takes for custom resources.

Keys that no model knows are kept by the server, for the models to refuse: a key that the server dropped in
silence would be left to its default. So every mapping preserves unknown fields. Defaults are left to the
models as well: a default that the server wrote into the object would look as if a person had written it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wanctl.base.words import first_line
from wanctl.language.explain import spell_type
from wanctl.language.schema import Schema

KEEP = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE = "x-kubernetes-list-type"
LITERAL = "literal"  # marks a value in which no vars may stand
VARIABLE = r"\$\{[^{}]+\}"  # what vars put there is checked by the models
_LIMITS = ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")
_NARROW = ("pattern", "enum", "maxLength", "minLength")
_TIME = "date-time"
_TYPE_NAMES: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def structural(schema: Schema) -> Schema:
    """The structural schema of what people write: ${name} is taken for any scalar that is not LITERAL."""
    return _Structural(variables=True, strict=False).of(schema)


def structural_status(schema: Schema) -> Schema:
    """That of what the operator writes: the server drops what it does not know."""
    return _Structural(variables=False, strict=True).of(schema)


@dataclass(frozen=True)
class _Structural:
    variables: bool
    strict: bool

    def of(self, schema: Schema) -> Schema:
        if schema.get(LITERAL):
            plain = {key: value for key, value in schema.items() if key != LITERAL}
            return _Structural(variables=False, strict=self.strict).of(plain)
        extensions = {key: value for key, value in schema.items() if key.startswith("x-kubernetes-")}
        return {**_about(schema), **self._shape(schema), **extensions}

    def _shape(self, schema: Schema) -> Schema:
        if "anyOf" in schema:
            return self._choice(schema["anyOf"])
        made: Callable[[Schema], Schema] = {
            "object": self._mapping,
            "array": self._list,
            "string": self._text,
            "integer": self._whole,
        }.get(_type_of(schema), self._scalar)
        return made(schema)

    def _mapping(self, schema: Schema) -> Schema:
        values = schema.get("additionalProperties")
        if isinstance(values, dict) and not schema.get("properties"):
            return {"type": "object", "additionalProperties": self.of(values)}
        found: Schema = {"type": "object"}
        if properties := schema.get("properties"):
            found["properties"] = {name: self.of(value) for name, value in properties.items()}
        if required := schema.get("required"):
            found["required"] = list(required)
        return found if self.strict else {**found, KEEP: True}

    def _list(self, schema: Schema) -> Schema:
        return {"type": "array", "items": self.of(schema["items"]), **_limits(schema), LIST_TYPE: "atomic"}

    def _text(self, schema: Schema) -> Schema:
        narrow = _narrow(schema)
        if not narrow.keys() - {"minLength"} or not self.variables:
            time = {"format": _TIME} if self.strict and schema.get("format") == _TIME else {}
            return {"type": "string", **narrow, **time}
        return {"type": "string", "anyOf": [narrow, {"pattern": f"^{VARIABLE}$"}]}

    def _whole(self, schema: Schema) -> Schema:
        if not self.variables:
            return {"type": "integer", **_limits(schema)}
        return {INT_OR_STRING: True, **_limits(schema)}

    def _scalar(self, schema: Schema) -> Schema:
        """A number or a flag. With vars, a text may stand for it, and 2e-5 is one to some parsers of YAML."""
        if not self.variables:
            return {"type": _type_of(schema), **_limits(schema)}
        return {KEEP: True, **_limits(schema)}

    def _choice(self, choices: list[Schema]) -> Schema:
        """A value of several forms. Within anyOf the server allows no types: the models alone decide."""
        types = {_type_of(one) for one in choices}
        if types == {"string"}:
            return {"type": "string", "anyOf": [_narrow(one) for one in choices]}
        if types == {"string", "integer"}:
            limits = {key: value for one in choices for key, value in _limits(one).items()}
            return {INT_OR_STRING: True, **limits}
        return {KEEP: True}


def _type_of(schema: Schema) -> str:
    if "type" in schema:
        return str(schema["type"])
    known = schema.get("enum", [schema.get("const")])
    return _TYPE_NAMES.get(type(known[0]), "object")


def _narrow(schema: Schema) -> Schema:
    found = {key: schema[key] for key in _NARROW if key in schema}
    return {**found, "enum": [schema["const"]]} if "const" in schema else found


def _limits(schema: Schema) -> Schema:
    """In these schemas, exclusiveMinimum says of minimum that it is not allowed itself."""
    found = {key: schema[key] for key in _LIMITS if key in schema}
    for bound in ("Minimum", "Maximum"):
        if f"exclusive{bound}" in schema:
            found |= {bound.lower(): schema[f"exclusive{bound}"], f"exclusive{bound}": True}
    return found


def _about(schema: Schema) -> Schema:
    return {"description": schema["description"]} if schema.get("description") else {}


def documented(schema: Schema) -> str:
    """Every key of a mapping and of those in it, a paragraph each.

    Servers before 1.24, and kubectl before 1.27, show nothing of the keys of a mapping that preserves unknown
    fields: there, its own description is all that `kubectl explain` has.
    """
    return "\n\n".join(_lines(schema, ""))  # as paragraphs: kubectl runs lines together


def _lines(schema: Schema, before: str) -> list[str]:
    found: list[str] = []
    for one in _forms(schema):
        for name, value in one.get("properties", {}).items():
            path = f"{before}{name}"
            facts = [spell_type(value), *(["required"] if name in one.get("required", ()) else [])]
            facts += [f"default {default}"] if (default := _default(value)) else []
            found.append(f"{path} ({', '.join(facts)}): {value.get('description', '')}".rstrip(": "))
            found += _lines(value, f"{path}{'[]' if value.get('type') == 'array' else ''}.")
    return found


def _forms(schema: Schema) -> tuple[Schema, ...]:
    return (schema, *schema.get("anyOf", ()), *(_forms(schema["items"]) if "items" in schema else ()))


def _default(schema: Schema) -> str | None:
    default: Any = schema.get("default")
    if isinstance(default, bool):
        return str(default).lower()
    return first_line(str(default)) if isinstance(default, str | int | float) else None
