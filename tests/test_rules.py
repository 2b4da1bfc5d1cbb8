"""Every rule is declared once, used, and in docs/rules.md, which is made from the code."""

import re
from pathlib import Path

import pytest

from wanctl.rules import Room, Rule, page

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


def test_the_page_of_datasets_names_rules_that_there_are() -> None:
    table = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    rows = [
        line for line in table.splitlines() if re.match(r"\| `[a-z0-9-]+`.*\| (error|warning|advice)", line)
    ]
    named = {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row.split("|")[1])}
    assert named <= {str(rule) for rule in Rule}
    assert {str(rule) for rule in Rule if rule.room is Room.DATASETS} <= named
