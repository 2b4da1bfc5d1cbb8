"""Every rule is declared once, used as it says, and in docs/rules.md, which is made from the code."""

import ast
import re
from pathlib import Path

import pytest

from wanctl.rules import Room, Rule, Severity, page

ROOT = Path(__file__).parents[1]
CODE = "".join(
    file.read_text(encoding="utf-8")
    for file in (ROOT / "wanctl").rglob("*.py")
    if file != ROOT / "wanctl" / "rules.py"
)
BY_LIMIT = {Rule.LIMIT_NEW_JOBS, Rule.LIMIT_DELETES}  # found by the name of the limit


def test_the_page_is_what_the_code_says() -> None:
    shown = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert shown == page(), "python -m wanctl.rules > docs/rules.md"


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_is_used(rule: Rule) -> None:
    assert rule in BY_LIMIT or f"Rule.{rule.name}" in CODE


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_says_what_to_do(rule: Rule) -> None:
    assert rule.remedy == rule.remedy.strip().rstrip(".")
    assert rule.remedy not in {"", rule.meaning}


def test_no_finding_is_of_a_severity_that_its_rule_does_not_have() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{call.lineno}: {severity} {rule}"
        for file in (ROOT / "wanctl").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        for severity in _severities(call)
        for rule in _named(call, "Rule")
        if Severity[severity] not in Rule[rule].severities
    ]
    assert found == []


def _severities(call: ast.Call) -> list[str]:
    """Finding.warning(Rule.…), Finding(Severity.WARNING, …, rule=Rule.…) and the like."""
    method = call.func.attr.upper() if isinstance(call.func, ast.Attribute) else ""
    return [method] if method in {"ERROR", "WARNING"} else _named(call, "Severity")


def _named(call: ast.Call, enum: str) -> list[str]:
    given = [*call.args, *(word.value for word in call.keywords)]
    return [
        one.attr
        for one in given
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == enum
    ]


def test_the_page_of_datasets_names_rules_that_there_are() -> None:
    table = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    rows = [
        line for line in table.splitlines() if re.match(r"\| `[a-z0-9-]+`.*\| (error|warning|advice)", line)
    ]
    named = {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row.split("|")[1])}
    assert named <= {str(rule) for rule in Rule}
    assert {str(rule) for rule in Rule if rule.room is Room.DATASETS} <= named
