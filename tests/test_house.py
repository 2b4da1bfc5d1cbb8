"""The house rules that a linter does not know: names, parameters, kinds, and paths in the documents."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KINDS = {"Dataset", "FineTune", "Checkpoint", "Deployment"}
MOST_PARAMETERS = 5
# These read the media of Datasets, which no other kind has.
OF_MEDIA = {"wanctl/project/datasets.py", "wanctl/project/local.py", "wanctl/watch/policy.py"}


@cache
def modules() -> dict[Path, ast.Module]:
    """Read by the first test that looks, not by every process that collects the tests."""
    files = sorted((ROOT / "wanctl").rglob("*.py"))
    return {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}


def test_a_class_name_means_one_thing() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for file, module in modules().items():
        for node in ast.walk(module):
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_no_function_of_the_kinds_has_many_parameters() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {node.name} has {count}"
        for file, module in modules().items()
        if file.is_relative_to(ROOT / "wanctl" / "kinds")
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (count := _parameters(node)) > MOST_PARAMETERS
    ]
    assert found == []


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return sum(one.arg not in {"self", "cls"} for one in given)


@pytest.mark.parametrize("room", ["engine", "project", "render", "cli", "ci", "watch", "review"])
def test_nothing_above_the_kinds_names_one(room: str) -> None:
    found = [
        f"{name}:{node.lineno}"
        for file, module in modules().items()
        if file.is_relative_to(ROOT / "wanctl" / room)
        if (name := str(file.relative_to(ROOT))) not in OF_MEDIA
        for node in ast.walk(module)
        if isinstance(node, ast.expr | ast.ImportFrom) and _names_a_kind(node)
    ]
    assert found == []


def _names_a_kind(node: ast.expr | ast.ImportFrom) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id in {"Kind", "Address"} and node.attr.lower() in {kind.lower() for kind in KINDS}
    if isinstance(node, ast.Constant):
        return node.value in KINDS
    if isinstance(node, ast.ImportFrom):
        own = re.match(r"wanctl\.kinds\.(dataset|finetune|checkpoint|deployment)\b", node.module or "")
        models = node.module == "wanctl.language.models" and any(one.name in KINDS for one in node.names)
        return bool(own or models)
    return False


@pytest.mark.parametrize(
    "document", ["ARCHITECTURE.md", "CONTRIBUTING.md", "tests/README.md", "wanctl/kinds/README.md"]
)
def test_documents_name_what_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = {one.rstrip("/") for one in re.findall(r"`([a-z_]+/[\w/.-]*)`", text)}
    linked = set(re.findall(r"\]\(([^)#:]+)\)", text))
    homes = (ROOT, ROOT / "wanctl", ROOT / "tests", (ROOT / document).parent)
    missing = [one for one in sorted(named | linked) if not any((home / one).exists() for home in homes)]
    assert [one for one in missing if "NAME" not in one] == []
