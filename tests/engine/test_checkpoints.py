"""An export is asked for once, whatever the service says of it afterwards; a person may ask again."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.random_faults import CHECKPOINT, DATASET, FINETUNE, Bent, Rain
from wanctl.address import Address
from wanctl.plan import When

BEST = Address.checkpoint("best")


@pytest.fixture
def rain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rain:
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", Bent)
    return Rain(tmp_path)


def rows(body: Any) -> list[dict[str, Any]]:
    found = body["output"]
    return list(found if isinstance(found, list) else found["checkpoints"])


def test_a_status_that_nobody_knows_is_waited_for(rain: Rain, monkeypatch: pytest.MonkeyPatch) -> None:
    def bend(path: str, body: Any) -> None:
        if path.endswith("/checkpoints"):
            for row in rows(body):
                row["status"] = "EXPORTING"
                row.pop("model_name", None)

    rain.write(DATASET, FINETUNE)
    rain.apply()
    monkeypatch.setattr(Bent, "bend", staticmethod(bend))
    rain.write(DATASET, FINETUNE, CHECKPOINT)
    for _ in range(3):
        step = rain.apply(waits=False).plan.step(BEST)
        assert step is not None
        assert step.when is When.SERVICE
        assert step.progress is not None
        assert step.progress.status == "EXPORTING"
    assert rain.calls("GET", "/export/") == 1


def test_an_export_without_a_name_is_not_asked_for_again_but_by_a_person(
    rain: Rain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bend(path: str, body: Any) -> None:
        if path.endswith("/checkpoints"):
            for row in rows(body):
                row.pop("model_name", None)

    monkeypatch.setattr(Bent, "bend", staticmethod(bend))
    rain.write(DATASET, FINETUNE, CHECKPOINT)
    for _ in range(3):
        step = rain.apply().plan.step(BEST)
        assert step is not None
        assert step.when is When.BLOCKED
        assert "attempt: 2" in " ".join(step.hints)
    assert rain.calls("GET", "/export/") == 1

    (rain.specs / ".wanctl/ledger.json").unlink()
    rain.apply()
    assert rain.calls("GET", "/export/") == 1, "exported by whomever: a person says whether again"

    rain.write(DATASET, FINETUNE, {**CHECKPOINT, "attempt": 2})
    for _ in range(2):
        rain.apply()
    assert rain.calls("GET", "/export/") == 2


def test_a_checkpoint_with_previews_is_exported_though_only_exports_are_listed(
    rain: Rain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bend(path: str, body: Any) -> None:
        if path.endswith("/checkpoints"):
            body["output"] = [row for row in rows(body) if row["status"] == "SUCCEEDED"]

    monkeypatch.setattr(Bent, "bend", staticmethod(bend))
    rain.write(DATASET, FINETUNE, CHECKPOINT)
    step = rain.apply().plan.step(BEST)
    assert step is not None
    assert step.when is When.DONE
    assert rain.calls("GET", "/export/") == 1
