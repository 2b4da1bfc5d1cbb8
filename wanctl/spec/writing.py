"""Documents → YAML text, with remarks as comments. What comes from the service is quoted as data, always."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from wanctl.spec.addresses import Address

SCHEMA_COMMENT = "# yaml-language-server: $schema=.wanctl-schema.json"
_WIDTH = 100


@dataclass(frozen=True)
class Written:
    """A document, what a reader should know of it, and whether it is only proposed, as a comment."""

    address: Address
    fields: Mapping[str, Any]
    remarks: tuple[str, ...] = ()
    proposed: bool = False


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


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


def _document(one: Written) -> str:
    remarks = "".join(_comment(line) + "\n" for line in one.remarks)
    fields = {"kind": one.address.kind.value, "name": one.address.name, **_literal(dict(one.fields))}
    return remarks + yaml.dump(
        fields, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=False
    )


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
