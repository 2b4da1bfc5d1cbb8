"""Errors of the YAML parser in words for whoever writes specs: what is wrong, and what to write."""

from dataclasses import dataclass, replace

import yaml


@dataclass(frozen=True)
class YamlMistake:
    """A sentence and a hint; what is not known better is told in the parser's own words."""

    message: str
    hint: str | None = None
    began: bool = False  # what is wrong stands where the thing began, not where the parser stopped


def reading_of(error: yaml.MarkedYAMLError, line: str, column: int) -> YamlMistake:
    """`line` is where the parser stopped, `column` how far it came."""
    problem, before = error.problem or "", line[:column]
    if "tab" in problem or line[column : column + 1] == "\t" or "\t" in before[: _indent(before)]:
        return YamlMistake(
            "a tab stands here; YAML is indented with spaces", "write two spaces for each level"
        )
    if "cannot start any token" in problem:
        sign = line[column : column + 1]
        return YamlMistake(f"a text does not begin with {sign}", f'write it in quotes: "{sign}…"')
    if "mapping values are not allowed" in problem:
        return _second_colon(before)
    if "block mapping" in (error.context or "") and "expected key" in problem:
        return YamlMistake(
            "this line fits neither the lines above it nor a level of its own",
            "keys of one mapping begin in the same column; a quote must not be left open above",
        )
    for known, said in _SAID.items():
        if known in problem:
            return replace(said, began=known in _BEGAN)
    context = f"{error.context}: " if error.context else ""
    return YamlMistake(f"this is not YAML: {context}{problem or 'it cannot be parsed'}")


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _second_colon(before: str) -> YamlMistake:
    key, colon, text = before.lstrip(" -").partition(": ")
    if colon:
        shown = text.strip() if len(text) < 30 else f"{text.strip()[:20]} …"
        return YamlMistake(
            "a text that holds a colon with a space behind it has to stand in quotes",
            f'write {key}: "{shown}: …"',
        )
    return YamlMistake(
        "there is a key here, where the line above has its value already",
        "put both keys in the same column; or leave the value above empty, if this belongs to it",
    )


_BEGAN = frozenset(
    {
        "could not find expected ':'",
        "did not find expected ',' or ']'",
        "did not find expected ',' or '}'",
        "unexpected end of stream",
    }
)
_SAID = {
    "could not find expected ':'": YamlMistake(
        "a line here is neither a key with its value nor an item of a list",
        "write key: value, or - item; a text of several lines begins with key: >-",
    ),
    "did not find expected ',' or ']'": YamlMistake(
        "a list that began with [ is not closed", "write ] at its end"
    ),
    "did not find expected ',' or '}'": YamlMistake(
        "a mapping that began with { is not closed", "write } at its end"
    ),
    "did not find expected '-' indicator": YamlMistake(
        "this line is no item of the list above it, nor does it end it",
        "items begin with - in the same column; what follows a list begins where its key does",
    ),
    "unexpected end of stream": YamlMistake(
        "a quote is opened and never closed", "close it, or write the text without"
    ),
    "found undefined alias": YamlMistake(
        "there is no anchor of that name", "write the value; or &name where it first stands"
    ),
    "did not find expected <document start>": YamlMistake(
        "a document ended, and this line belongs to none",
        "write --- above it, or indent it like the lines above",
    ),
}
