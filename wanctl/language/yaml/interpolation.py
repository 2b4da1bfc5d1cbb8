"""${name} in strings, from vars. One pass and no more: what a var holds is never looked into again."""

import re
from collections.abc import Mapping
from typing import Any

from wanctl.base.words import suggestion

LONGEST = 65_536  # characters that one text may grow to

Scalar = str | int | float | bool
_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[^{}\n]*)\}|\$\{")
_WHOLE = re.compile(r"\$\{([^{}\n]*)\}")


class Unresolved(ValueError):  # noqa: N818 - reads as what happened
    """A ${…} that means nothing, `mark`; `hint` says what would."""

    def __init__(self, message: str, hint: str | None = None, mark: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.mark = mark


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
