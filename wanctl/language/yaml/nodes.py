"""YAML nodes, read safely: bounded in depth and in what aliases and merge keys expand to.

Credentials do not belong into specs: what looks like one is masked before anything else reads the text.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from wanctl.language.yaml.budget import MOST_OF_ONE, MOST_VALUES, SpecBudget

DocumentPath = tuple[str | int, ...]

DEEPEST = 40  # levels of nesting; the C parser would run out of stack at some hundred thousand
TAG = "tag:yaml.org,2002:"
_SPARE_VALUES = 10_000  # of a file, beyond one for each of its characters: aliases cannot blow it up


class ExpansionBudget:
    """How many values a file may still have: aliases and merges cost what they expand to."""

    def __init__(self, text: str, whole: SpecBudget | None = None) -> None:
        self._left = min(len(text), MOST_VALUES) + _SPARE_VALUES
        self._whole = whole

    def spend(self, values: int = 1) -> bool:
        self._left -= values
        if self._whole:
            self._whole.take(values)
        return self._left >= 0


class TooDeep(yaml.YAMLError):
    """Nested beyond what any spec needs."""


class _Loader(yaml.CSafeLoader):
    """The C loader, which stops at a depth where the stack is still safe, and at what no document holds."""

    depth = 0
    values = 0
    budget = SpecBudget()

    def descend_resolver(self, current_node: Node | None, current_index: Any) -> None:  # noqa: ARG002 - PyYAML's hook
        self.values = self.values + 1 if self.depth else 1
        if self.values > MOST_OF_ONE:
            self.budget.take_document(self.values)
        self.depth += 1
        if self.depth > DEEPEST:
            raise TooDeep

    def ascend_resolver(self) -> None:
        self.depth -= 1


def compose(text: str, budget: SpecBudget) -> Iterator[Node]:
    """The documents of a text, one by one; YAMLError when it is none, or TooDeep."""
    loader = _Loader(text)
    loader.budget = budget
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield node
    finally:
        loader.dispose()


def dotted(path: DocumentPath) -> str:
    """hyper_parameters.n_epochs, training[0]."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def is_merge(key: Node) -> bool:
    return key.tag == f"{TAG}merge"


def entries(node: MappingNode, budget: ExpansionBudget) -> list[tuple[ScalarNode, Node]]:
    """The entries with `<<` resolved, once for each node; what is written here wins over the merged."""
    merges = [value for key, value in node.value if is_merge(key)]
    own: list[tuple[ScalarNode, Node]] = [
        (key, value) for key, value in node.value if isinstance(key, ScalarNode) and not is_merge(key)
    ]
    node.value = own
    taken = {key.value for key, _ in own} if merges else set()
    for merged in merges:
        for source in merged.value if isinstance(merged, SequenceNode) else [merged]:
            inherited = entries(source, budget) if isinstance(source, MappingNode) else []
            if not budget.spend(1 + len(inherited)):
                return own
            own += [(key, value) for key, value in inherited if key.value not in taken]
            taken.update(key.value for key, _ in inherited)
    return own


def walk(
    node: Node, path: DocumentPath, budget: ExpansionBudget
) -> Iterator[tuple[DocumentPath, Node, Node]]:
    """Every value with its path and its key; an element of a list is its own key."""
    if len(path) > DEEPEST or not budget.spend():
        return
    if isinstance(node, MappingNode):
        for key, value in entries(node, budget):
            yield (*path, key.value), key, value
            yield from walk(value, (*path, key.value), budget)
    elif isinstance(node, SequenceNode):
        for number, value in enumerate(node.value):
            yield (*path, number), value, value
            yield from walk(value, (*path, number), budget)


ADVICE = "take it out, and revoke it if it was ever pushed; wanctl reads the key from DASHSCOPE_API_KEY"

_KEY = re.compile(
    r"(?<![A-Za-z0-9_-])sk-(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{8,}"  # an API key
    r"|(?<=://)[^\s/@:'\"]*:[^\s/@'\"]+(?=@)"  # user:password in a URL
    r"|(?<=Signature=)[A-Za-z0-9%+/=_-]{8,}"  # a signed link
)
_QUERY = re.compile(r"(?<=\?)[\w.~%-]{1,64}=[^\s'\"<>]+")
_NAMES = frozenset(
    {
        "apikey",
        "key",
        "token",
        "secret",
        "password",
        "passwd",
        "accesskey",
        "accesskeyid",
        "accesskeysecret",
        "accesstoken",
        "secretkey",
        "dashscopeapikey",
        "authorization",
    }
)


def mask_keys(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text with its keys as dots, of the same length, and where they were: (offset, length)."""
    found = [(match.start(), match.end() - match.start()) for match in _KEY.finditer(text)]
    return (_KEY.sub(lambda match: "•" * len(match[0]), text) if found else text), found


def mask_queries(line: str) -> str:
    """A line for people, of the same length: what a link has behind its question mark may sign it."""
    return _QUERY.sub(lambda match: "•" * len(match[0]), line) if "://" in line else line


def is_secret_name(name: str) -> bool:
    """Whether what is kept under this name would be a credential."""
    return name.lower().replace("_", "").replace("-", "") in _NAMES
