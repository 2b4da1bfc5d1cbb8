"""YAML text → plain values, and where each of them stands. Knows nothing of kinds, reads no files.

Values are built in one pass; positions are found again from the text when a diagnostic asks for them,
so that good specs, the usual ones, pay nothing for the bad.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from wanctl.spec.findings import Findings
from wanctl.spec.nodes import (
    DEEPEST,
    TAG,
    Budget,
    DocumentPath,
    TooDeep,
    compose,
    dotted,
    entries,
    is_merge,
    walk,
)
from wanctl.spec.places import Place
from wanctl.spec.secrecy import ADVICE, is_secret_name, mask_keys
from wanctl.spec.spelling import quoted

_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as YAML counts lines
_MOST_KEYS = 20  # that are told one by one
_NUMBERS = SafeConstructor()


class SourceFile:
    """A YAML file's text, under the name that a person would type."""

    def __init__(self, shown: str, text: str, findings: Findings) -> None:
        self.shown = shown
        self.text, keys = mask_keys(text)
        self.hidden_lines: set[int] = set()
        self._findings = findings
        for offset, length in keys[:_MOST_KEYS]:
            line = len(_LINE_END.findall(text, 0, offset))
            column = offset - max((end.end() for end in _LINE_END.finditer(text, 0, offset)), default=0)
            findings.error(
                self.place(line, column, length),
                "secret",
                "a credential does not belong into a file",
                hint=ADVICE,
            )

    def documents(self) -> Iterator["Document"]:
        """Every document that is not empty; what cannot be read is reported."""
        builder = _Builder(self, self._findings)
        try:
            for index, node in enumerate(compose(self.text)):
                if not (isinstance(node, ScalarNode) and node.tag == f"{TAG}null"):
                    yield builder.document(node, index)
        except TooDeep:
            self._findings.error(
                self.place(0, 0), "yaml-too-deep", f"this file is nested more than {DEEPEST} levels deep"
            )
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = self.place(mark.line, mark.column) if mark else self.place(0, 0)
            self._findings.error(place, "yaml", _spell_yaml_error(error))
        except yaml.reader.ReaderError as error:
            message = "this file has a character that YAML does not allow"
            if isinstance(error.character, int):
                message += f": U+{error.character:04X}"
            self._findings.error(self.place(0, 0), "yaml", message)

    def place(self, line: int, column: int, length: int = 1) -> Place:
        """A place from YAML's own counting, which starts at 0."""
        shown = None
        if line < len(self._lines) and line not in self.hidden_lines:
            shown = self._lines[line]
        return Place(self.shown, line + 1, column + 1, length, shown)

    def node(self, index: int) -> Node:
        return self._nodes[index]

    @cached_property
    def _lines(self) -> list[str]:
        return _LINE_END.split(self.text)

    @cached_property
    def _nodes(self) -> list[Node]:
        """Read again, for positions. Errors behind the documents that were read do not matter here."""
        nodes: list[Node] = []
        try:
            nodes.extend(compose(self.text))
        except yaml.YAMLError:
            return nodes
        return nodes


@dataclass(frozen=True)
class Document:
    """One document: its value, and where each part of it stands."""

    source: SourceFile
    index: int
    value: Any
    start: Place

    @cached_property
    def places(self) -> "Places":
        return Places(self)


