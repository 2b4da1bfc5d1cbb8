"""Documentation of a kind or a field, from the models that read it. Data, and a plain rendering of it."""

import re
import textwrap
from dataclasses import dataclass
from typing import Any

from wanctl.base.errors import WanctlError
from wanctl.base.values import DURATION_PATTERN, MONEY_PATTERN
from wanctl.base.words import did_you_mean, listed
from wanctl.catalogue.packaged import packaged_models
from wanctl.language.fields import NAME_PATTERN
from wanctl.language.schema import PROJECT, Schema, described
from wanctl.studio.regions import REGIONS

_WIDTH = 100
BASE_MODEL, HYPER_PARAMETERS, REGION = "FineTune.model", "FineTune.hyper_parameters.", "Project.region"
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "string": "text",
    "object": "mapping",
    "array": "list",
}


class UnknownPath(WanctlError, ValueError):  # noqa: N818 - reads as what happened
    """No kind or field has this path; the message says which was probably meant."""


@dataclass(frozen=True)
class Child:
    """A key of a mapping, in one line."""

    name: str
    type: str
    required: bool
    summary: str
    default: str | None = None


@dataclass(frozen=True)
class Explanation:
    """Everything that a person is told of one path."""

    path: str
    type: str
    required: bool
    default: str | None
    description: str
    allowed: str | None
    examples: tuple[str, ...]
    children: tuple[Child, ...]

    def render(self) -> str:
        """The explanation as plain text."""
        head = f"{self.path}: {self.type}" if self.path else self.type
        facts = [
            ("required", "yes" if self.required else None),
            ("default", self.default),
            ("allowed", self.allowed),
        ]
        lines = [head, "", *textwrap.wrap(self.description, _WIDTH)]
        told = [f"  {name}: {value}" for name, value in facts if value]
        lines += ["", *told] if told else []
        lines += ["", "  for example:", *(f"    {one}" for one in self.examples)] if self.examples else []
        return "\n".join([*lines, *self._children()])

    def _children(self) -> list[str]:
        if not self.children:
            return []
        wide = max(len(child.name) for child in self.children)
        lines = [""]
        for child in self.children:
            default = f" (default {child.default})" if child.default else ""
            mark = " (required)" if child.required else default
            text = f"{child.type}{mark}. {child.summary}"
            indent = " " * (wide + 4)
            lines += textwrap.wrap(
                text, _WIDTH, initial_indent=f"  {child.name:<{wide}}  ", subsequent_indent=indent
            )
        return lines


def explain(path: str) -> Explanation:
    """A kind (FineTune), a field (FineTune.hyper_parameters.split), a setting (Project.limits), or kinds."""
    schemas = described()
    if path in {"", "kinds"}:
        return _overview(schemas)
    first, *rest = re.sub(r"/[^.]*|\[\d*\]", "", path).split(".")
    first = {name.lower(): name for name in schemas}.get(first.lower(), first)
    if first not in schemas:
        near = did_you_mean(first, list(schemas))
        hint = f"did you mean {'.'.join([near, *rest])}?" if near else f"there are {listed(schemas)}"
        raise UnknownPath(f"there is nothing called {first}", hint)
    schema, required, walked = schemas[first], False, first
    for part in rest:
        schema, required = _step(schema, part, walked)
        walked = f"{walked}.{part}"
    return _explanation(walked, schema, required=required)


def _step(schema: Schema, part: str, walked: str) -> tuple[Schema, bool]:
    """One key further down; keys that a person makes up, as of environments, all lead to the same."""
    for one in _parts(schema):
        properties = one.get("properties", {})
        if part in properties:
            return properties[part], part in one.get("required", ())
        if isinstance(one.get("additionalProperties"), dict):
            return one["additionalProperties"], False
    known = [key for one in _parts(schema) for key in one.get("properties", {})]
    near = did_you_mean(part, known)
    hint = (
        f"did you mean {walked}.{near}?" if near else f"it has {listed(known)}" if known else "it has no keys"
    )
    raise UnknownPath(f"{walked} has no key {part}", hint)


