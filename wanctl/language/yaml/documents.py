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

from wanctl.base.words import quoted
from wanctl.finding import Place
from wanctl.language.findings import Findings, SpecErrors
from wanctl.language.yaml.budget import SpecBudget
from wanctl.language.yaml.nodes import (
    ADVICE,
    DEEPEST,
    TAG,
    DocumentPath,
    ExpansionBudget,
    TooDeep,
    compose,
    dotted,
    entries,
    is_merge,
    is_secret_name,
    mask_keys,
    mask_queries,
    walk,
)
from wanctl.rules import Rule

_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as YAML counts lines
_MOST_KEYS = 20  # that are told one by one
_NUMBERS = SafeConstructor()
_MOST_BITS = 10_000  # of a whole number; Python spells none that is much longer


@dataclass(frozen=True)
class TextFile:
    """A file that a field's text came from, under the name that a person would type."""

    shown: str
    content: str


@dataclass(frozen=True)
class Complaint:
    """A fault of one value, not yet at its place."""

    path: DocumentPath
    rule: Rule
    message: str
    hint: str | None = None
    on_key: bool = False
    mark: str | None = None  # the words of the value that are wrong
    text: TextFile | None = None  # where they stand, if not in the document itself


class SourceFile:
    """A YAML file's text, under the name that a person would type."""

    def __init__(self, shown: str, text: str, findings: Findings, budget: SpecBudget | None = None) -> None:
        self.shown = shown
        self.budget = budget or SpecBudget()
        self.text, keys = mask_keys(text)
        self.hidden_lines: set[int] = set()
        self._keys_at: set[int] = set()
        self._findings = findings
        for offset, length in keys[:_MOST_KEYS]:
            line = len(_LINE_END.findall(text, 0, offset))
            self._keys_at.add(line)
            column = offset - max((end.end() for end in _LINE_END.finditer(text, 0, offset)), default=0)
            findings.error(
                self.place(line, column, length),
                Rule.SECRET,
                "a credential does not belong into a file",
                hint=ADVICE,
            )

    def documents(self) -> Iterator["Document"]:
        """Every document that is not empty; what cannot be read is reported."""
        builder = _Builder(self, self._findings)
        try:
            for index, node in enumerate(compose(self.text, self.budget)):
                if not (isinstance(node, ScalarNode) and node.tag == f"{TAG}null"):
                    yield builder.document(node, index)
        except TooDeep:
            self._findings.error(
                self.place(0, 0), Rule.YAML_TOO_DEEP, f"this file is nested more than {DEEPEST} levels deep"
            )
        except yaml.MarkedYAMLError as error:
            from wanctl.language.yaml.errors import reading_of

            mark = error.problem_mark or error.context_mark
            line, column = (mark.line, mark.column) if mark else (0, 0)
            said = reading_of(error, self._lines[line] if line < len(self._lines) else "", column)
            start = error.context_mark if said.began and error.context_mark else None
            place = self.place(start.line, start.column) if start else self.place(line, column)
            self._findings.error(place, Rule.YAML, said.message, hint=said.hint)
        except yaml.reader.ReaderError as error:
            message = "this file has a character that YAML does not allow"
            if isinstance(error.character, int):
                message += f": U+{error.character:04X}"
            self._findings.error(self.place(0, 0), Rule.YAML, message)

    def place(self, line: int, column: int, length: int = 1) -> Place:
        """A place from YAML's own counting, which starts at 0."""
        shown = None
        if line < len(self._lines) and line not in self.hidden_lines:
            shown = mask_queries(self._lines[line])
        return Place(self.shown, line + 1, column + 1, length, shown)

    def tells_of_key(self, line: int) -> bool:
        """A key was seen in this line, and is reported with its place."""
        return line in self._keys_at

    def within(self, value: Place, mark: str) -> Place:
        """Where these words first stand in a value; the value, where they are written otherwise."""
        for number in range(value.line - 1, len(self._lines)):
            start = self._lines[number].find(mark, value.column - 1 if number == value.line - 1 else 0)
            if start >= 0:
                return self.place(number, start, len(mark))
        return value

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
            nodes.extend(compose(self.text, self.budget))
        except (yaml.YAMLError, SpecErrors):
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

    def place_of(self, complaint: Complaint) -> Place:
        """The key, the value, or the very words in it, be they in a file of their own."""
        if complaint.text and complaint.mark:
            return _place_in(complaint.text, complaint.mark)
        path = complaint.path
        place = self.places.key(path) if complaint.on_key else self.places.value(path)
        return self.source.within(place, complaint.mark) if complaint.mark else place


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
        budget = ExpansionBudget(source.text)
        found: dict[str, tuple[Place, Place]] = {}
        for path, key, value in walk(source.node(self._document.index), (), budget):
            found[dotted(path)] = (_place_of(source, key), _place_of(source, value))
        return found