class Places(Mapping[str, Place]):
    """Dotted path ("hyper_parameters.n_epochs", "training[0]") → where its value stands."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def __getitem__(self, path: str) -> Place:
        try:
            return self._found[path][1]
        except KeyError:
            raise KeyError(path) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def key(self, path: DocumentPath) -> Place:
        """Where the key stands; where there is none, what encloses it."""
        return self._nearest(path, 0)

    def value(self, path: DocumentPath) -> Place:
        """Where the value stands; where there is none, what encloses it."""
        return self._nearest(path, 1)

    def _nearest(self, path: DocumentPath, which: int) -> Place:
        for end in range(len(path), 0, -1):
            found = self._found.get(dotted(path[:end]))
            if found:
                return found[which if end == len(path) else 0]
        return self._document.start

    @cached_property
    def _found(self) -> dict[str, tuple[Place, Place]]:
        source = self._document.source
        budget = Budget(source.text)
        found: dict[str, tuple[Place, Place]] = {}
        for path, key, value in walk(source.node(self._document.index), (), budget):
            found[dotted(path)] = (_place_of(source, key), _place_of(source, value))
        return found


class _Builder:
    """Builds the values of one file's documents."""

    def __init__(self, source: SourceFile, findings: Findings) -> None:
        self._source = source
        self._findings = findings
        self._budget = Budget(source.text)
        self._exhausted = False

    def document(self, node: Node, index: int) -> Document:
        value = self._value(node, 0)
        return Document(self._source, index, value, _place_of(self._source, node, whole=False))

    def _value(self, node: Node, depth: int) -> Any:
        if depth > DEEPEST or not self._budget.spend():
            return self._stop(node)
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, MappingNode) and node.tag == f"{TAG}map":
            return self._mapping(node, depth)
        if isinstance(node, SequenceNode) and node.tag == f"{TAG}seq":
            return [self._value(one, depth + 1) for one in node.value]
        return self._untagged(node)

    def _stop(self, node: Node) -> None:
        if not self._exhausted:
            self._exhausted = True
            message = "the aliases of this file expand without end, or nearly so"
            self._error(node, "yaml-aliases", message, "write the values out")

    def _scalar(self, node: ScalarNode) -> Any:
        if node.tag == f"{TAG}str" or node.tag == f"{TAG}timestamp":
            return node.value
        try:
            if node.tag == f"{TAG}int":
                return _NUMBERS.construct_yaml_int(node)
            if node.tag == f"{TAG}float":
                return _NUMBERS.construct_yaml_float(node)
            if node.tag == f"{TAG}bool":
                return _NUMBERS.construct_yaml_bool(node)
        except (ValueError, KeyError, IndexError, OverflowError):
            return node.value
        if node.tag in {f"{TAG}null", f"{TAG}merge", f"{TAG}value"}:
            return None if node.tag == f"{TAG}null" else node.value
        return self._untagged(node)

    def _untagged(self, node: Node) -> None:
        self._error(node, "yaml-tag", f"the tag {node.tag.replace(TAG, '!!')} is not allowed", "leave it out")

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        self._check_keys(node)
        built: dict[str, Any] = {}
        for key, value in entries(node, self._budget):
            if is_secret_name(key.value) and isinstance(value, ScalarNode) and value.value:
                self._refuse_secret(key, value)
                continue
            built[key.value] = self._value(value, depth + 1)
        return built

    def _check_keys(self, node: MappingNode) -> None:
        seen: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._error(key, "yaml-key", "a key must be text")
                continue
            if is_merge(key):
                self._check_merge(value)
                continue
            first = seen.setdefault(key.value, key)
            if first is not key:
                at = _place_of(self._source, first)
                self._error(
                    key,
                    "duplicate-key",
                    f"the key {quoted(key.value)} is written twice; the first one is at {at}",
                    "keep one of them",
                )

    def _check_merge(self, value: Node) -> None:
        merged = value.value if isinstance(value, SequenceNode) else [value]
        if not all(isinstance(one, MappingNode) for one in merged):
            self._error(value, "yaml-merge", "<< takes a mapping, or a list of mappings")

    def _refuse_secret(self, key: ScalarNode, value: ScalarNode) -> None:
        lines = range(value.start_mark.line, value.end_mark.line + 1)
        self._source.hidden_lines.update(lines)
        self._error(
            key,
            "secret",
            f"{quoted(key.value)} looks like a credential, and a file is no place for one",
            ADVICE,
        )

    def _error(self, node: Node, rule: str, message: str, hint: str | None = None) -> None:
        self._findings.error(_place_of(self._source, node), rule, message, hint=hint)


def _place_of(source: SourceFile, node: Node, *, whole: bool = True) -> Place:
    start, end = node.start_mark, node.end_mark
    one_line = start.line == end.line and whole and not isinstance(node, MappingNode)
    return source.place(start.line, start.column, max(1, end.column - start.column) if one_line else 1)


def _spell_yaml_error(error: yaml.MarkedYAMLError) -> str:
    context = f"{error.context}: " if error.context else ""
    return f"this is not YAML: {context}{error.problem or 'it cannot be parsed'}"
