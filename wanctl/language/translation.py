"""pydantic's findings as sentences to a person: what is wrong with the value, and what to write instead."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from wanctl.base.words import did_you_mean, listed, quoted
from wanctl.language.findings import MOST_FINDINGS
from wanctl.language.yaml.documents import Complaint
from wanctl.language.yaml.nodes import DocumentPath, dotted
from wanctl.rules import Rule


def complaints(error: ValidationError, model: type[BaseModel]) -> Iterator[Complaint]:
    """One complaint for each value that is wrong."""
    seen: set[DocumentPath] = set()
    found = error.errors(include_url=False)
    unknown = [document_path(one["loc"]) for one in found if one["type"] == "extra_forbidden"]
    unknown = unknown[:MOST_FINDINGS]  # more are not told
    for one in found:
        path = document_path(one["loc"])
        if path in seen:
            continue  # a union tells each of its members' complaints; one is enough
        seen.add(path)
        if one["type"] == "too_short" and len(one["input"]) >= one["ctx"]["min_length"]:
            continue  # its members were wrong, and are told themselves
        if one["type"] == "missing" and any(_meant(path, other, model) for other in unknown):
            continue  # it is there, misspelt
        yield _complaint(path, one["type"], one["input"], one.get("ctx", {}), model)


def _meant(missing: DocumentPath, unknown: DocumentPath, model: type[BaseModel]) -> bool:
    if missing[:-1] != unknown[:-1]:
        return False
    return did_you_mean(str(unknown[-1]), keys_at(model, unknown[:-1])) == missing[-1]


def document_path(location: tuple[int | str, ...]) -> DocumentPath:
    """Where the document has the value. pydantic marks a complaint about a mapping's key, and which of
    several forms it took the value for."""
    plain = location[:-1] if location and location[-1] == "[key]" else location
    return tuple(part for part in plain if not (isinstance(part, str) and _FORM.fullmatch(part)))


def _complaint(
    path: DocumentPath, type_: str, value: Any, context: Mapping[str, Any], model: type[BaseModel]
) -> Complaint:
    name = dotted(path[-1:]) if path and isinstance(path[-1], str) else dotted(path[-2:])
    if type_ == "missing":
        return _missing(path, name)
    if type_ == "extra_forbidden":
        return _unknown_key(path, name, model)
    if type_ in {"value_error", "assertion_error"}:
        reason = str(context.get("error", "is not valid"))
        shown = "" if isinstance(value, dict) or value is None else f", not {quoted(value)}"
        return Complaint(
            path, Rule.VALUE, f"{name or 'it'} {reason}{shown if reason.startswith('must') else ''}"
        )
    if type_ in {"enum", "literal_error"}:
        return _not_one_of(path, name, value, context)
    for types, sentence, hint in _SENTENCES:
        if type_ in types:
            said = sentence.format(**{key: str(part) for key, part in context.items()})
            return Complaint(path, Rule.VALUE, f"{name} {said}, not {quoted(value)}", hint(value))
    where = f"wanctl explain {model.__name__}.{dotted(tuple(part for part in path if isinstance(part, str)))}"
    return Complaint(path, Rule.VALUE, f"{name} does not take {quoted(value)}", f"{where} says what it takes")


def _missing(path: DocumentPath, name: str) -> Complaint:
    owner = f" in {dotted(path[:-1])}" if len(path) > 1 else ""
    return Complaint(
        path, Rule.MISSING_KEY, f"the key {name} is missing{owner}", f"write {name}: …", on_key=True
    )


def _unknown_key(path: DocumentPath, name: str, model: type[BaseModel]) -> Complaint:
    owner = dotted(path[:-1]) or ("wanctl.yaml" if model.__name__ == "Settings" else f"a {model.__name__}")
    return unknown_key(path, name, owner, keys_at(model, path[:-1]))


def unknown_key(path: DocumentPath, name: str, owner: str, known: Sequence[str]) -> Complaint:
    """A key that its mapping does not have, with the near one."""
    near = did_you_mean(name, known)
    hint = f"did you mean {near}?" if near else f"its keys are {', '.join(known)}" if known else "take it out"
    return Complaint(path, Rule.UNKNOWN_KEY, f"there is no key {quoted(name)} in {owner}", hint, on_key=True)


def _not_one_of(path: DocumentPath, name: str, value: Any, context: Mapping[str, Any]) -> Complaint:
    words = [word.strip("'") for word in str(context.get("expected", "")).replace(" or ", ", ").split(", ")]
    near = did_you_mean(value, words) if isinstance(value, str) else None
    message = f"{name} must be {listed(words, 'or')}, not {quoted(value)}"
    return Complaint(path, Rule.VALUE, message, f"did you mean {near}?" if near else None)


def _no_hint(_: Any) -> str | None:
    return None


_FORM = re.compile(r"<[a-z]+>")
_NUMBER = re.compile(r"[-+]?\d{1,12}(\.\d{1,12})?(e[-+]?\d{1,3})?")


def _without_quotes(value: Any) -> str | None:
    number = value.strip() if isinstance(value, str) else ""
    return f"write {number}, without quotes" if _NUMBER.fullmatch(number) else None


def _true_or_false(value: Any) -> str | None:
    words = {"yes": "true", "on": "true", "1": "true", "true": "true"}
    words |= {"no": "false", "off": "false", "0": "false", "false": "false"}
    word = words.get(str(value).strip().lower())
    return f"write {word}" + (", without quotes" if isinstance(value, str) else "") if word else None


def _in_quotes(value: Any) -> str | None:
    if isinstance(value, bool | int | float):
        return f'write it in quotes: "{str(value).lower() if isinstance(value, bool) else value}"'
    return None


def _as_list(value: Any) -> str | None:
    return f"write [{value}]" if isinstance(value, str) else None


_SENTENCES: tuple[tuple[frozenset[str], str, Callable[[Any], str | None]], ...] = (
    (frozenset({"int_type", "int_parsing", "int_from_float"}), "must be a whole number", _without_quotes),
    (frozenset({"float_type", "float_parsing", "finite_number"}), "must be a number", _without_quotes),
    (frozenset({"bool_type", "bool_parsing"}), "must be true or false", _true_or_false),
    (frozenset({"string_type"}), "must be text", _in_quotes),
    (frozenset({"list_type", "tuple_type"}), "must be a list", _as_list),
    (frozenset({"dict_type", "model_type", "model_attributes_type"}), "must be a mapping", _no_hint),
    (frozenset({"too_short", "string_too_short"}), "must not be empty", _no_hint),
    (
        frozenset({"date_type", "date_parsing", "date_from_datetime_parsing"}),
        "must be a date, as in 2026-03-18",
        _no_hint,
    ),
    (frozenset({"greater_than_equal"}), "must be at least {ge}", _no_hint),
    (frozenset({"greater_than"}), "must be more than {gt}", _no_hint),
    (frozenset({"less_than"}), "must be less than {lt}", _no_hint),
    (frozenset({"less_than_equal"}), "must be at most {le}", _no_hint),
    (
        frozenset(
            {"datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid"}
        ),
        "must be a time, as in 2026-03-18T09:00:00+08:00",
        _no_hint,
    ),
)


def keys_at(model: type[BaseModel], path: DocumentPath) -> list[str]:
    """The keys of the mapping at a path below the model; empty where any key goes."""
    annotation: Any = model
    for part in path:
        annotation = next(_below(annotation, part), None)
    fields = next(_models(annotation), BaseModel).model_fields
    return [field.alias or name for name, field in fields.items()]


def _below(annotation: Any, part: str | int) -> Iterator[Any]:
    """The annotation of a value under this key or number."""
    for model in _models(annotation):
        if part in model.model_fields:
            yield model.model_fields[str(part)].annotation
    for one in (annotation, *get_args(annotation)):
        if get_origin(one) is dict:
            yield get_args(one)[1]
        elif get_origin(one) is tuple and isinstance(part, int):
            yield get_args(one)[0]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for one in (annotation, *get_args(annotation)):
        if get_origin(one) is Annotated:
            one = get_args(one)[0]
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one
