"""docs/promises.md and docs/threats.md name tests that there are, and each promise names one."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("docs/promises.md", "docs/threats.md")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("page", PAGES)
def test_every_promise_names_a_test(page: str) -> None:
    promises = re.split(r"^- ", _text(page), flags=re.MULTILINE)[1:]
    assert len(promises) > 10
    assert [promise for promise in promises if not NAMED.search(promise)] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_tests_that_it_names_exist(page: str) -> None:
    named = NAMED.findall(_text(page))
    assert [f"{file}::{name}" for file, name in named if name not in _defined(ROOT / file)] == []


@pytest.mark.parametrize("page", PAGES)
def test_it_is_linked(page: str) -> None:
    assert page in _text("README.md")


def _text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


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
