"""Texts and vars of one document: {file: …} becomes the file's text, ${name} becomes the var's value.

One pass and no more: what a var holds is never looked into again.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from wanctl.base.values import FromFile
from wanctl.base.words import suggestion
from wanctl.language.root import PathRefused, Root
from wanctl.language.scalars import Scalar
from wanctl.language.yaml.documents import Complaint, TextFile
from wanctl.language.yaml.nodes import DocumentPath, dotted
from wanctl.rules import Rule

LONGEST = 65_536  # characters that one text may grow to

_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[^{}\n]*)\}|\$\{")
_WHOLE = re.compile(r"\$\{([^{}\n]*)\}")
Complain = Callable[[Complaint], None]


class Unresolved(ValueError):  # noqa: N818 - reads as what happened
    """A ${…} that means nothing, `mark`; `hint` says what would."""

    def __init__(self, message: str, hint: str | None = None, mark: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.mark = mark


def with_vars(
    value: Any, variables: Mapping[str, Scalar], complain: Complain, path: DocumentPath = ()
) -> Any:
    """The value with every ${name} in its strings replaced; what cannot be replaced stays and is reported."""
    if isinstance(value, str):
        return _resolved(value, interpolate, variables, complain, path)
    if isinstance(value, dict):
        return {key: with_vars(one, variables, complain, (*path, key)) for key, one in value.items()}
    if isinstance(value, list):
        return [with_vars(one, variables, complain, (*path, number)) for number, one in enumerate(value)]
    return value


def with_texts(
    value: dict[str, Any],
    model: type[BaseModel],
    root: Root,
    folder: Path,
    variables: Mapping[str, Scalar],
    complain: Complain,
) -> dict[str, str]:
    """Put the files' texts into the value; the result says which text came from which file."""
    origins: dict[str, str] = {}
    for path in text_fields(model):
        holder = _holder(value, path)
        if holder is None or not isinstance(holder.get(path[-1]), dict):
            continue
        file = holder[path[-1]]
        holder[path[-1]] = "…"  # stands for a text that cannot be read: that is enough to say
        if set(file) != {"file"} or not isinstance(file["file"], str):
            complain(Complaint(path, Rule.VALUE, f"{path[-1]} must be text, or {{file: path}}"))
            continue
        try:
            text, origins[dotted(path)] = root.read_text(folder, file["file"])
        except PathRefused as error:
            complain(Complaint((*path, "file"), Rule.TEXT_FILE, f"{path[-1]}: {error}", error.hint))
            continue
        source = TextFile(root.shown_text(folder, file["file"]), text)
        holder[path[-1]] = _resolved(text, interpolate_text, variables, complain, (*path, "file"), source)
    return origins


@cache
def text_fields(model: type[BaseModel]) -> tuple[tuple[str, ...], ...]:
    """The paths of all fields that may come from a file."""
    return tuple(_text_fields(model, ()))


def _text_fields(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        annotation = field.annotation
        marks = (
            *field.metadata,
            *(mark for one in get_args(annotation) for mark in getattr(one, "__metadata__", ())),
        )
        if any(isinstance(mark, FromFile) for mark in marks):
            yield (*path, name)
            continue
        choices = get_args(annotation) if get_origin(annotation) is UnionType else ()
        for one in (annotation, *choices):  # a model that may be left out has its texts as well
            if isinstance(one, type) and issubclass(one, BaseModel):
                yield from _text_fields(one, (*path, name))


def _holder(value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    holder: Any = value
    for part in path[:-1]:
        holder = holder.get(part) if isinstance(holder, dict) else None
    return holder if isinstance(holder, dict) else None


def _resolved(
    text: str,
    how: Callable[[str, Mapping[str, Scalar]], Scalar],
    variables: Mapping[str, Scalar],
    complain: Complain,
    path: DocumentPath,
    source: TextFile | None = None,
) -> Scalar:
    try:
        return how(text, variables)
    except Unresolved as error:
        what = f"the text of {dotted(path[:-1])}" if source else dotted(path) or "it"
        message = f"{what} {error}"
        complain(Complaint(path, Rule.VARIABLE, message, error.hint, mark=error.mark, text=source))
        return text


def interpolate(text: str, variables: Mapping[str, Scalar]) -> Scalar:
    """The text with its vars; a text that is nothing but ${name} keeps the var's type. $${ stands for ${."""
    if "${" not in text:
        return text
    if whole := _WHOLE.fullmatch(text):
        return _lookup(whole[1], variables)
    return interpolate_text(text, variables)


def interpolate_text(text: str, variables: Mapping[str, Scalar]) -> str:
    """The same, always as text."""
    if "${" not in text:
        return text

    def replacement(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if match["name"] is None:
            raise Unresolved("has a ${ that is not closed", "write ${name}; or $${ for a literal ${", "${")
        value = _lookup(match["name"], variables)
        return str(value).lower() if isinstance(value, bool) else str(value)

    size = len(text) + sum(
        len(str(variables.get(match["name"] or "", ""))) for match in _VARIABLE.finditer(text)
    )
    if size > LONGEST:
        raise Unresolved(f"grows to more than {LONGEST:,} characters by its vars")
    return _VARIABLE.sub(replacement, text)


def variables_of(value: Any) -> dict[str, Scalar]:
    """The usable part of a vars mapping; the rest is reported when the settings are validated."""
    if not isinstance(value, dict):
        return {}
    return {name: one for name, one in value.items() if isinstance(one, str | int | float | bool)}


def _lookup(name: str, variables: Mapping[str, Scalar]) -> Scalar:
    try:
        return variables[name]
    except KeyError:
        hint = suggestion(
            name, sorted(variables), "write it under vars in wanctl.yaml, or $${ for a literal ${"
        )
        mark = f"${{{name}}}"
        raise Unresolved(f"refers to {mark}, and there is no var of that name", hint, mark) from None
