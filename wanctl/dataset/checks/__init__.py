"""Checks of a dataset, in itself and for what it is used for: mistakes, and what could be better.

Pure functions over the facts. Each problem has a stable rule, a place and a remedy; docs/datasets.md lists
the rules. Adding one means adding a function to the list of its file.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from wanctl.dataset.checks.captions import check_captions
from wanctl.dataset.checks.files import check_clips, check_files
from wanctl.dataset.checks.use import Use, check_use
from wanctl.dataset.contents import ANNOTATIONS, DatasetFacts
from wanctl.finding import Finding, Place, Severity

__all__ = ["Use", "abridged", "check_dataset", "in_order"]

_ORDER = list(Severity)
_LINES_SHOWN = 6
_SHOWN = 8  # of one rule; a person corrects the first few and looks again


def check_dataset(facts: DatasetFacts, uses: Iterable[Use] = ()) -> tuple[Finding, ...]:
    """All problems: errors first, then by place. What two uses have in common is said once."""
    return in_order(_all(facts, uses))


def in_order(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then by place, each once."""
    return tuple(
        sorted(
            dict.fromkeys(found),
            key=lambda one: (
                _ORDER.index(one.severity),
                member_of(one) != ANNOTATIONS,
                member_of(one),
                line_of(one),
            ),
        )
    )


def member_of(one: Finding) -> str:
    """The file of the dataset that a finding is about; empty for the dataset as a whole."""
    return one.place.file if one.place else ""


def line_of(one: Finding) -> int:
    return one.place.line if one.place else 0


def _all(facts: DatasetFacts, uses: Iterable[Use]) -> Iterator[Finding]:
    yield from facts.unreadable
    yield from check_files(facts)
    yield from check_clips(facts)
    yield from check_captions(facts)
    for use in uses:
        yield from check_use(facts, use)


def abridged(problems: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings without repetition; of each rule the first few, and how many more there are."""
    folded = _folded(problems)
    total, told = Counter(one.rule for one in folded), Counter[str]()
    shown = []
    for problem in folded:
        told[problem.rule] += 1
        if told[problem.rule] < _SHOWN or total[problem.rule] == _SHOWN:
            shown.append(problem)
        elif told[problem.rule] == _SHOWN:
            more = f"{problem.message}; and {total[problem.rule] - _SHOWN} more like this"
            shown.append(replace(problem, message=more))
    return tuple(shown)


def _folded(problems: Iterable[Finding]) -> list[Finding]:
    alike: dict[Finding, list[int]] = {}
    for one in problems:
        anywhere = replace(one, place=Place(member_of(one))) if one.place else one
        alike.setdefault(anywhere, []).append(line_of(one))
    return [
        replace(
            one,
            place=Place(one.place.file, lines[0]) if one.place else None,
            message=one.message + _also(lines[1:]),
        )
        for one, lines in alike.items()
    ]


def _also(lines: list[int]) -> str:
    if not lines:
        return ""
    shown = ", ".join(map(str, lines[:_LINES_SHOWN]))
    more = f" and {len(lines) - _LINES_SHOWN} more" if len(lines) > _LINES_SHOWN else ""
    return f" (so {'does line' if len(lines) == 1 else 'do lines'} {shown}{more})"
