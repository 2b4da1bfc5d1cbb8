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


def with_item(text: str, line: int, field: str, item: str, after: str) -> str | None:
    """The same with one more item in a list; a list that is not there yet comes behind `after`."""
    node = _document_at(text, line)
    if node is None:
        return None
    keys = {key.value: (key, value) for key, value in node.value}
    if field not in keys:
        written = f"{field}: [{_flow_scalar(item)}]"
        return _inserted(text, node, keys[after][0], keys[after][1], written)
    old = _list_in(text, field, keys[field])
    if not old.value:
        return f"{text[: old.start_mark.index]}[{_flow_scalar(item)}]{text[old.end_mark.index :]}"
    place = _last(text, old.value[-1])
    if old.flow_style:
        return f"{text[:place]}, {_flow_scalar(item)}{text[place:]}"
    dash = " " * _dash(text, old.value[-1])
    stop = text.find("\n", place)
    written = f"{dash}- {_scalar(item)}{_end(text)}"
    return f"{text}{_end(text)}{written}" if stop < 0 else text[: stop + 1] + written + text[stop + 1 :]


def without_item(text: str, line: int, field: str, item: str) -> str | None:
    """The same without an item of a list; a list that is empty then is [], unless it stood alone."""
    node = _document_at(text, line)
    if node is None:
        return None
    keys = {key.value: (key, value) for key, value in node.value}
    if field not in keys:
        return text
    key, old = keys[field][0], _list_in(text, field, keys[field])
    numbers = [number for number, one in enumerate(old.value) if one.value == item]
    if not numbers:
        return text
    if len(old.value) == 1:
        return _without_last_item(text, node, key, old)
    number = numbers[0]
    if old.flow_style:
        if number:
            return text[: _last(text, old.value[number - 1])] + text[_last(text, old.value[number]) :]
        return text[: old.value[0].start_mark.index] + text[old.value[1].start_mark.index :]
    begin = text.rfind("\n", 0, old.value[number].start_mark.index) + 1
    stop = text.find("\n", _last(text, old.value[number]))
    return text[:begin] + ("" if stop < 0 else text[stop + 1 :])


def _without_last_item(text: str, node: yaml.MappingNode, key: yaml.Node, old: yaml.SequenceNode) -> str:
    place = _last(text, old.value[0]) if not old.flow_style else old.end_mark.index
    stop = text.find("\n", place)
    rest = text[place:] if stop < 0 else text[place:stop]
    begin = text.rfind("\n", 0, key.start_mark.index) + 1
    alone = not node.flow_style and not text[begin : key.start_mark.index].strip() and not rest.strip()
    if alone and begin:
        return text[:begin] + ("" if stop < 0 else text[stop + 1 :])
    return f"{text[: key.end_mark.index]}: []{text[place:]}"


def _list_in(text: str, field: str, pair: tuple[yaml.Node, yaml.Node]) -> yaml.SequenceNode:
    """The list of a field, if it is written out there."""
    key, value = pair
    between = text[key.end_mark.index : value.start_mark.index]
    if not isinstance(value, yaml.SequenceNode) or value.start_mark.index < key.end_mark.index:
        raise SpliceRefused(
            f"{field}: in line {key.start_mark.line + 1} is no list that stands there", "write it by hand"
        )
    if not re.fullmatch(r"\s*:(\s|#[^\n]*\n)*", between) or text[value.start_mark.index] in {"&", "*"}:
        raise SpliceRefused(
            f"the value of {field}: in line {key.start_mark.line + 1} stands at an anchor", "write it by hand"
        )
    return value


def _dash(text: str, item: yaml.Node) -> int:
    """The column of the dash before an item of a block."""
    begin = text.rfind("\n", 0, item.start_mark.index) + 1
    return text[begin : item.start_mark.index].rindex("-")


def _flow_scalar(value: str) -> str:
    """As a text within brackets, where a comma or a bracket would end it."""
    written: str = yaml.safe_dump([value], allow_unicode=True, width=10**6, default_flow_style=True)
    return written.strip().removeprefix("[").removesuffix("]")


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
