"""An export is asked for once, whatever the service says of it afterwards; a person may ask again."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness import CHECKPOINT, DATASET, FINETUNE, ChangedAnswers, Harness
from wanctl.address import Address
from wanctl.plan import When

BEST = Address.checkpoint("best")


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", ChangedAnswers)
    return Harness.begun(tmp_path)


def rows(body: Any) -> list[dict[str, Any]]:
    found = body["output"]
    return list(found if isinstance(found, list) else found["checkpoints"])


def test_a_status_that_nobody_knows_is_waited_for(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(path: str, body: Any) -> None:
        if path.endswith("/checkpoints"):
            for row in rows(body):
                row["status"] = "EXPORTING"
                row.pop("model_name", None)

    harness.write(DATASET, FINETUNE)
    harness.apply()
    monkeypatch.setattr(ChangedAnswers, "change", staticmethod(change))
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    for _ in range(3):
        step = harness.apply(waits=False).plan.step(BEST)
        assert step is not None
        assert step.when is When.SERVICE
        assert step.progress is not None
        assert step.progress.status == "EXPORTING"
    assert harness.calls("GET", "/export/") == 1


def test_an_export_without_a_name_is_not_asked_for_again_but_by_a_person(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(path: str, body: Any) -> None:
        if path.endswith("/checkpoints"):
            for row in rows(body):
                row.pop("model_name", None)

    monkeypatch.setattr(ChangedAnswers, "change", staticmethod(change))
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    for _ in range(3):
        step = harness.apply().plan.step(BEST)
        assert step is not None
        assert step.when is When.BLOCKED
        assert "attempt: 2" in " ".join(step.hints)
    assert harness.calls("GET", "/export/") == 1

    (harness.specs / ".wanctl/ledger.json").unlink()
    harness.apply()
    assert harness.calls("GET", "/export/") == 1, "exported by whomever: a person says whether again"

    harness.write(DATASET, FINETUNE, {**CHECKPOINT, "attempt": 2})
    for _ in range(2):
        harness.apply()
    assert harness.calls("GET", "/export/") == 2


def test_a_checkpoint_with_previews_is_exported_though_only_exports_are_listed(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(path: str, body: Any) -> None:
        if path.endswith("/checkpoints"):
            body["output"] = [row for row in rows(body) if row["status"] == "SUCCEEDED"]

    monkeypatch.setattr(ChangedAnswers, "change", staticmethod(change))
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    step = harness.apply().plan.step(BEST)
    assert step is not None
    assert step.when is When.DONE
    assert harness.calls("GET", "/export/") == 1
