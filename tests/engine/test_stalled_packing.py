"""Packing takes as long as the data is large: a run that lost its lease meanwhile uploads nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.harness import Harness, dataset
from wanctl.address import Address
from wanctl.ledger.lease import LeaseLost
from wanctl.project import Project
from wanctl.project.local import Packer


def test_a_lease_that_was_lost_while_packing_is_noticed_before_the_upload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(dataset())
    pack = Packer.archive

    @asynccontextmanager
    async def stalling(packer: Packer, address: Address, content: str) -> AsyncIterator[Path]:
        async with pack(packer, address, content) as path:
            store = Project.open(harness.specs).store
            held = store.held()
            assert held
            store.release(held)  # as another run that came, and went
            yield path

    monkeypatch.setattr(Packer, "archive", stalling)
    with pytest.raises(LeaseLost, match="makes no further call"):
        harness.apply()
    assert harness.call("GET", "/compatible-mode/v1/files")["data"] == []
    monkeypatch.undo()
    harness.apply()
    assert len(harness.call("GET", "/compatible-mode/v1/files")["data"]) == 1
