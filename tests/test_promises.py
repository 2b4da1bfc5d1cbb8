"""docs/promises.md names tests that there are, and each promise names one."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_promise_names_a_test() -> None:
    promises = re.split(r"^- ", PAGE, flags=re.MULTILINE)[1:]
    assert len(promises) > 10
    assert [promise for promise in promises if not NAMED.search(promise)] == []


def test_the_tests_that_it_names_exist() -> None:
    assert [
        f"{file}::{name}" for file, name in NAMED.findall(PAGE) if name not in _defined(ROOT / file)
    ] == []


def test_it_is_linked() -> None:
    assert "docs/promises.md" in (ROOT / "README.md").read_text(encoding="utf-8")


def _defined(path: Path) -> set[str]:
    """What the module gives pytest: its functions, and test cases that are assigned."""
    found: set[str] = set()
    if not path.exists():
        return found
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found
