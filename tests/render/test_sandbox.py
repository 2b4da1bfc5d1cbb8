"""Fault rules as sentences."""

from typing import Any

import pytest

from wanctl.render.text.sandbox import fault_lines


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"kind": "reset"}, "reset  any method *"),
        ({"kind": "status", "status": 502, "method": "GET"}, "status 502  GET *"),
        ({"kind": "latency", "seconds": 0.5, "path": "/x*"}, "latency 0.5 s  any method /x*"),
        ({"kind": "kill", "when": "after", "nth": 1}, "kill after the effect  any method *, the 1st alone"),
        ({"kind": "empty", "nth": 2, "count": 3}, "empty  any method *, from the 2nd on, 3 times"),
        ({"kind": "empty", "nth": 23, "count": "all"}, "empty  any method *, from the 23rd on"),
        ({"kind": "empty", "nth": 11, "count": 1}, "empty  any method *, from the 11th on, 1 time"),
        ({"kind": "empty", "count": "all"}, "empty  any method *"),
        ({"kind": "quota", "probability": 0.25}, "quota  any method *, with probability 0.25"),
    ],
)
def test_a_rule(rule: dict[str, Any], sentence: str) -> None:
    [line] = fault_lines([{"id": "7", "calls": 4, "fired": 2, **rule}])
    assert line.plain == f"       7  {sentence}  fired 2 of 4 calls"


def test_no_rules() -> None:
    assert [line.plain for line in fault_lines([])] == ["No faults are arranged."]
