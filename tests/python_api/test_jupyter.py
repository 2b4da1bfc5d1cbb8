"""The Python API in a real Jupyter kernel, whose loop runs while a cell does."""

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[2]
CELLS = (
    "import wanctl\nproject = wanctl.open('specs')\nproject",
    "plan = project.plan()\nplan",
    "result = project.apply(approve=plan.digest, wait=True, on_event=print)\nresult",
    "print(await project.aoutput())\n(await project.aplan()).status.value",
)


def played(folder: Path, cells: tuple[str, ...]) -> list[list[Any]]:
    """The outputs of each cell."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])  # type: ignore[no-untyped-call]
    client = NotebookClient(book, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute()
    return [cell.outputs for cell in book.cells]


@pytest.fixture
def folder(specs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of this machine's own notebooks."""
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(specs.parent / "jupyter"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return specs.parent


def test_cells_open_plan_and_apply(folder: Path) -> None:
    opened, planned, applied, served = played(folder, CELLS)
    assert opened[0].data["text/plain"] == "<wanctl.Project bench: 4 resources>"
    (shown,) = planned
    assert shown.data["text/plain"].startswith("<wanctl.Plan bench: ")
    assert shown.data["text/html"].startswith('<iframe title="wanctl plan" sandbox srcdoc="&lt;!DOCTYPE html')
    assert "Deployment/rain-0" in shown.data["text/html"]
    printed = "".join(one.text for one in applied if one.output_type == "stream" and one.name == "stdout")
    assert "Dataset/rain-0  upload done: file-" in printed
    assert applied[-1].data["text/plain"] == "<wanctl.ApplyResult converged: 4 calls made, 0 failed>"
    assert served[0].text.strip()
    assert served[-1].data["text/plain"] == "'converged'"


def test_an_error_is_a_sentence_at_the_end_of_the_cell(folder: Path) -> None:
    with pytest.raises(CellExecutionError, match="Deployment/rain-0 is not serving"):
        played(folder, ("import wanctl", "wanctl.open('specs').output()"))
