"""A call waits for its turn with its intent written: a run that lost its lease meanwhile does not send it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.harness import CHANGING, Harness, checkpoint, dataset, deployment, finetune
from wanctl.ledger.lease import LEASE_TTL, Lease, LeaseLost
from wanctl.plan import Status
from wanctl.project import Project
from wanctl.project.leasing import leased
from wanctl.studio.pace import Lane

CHAIN = [dataset(), finetune(), checkpoint()]
# each of them is one step further than the one before it
STATES: dict[str, list[dict[str, Any]]] = {
    "upload": [dataset()],
    "train": [dataset(), finetune()],
    "export": CHAIN,
    "deploy": [*CHAIN, deployment()],
    "scale": [*CHAIN, deployment(capacity=2)],
    "replace": [*CHAIN, deployment(effect="Then it snows.", capacity=2)],
    "delete the deployment": CHAIN,
    "delete the job": [dataset(), {**finetune(), "state": "absent"}],
    "delete the file": [{**dataset(), "state": "absent"}],
}


class Stall:
    """Once there is an intent, the next call stands in its lane until its run's lease has run out and another
    run has come and gone."""

    def __init__(self, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
        self._harness = harness
        self._now = datetime(2026, 3, 18, 9, tzinfo=UTC)
        self.armed = False
        turn = Lane.turn
        stall = self._stall

        @asynccontextmanager
        async def stalling(lane: Lane, owner: str = "") -> AsyncIterator[None]:
            async with turn(lane, owner):
                stall()
                yield

        monkeypatch.setattr(Lane, "turn", stalling)
        monkeypatch.setattr("wanctl.project.leasing.leased", partial(leased, now=lambda: self._now))

    def _stall(self) -> None:
        store = Project.open(self._harness.specs).store
        record = store.load() if self.armed else None
        if record and record.intents:
            self.armed = False
            self._now += LEASE_TTL
            other = Lease(token="other", holder="other", since=self._now, expires=self._now + LEASE_TTL)
            store.acquire(other)
            store.release(other)


def changes(harness: Harness) -> list[str]:
    """Every call so far that changed something, or tried to."""
    asked = harness.call("GET", "/_sandbox/requests")
    return [
        f"{one['method']} {one['path']}"
        for one in asked
        if (one["method"] in CHANGING or "/export/" in one["path"]) and "_sandbox" not in one["path"]
    ]


def test_no_call_is_sent_by_a_run_that_lost_its_lease_while_the_call_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = Harness.begun(tmp_path)
    stall = Stall(harness, monkeypatch)
    for change, documents in STATES.items():
        harness.write(*documents)
        before = changes(harness)
        stall.armed = True
        with pytest.raises(LeaseLost, match="makes no further call"):
            harness.apply()
        assert changes(harness) == before, change
        assert harness.ledger["intents"], f"{change}: whether it was made is open to the others"
        harness.apply()  # waits until it is sure that the call was not made, and makes it
        assert len(changes(harness)) > len(before), change
        assert harness.plan().status is Status.CONVERGED, change
        assert harness.ledger["intents"] == [], change
