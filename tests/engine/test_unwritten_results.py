"""A ledger that cannot be written stops the run: what is under way ends, and nothing else begins."""

from pathlib import Path

import pytest

from tests.datasets import small_dataset
from tests.harness import Harness, dataset
from wanctl.engine.converge import CALLS_AT_ONCE
from wanctl.ledger.errors import LedgerError
from wanctl.ledger.record import Record
from wanctl.ledger.store import LeasedStore

DATASETS = 3 * CALLS_AT_ONCE


def test_a_result_that_cannot_be_written_keeps_the_next_call_from_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = Harness.begun(tmp_path)
    names = [f"d{number}" for number in range(DATASETS)]
    for name in names:
        small_dataset(tmp_path / name, clips=1, note=name)
    harness.write(*({**dataset(name), "source": f"../{name}"} for name in names))
    save = LeasedStore.save
    failed: list[bool] = []

    def away_for_a_moment(store: LeasedStore, record: Record) -> Record:
        if record.history and not failed:
            failed.append(True)
            raise LedgerError("away for a moment")
        return save(store, record)

    monkeypatch.setattr(LeasedStore, "save", away_for_a_moment)
    with pytest.raises(LedgerError, match="away for a moment"):
        harness.apply()
    assert 1 <= len(harness.call("GET", "/compatible-mode/v1/files")["data"]) <= CALLS_AT_ONCE
    harness.apply()
    assert len(harness.call("GET", "/compatible-mode/v1/files")["data"]) == DATASETS
