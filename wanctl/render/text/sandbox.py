"""The sandbox's contents and its faults, as text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wanctl.base.words import counted
from wanctl.render.text.line import TextLine


def sandbox_lines(found: Mapping[str, Any]) -> Iterator[TextLine]:
    """The clock, then each object on its line."""
    yield TextLine.assemble(("sandbox", "bold"), f"  {found.get('now')}  speed {found.get('speed')}")
    for kind in ("files", "jobs", "deployments", "tasks"):
        rows = found.get(kind) or []
        yield TextLine(f"  {kind}: {len(rows) or 'none'}")
        for row in rows:
            yield TextLine("    " + "  ".join(_facts(row)), style="dim")


def _facts(row: Mapping[str, Any]) -> Iterator[str]:
    """Names and statuses speak for themselves, a number needs its word; the rest is for --format json."""
    for key, value in row.items():
        if isinstance(value, str) and value:
            yield value
        elif isinstance(value, bool | int | float):
            yield f"{key} {value:g}"


def fault_lines(rules: Sequence[Mapping[str, Any]]) -> Iterator[TextLine]:
    """Each rule as a sentence, and how often it fired."""
    if not rules:
        yield TextLine("No faults are arranged.")
    for rule in rules:
        calls = f"{rule.get('method', 'any method')} {rule.get('path', '*')}"
        yield TextLine.assemble(
            f"  {rule['id']:>6}  ",
            (_what(rule), "bold"),
            f"  {calls}{_which(rule)}",
            (f"  fired {rule['fired']} of {rule['calls']} calls", "dim"),
        )


def _what(rule: Mapping[str, Any]) -> str:
    """The kind with what belongs to it."""
    span = f"{rule['seconds']:g} s" if "seconds" in rule else None
    moment = f"{rule['when']} the effect" if "when" in rule else None
    return " ".join(str(part) for part in (rule["kind"], rule.get("status"), span, moment) if part)


def _which(rule: Mapping[str, Any]) -> str:
    """Those of the matching calls that it hits."""
    count = rule.get("count")
    nth = _ordinal(rule["nth"]) if "nth" in rule else ""
    first = f"from the {nth} on" if count is not None else f"the {nth} alone"
    times = counted(count, "time") if isinstance(count, int) else ""
    share = f"with probability {rule['probability']:g}" if "probability" in rule else ""
    said = [part for part in (first if nth else "", times, share) if part]
    return f", {', '.join(said)}" if said else ""


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
