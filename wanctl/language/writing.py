"""Documents → YAML text, with remarks as comments.

What comes from the service is quoted as data, always.
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from wanctl.address import Address

SCHEMA_COMMENT = "# yaml-language-server: $schema=.wanctl-schema.json"
_WIDTH = 100
_LONGEST_REMARK = 400


UNKNOWN = {"unknown": True}  # stands for a value that the service does not give back


@dataclass(frozen=True)
class Written:
    """A document, what a reader should know of it, and whether it is only proposed, as a comment."""

    address: Address
    fields: Mapping[str, Any]
    remarks: tuple[str, ...] = ()
    proposed: bool = False

    @property
    def unknown(self) -> tuple[str, ...]:
        """The fields that a person has to write: nobody can read their value."""
        return tuple(key for key, value in self.fields.items() if value == UNKNOWN)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks; short lists, and mappings of one short value, in one line."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=_is_short(value))


def _mapping(dumper: yaml.SafeDumper, value: dict[str, Any]) -> yaml.MappingNode:
    short = len(value) == 1 and _is_short(value.values())
    return dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=short)


def _is_short(values: Iterable[Any]) -> bool:
    return sum(len(str(value)) + 2 for value in values) < _WIDTH // 2


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(dict, _mapping)


def yaml_text(documents: Iterable[Written], head: Iterable[str] = ()) -> str:
    """A file of the specs. Proposed documents stand last: between two others they would belong to one."""
    ordered = sorted(documents, key=lambda one: one.proposed)
    parts = [_document(one) for one in ordered if not one.proposed]
    proposed = [
        "".join(f"# {line}".rstrip() + "\n" for line in _document(one).splitlines())
        for one in ordered
        if one.proposed
    ]
    top = "".join(f"{line}\n" for line in (SCHEMA_COMMENT, *(_comment(line) for line in head)))
    return "\n".join([top + "\n" + "---\n".join(parts), *proposed])


def plain_yaml(value: Any) -> str:
    """Any value that JSON could hold, its keys in their order."""
    return yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=False
    )


def _document(one: Written) -> str:
    remarks = "".join(_comment(line) + "\n" for remark in one.remarks for line in _wrapped(remark))
    fields = {"kind": one.address.kind.value, "name": one.address.name, **_literal(dict(one.fields))}
    shown = all(map(_is_visible, _texts(fields)))
    return remarks + yaml.dump(
        fields, Dumper=_Dumper, sort_keys=False, allow_unicode=shown, width=_WIDTH, default_flow_style=False
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value


def _is_visible(text: str) -> bool:
    """Nothing in it turns the direction of what is read, or hides: such letters are written as escapes."""
    return text.replace("\n", "").isprintable()


def _wrapped(remark: str) -> list[str]:
    """Lines that fit; a name of a thousand letters is quoted in part. A command, indented, stays whole."""
    indent = remark[: len(remark) - len(remark.lstrip(" "))]
    cut = remark if len(remark) <= _LONGEST_REMARK else f"{remark[:_LONGEST_REMARK]}…"
    return [cut] if indent else textwrap.wrap(cut, _WIDTH, break_on_hyphens=False) or [""]


def _comment(line: str) -> str:
    """One line, whatever is in it: a line's end would end the comment."""
    return "# " + "".join(letter if letter.isprintable() else "?" for letter in line)


def _literal(value: Any) -> Any:
    """Texts in which ${ stands for itself."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {key: _literal(one) for key, one in value.items()}
    return [_literal(one) for one in value] if isinstance(value, list) else value