def _parts(schema: Schema) -> tuple[Schema, ...]:
    """The schemas that may have keys: the value's own, each of its choices, and that of a list's elements."""
    return (schema, *schema.get("anyOf", ()), *(_parts(schema["items"]) if "items" in schema else ()))


def _overview(schemas: dict[str, Schema]) -> Explanation:
    children = tuple(
        Child(name, "settings" if name == PROJECT else "kind", False, _summary(one))
        for name, one in schemas.items()
    )
    description = (
        "A project is a folder with wanctl.yaml and documents of these kinds; name one to learn more."
    )
    return Explanation("", "The kinds of document", False, None, description, None, (), children)


def _explanation(path: str, schema: Schema, *, required: bool) -> Explanation:
    return Explanation(
        path=path,
        type=spell_type(schema),
        required=required,
        default=_default(path, schema),
        description=schema.get("description", ""),
        allowed=_known(path) or _allowed(schema),
        examples=tuple(_spell(one) for one in schema.get("examples", ())),
        children=tuple(
            Child(
                name,
                spell_type(value),
                name in one.get("required", ()),
                _summary(value),
                _default(f"{path}.{name}", value),
            )
            for one in _parts(schema)
            for name, value in one.get("properties", {}).items()
        ),
    )


def _known(path: str) -> str | None:
    """Names that no type lists, since there may be more tomorrow."""
    if path == BASE_MODEL:
        return f"{listed(packaged_models())}; a catalogue: of your own can add more"
    if path == REGION:
        return listed(region.name for region in REGIONS)
    return None


def _default(path: str, schema: Schema) -> str | None:
    """The value where nothing is written; a hyper-parameter's comes from the catalogue, by model."""
    if path.startswith(HYPER_PARAMETERS):
        key = path.removeprefix(HYPER_PARAMETERS)
        declared = [one.defaults.declared() for one in packaged_models().values()]
        values = {one[key] for one in declared if key in one}
        if not values:
            return None
        told = listed([_spell(value).replace("e-0", "e-") for value in sorted(values, key=float)], "or")
        return f"{told}, by model" if len(values) > 1 else told or None
    default = schema.get("default")
    return _spell(default) if isinstance(default, str | int | float) else None


_PATTERNS = {  # what is clearer in words: the type, and what is allowed
    NAME_PATTERN: ("name", "letters, digits, - and _"),
    DURATION_PATTERN: ("duration", None),
    MONEY_PATTERN: ("amount with its currency", None),
}


def spell_type(schema: Schema) -> str:
    """A type in words: whole number, list of text, text or mapping."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(spell_type(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return listed(map(str, schema["enum"]), "or")
    if "const" in schema:
        return str(schema["const"])
    if schema.get("format") == "date-time":
        return "time"
    if "pattern" in schema:
        return _PATTERNS.get(schema["pattern"], ("text", None))[0]
    if list(schema.get("properties", {})) in (["file"], ["file_id"], ["oss"]):
        return f"{{{next(iter(schema['properties']))}: …}}"
    name = _TYPES.get(str(schema.get("type")), "value")
    return f"list of {spell_type(schema['items'])}" if "items" in schema else name


_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
}


def _allowed(schema: Schema) -> str | None:
    pattern = schema.get("pattern")
    words = _PATTERNS[pattern][1] if pattern in _PATTERNS else pattern
    bounds = [form.format(schema[key]) for key, form in _BOUNDS.items() if key in schema]
    return ", ".join([*([words] if words else []), *bounds]) or None


def _summary(schema: Schema) -> str:
    """The first sentence."""
    return re.split(r"(?<=[.;]) ", schema.get("description", ""), maxsplit=1)[0].rstrip(";.") + "."


def _spell(example: Any) -> str:
    """An example as YAML would have it, in one line."""
    if isinstance(example, dict):
        return "{" + ", ".join(f"{key}: {_spell(value)}" for key, value in example.items()) + "}"
    if isinstance(example, list):
        return "[" + ", ".join(_spell(value) for value in example) + "]"
    return str(example).lower() if isinstance(example, bool) else str(example)