class _Builder:
    """Builds the values of one file's documents."""

    def __init__(self, source: SourceFile, findings: Findings) -> None:
        self._source = source
        self._findings = findings
        self._budget = ExpansionBudget(source.text, source.budget)
        self._exhausted = False

    def document(self, node: Node, index: int) -> Document:
        if isinstance(node, MappingNode):
            self._end_at_second_kind(node)
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
            self._error(node, Rule.YAML_ALIASES, message, "write the values out")

    def _scalar(self, node: ScalarNode) -> Any:
        if node.tag == f"{TAG}str" or node.tag == f"{TAG}timestamp":
            return node.value
        try:
            if node.tag == f"{TAG}int":
                number = _NUMBERS.construct_yaml_int(node)
                return number if number.bit_length() <= _MOST_BITS else node.value
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
        self._error(
            node, Rule.YAML_TAG, f"the tag {node.tag.replace(TAG, '!!')} is not allowed", "leave it out"
        )

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        self._check_keys(node)
        built: dict[str, Any] = {}
        for key, value in entries(node, self._budget):
            if is_secret_name(key.value) and isinstance(value, ScalarNode) and value.value:
                self._refuse_secret(key, value)
                continue
            built[key.value] = self._value(value, depth + 1)
        return built

    def _end_at_second_kind(self, node: MappingNode) -> None:
        """Two documents without a --- between them look like one in which every key is written twice."""
        kinds = [number for number, (key, _) in enumerate(node.value) if key.value == "kind"]
        if len(kinds) < 2:
            return
        again = node.value[kinds[1]][0]
        if again.start_mark.line == node.value[kinds[0]][0].start_mark.line:
            return
        message = "another document begins here, and the one above has not ended"
        self._error(again, Rule.YAML, message, "write --- on a line of its own above it")
        node.value = node.value[: kinds[1]]

    def _check_keys(self, node: MappingNode) -> None:
        seen: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._error(key, Rule.YAML_KEY, "a key must be text")
                continue
            if is_merge(key):
                self._check_merge(value)
                continue
            first = seen.setdefault(key.value, key)
            if first is not key:
                at = _place_of(self._source, first)
                self._error(
                    key,
                    Rule.DUPLICATE_KEY,
                    f"the key {quoted(key.value)} is written twice; the first one is at {at}",
                    "keep one of them",
                )

    def _check_merge(self, value: Node) -> None:
        merged = value.value if isinstance(value, SequenceNode) else [value]
        if not all(isinstance(one, MappingNode) for one in merged):
            self._error(value, Rule.YAML_MERGE, "<< takes a mapping, or a list of mappings")

    def _refuse_secret(self, key: ScalarNode, value: ScalarNode) -> None:
        lines = range(value.start_mark.line, value.end_mark.line + 1)
        self._source.hidden_lines.update(lines)
        if not self._source.tells_of_key(value.start_mark.line):
            self._error(
                key,
                Rule.SECRET,
                f"{quoted(key.value)} looks like a credential, and a file is no place for one",
                ADVICE,
            )

    def _error(self, node: Node, rule: Rule, message: str, hint: str | None = None) -> None:
        self._findings.error(_place_of(self._source, node), rule, message, hint=hint)


def _place_in(text: TextFile, mark: str) -> Place:
    content, _ = mask_keys(text.content)
    before, _, _ = content.partition(mark)
    number, start = before.count("\n"), len(before.rpartition("\n")[2])
    return Place(text.shown, number + 1, start + 1, len(mark), content.split("\n")[number])


def _place_of(source: SourceFile, node: Node, *, whole: bool = True) -> Place:
    start, end = node.start_mark, node.end_mark
    one_line = start.line == end.line and whole and not isinstance(node, MappingNode)
    return source.place(start.line, start.column, max(1, end.column - start.column) if one_line else 1)
