"""docs/datasets.md lists every rule, and no rule that there is not."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = [*(ROOT / "wanctl" / "dataset").rglob("*.py"), ROOT / "wanctl" / "project" / "local.py"]
ELSEWHERE = {
    "few-steps",
    "template-trigger",
    "dataset",
}  # said by the specs' rules, and of what is unreadable


def test_the_page_lists_every_rule() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    made = re.findall(
        r'(?:Problem\.(?:error|warning)|fault|_advice|_each)\(\s*(?:\w+,\s*)?"([a-z0-9-]+)"', code
    )
    made += re.findall(r'yield "([a-z0-9-]+)"', code) + re.findall(r'return "(unsafe-path)"', code)
    made += re.findall(r'rule, why, remedy = "([a-z-]+)"', code)
    table = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8").partition("## Checks")[2]
    listed = {
        rule
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for rule in re.findall(r"`([a-z0-9-]+)`", row)
    }
    assert listed == {*made} | ELSEWHERE
