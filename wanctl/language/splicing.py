"""A value written into a file of the specs as it stands: every other byte stays as it is.

The parser tells where values begin and end, and the text is cut there. A library that writes the whole
document anew would change indents, quotes or broken lines that nobody asked it to.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from wanctl.base.errors import WanctlError

_BETWEEN = re.compile(r"\s*:\s*")
_NUMBER = re.compile(r"[0-9]+(e[0-9]+)?")
_WIDTH = 100


class SpliceRefused(WanctlError):  # noqa: N818 - reads as what happened
    """The file has the value in a form that only a person should change; nothing was written."""


def with_fields(text: str, line: int, fields: Mapping[str, Any], after: str) -> str | None:
    """The file's text with these fields in the document that begins at the line; None if none does.

    A field goes over the one that is there, else behind the field before it; the first behind `after`. A
    value is a text, or a mapping of texts and lists.
    """
    for name, value in fields.items():
        node = _document_at(text, line)
        if node is None:
            return None
        keys = {key.value: (key, value) for key, value in node.value}
        if name in keys:
            text = _replaced(text, node, name, value)
        else:
            text = _inserted(
                text, node, keys[after][0], keys[after][1], _line(name, value, flow=node.flow_style)
            )
        after = name
    return text


def _document_at(text: str, line: int) -> yaml.MappingNode | None:
    for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
        if isinstance(node, yaml.MappingNode) and node.start_mark.line + 1 == line:
            return node
    return None


def _replaced(text: str, node: yaml.MappingNode, name: str, value: Any) -> str:
    key, old = next((key, old) for key, old in node.value if key.value == name)
    start = old.start_mark.index
    between = text[key.end_mark.index : start]
    if start < key.end_mark.index or not _BETWEEN.fullmatch(between) or text[start : start + 1] in {"&", "*"}:
        raise SpliceRefused(
            f"the value of {name}: in line {key.start_mark.line + 1} stands at an anchor", "write it by hand"
        )
    written = _line(name, value, flow=node.flow_style)
    if isinstance(old, yaml.ScalarNode) and isinstance(value, str):
        if "${" in old.value:
            raise SpliceRefused(
                f"{name}: in line {key.start_mark.line + 1} comes from vars: {old.value}",
                "change the var, or write the name itself here",
            )
        gap = " " if between.endswith(":") else ""
        return text[:start] + gap + _scalar(value) + text[old.end_mark.index :]
    if not node.flow_style:
        written = written.replace("\n", _end(text) + " " * key.start_mark.column)
    return text[: key.start_mark.index] + written + text[_last(text, old) :]


def _last(text: str, node: yaml.Node) -> int:
    """Where the text of a value ends. A block's own mark is at whatever comes next."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last(text, last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    return len(text[:end].rstrip()) if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"} else end


def _inserted(text: str, node: yaml.MappingNode, key: yaml.Node, value: yaml.Node, written: str) -> str:
    place = _last(text, value)
    if place < key.end_mark.index:
        raise SpliceRefused(
            f"the value of {key.value}: in line {key.start_mark.line + 1} stands at an anchor",
            "write it by hand",
        )
    if node.flow_style:
        return f"{text[:place]}, {written}{text[place:]}"
    end = _end(text)
    lines = (" " * key.start_mark.column + written.replace("\n", "\n" + " " * key.start_mark.column)) + "\n"
    lines = lines.replace("\n", end)
    stop = text.find("\n", place)
    return f"{text}{end}{lines}" if stop < 0 else text[: stop + 1] + lines + text[stop + 1 :]


def _end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _line(name: str, value: Any, *, flow: bool) -> str:
    """`name: value`, a mapping as a block beneath it, without the last line's end."""
    if isinstance(value, str):
        return f"{name}: {_scalar(value)}"
    dumped = yaml.safe_dump(
        {name: value}, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=_WIDTH
    )
    return dumped.strip().removeprefix("{").removesuffix("}") if flow else dumped.rstrip("\n")


def _scalar(value: str) -> str:
    """As every YAML reads it as this very text: in quotes where one of them would see a number."""
    if _NUMBER.fullmatch(value):
        return f"'{value}'"
    return yaml.safe_dump(value, allow_unicode=True, width=10**6).removesuffix("\n").removesuffix("\n...")
