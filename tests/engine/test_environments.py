"""Environments keep out of each other's ledger: what one deployed, the other would take away."""

import json
from pathlib import Path

import pytest

from tests.engine.rain import DATASET, Rain
from wanctl.ledger.errors import LedgerError

SHARED = {"prod": {"ledger": ".wanctl/ledger.json"}}


def test_a_ledger_that_two_environments_share_is_refused(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, environments=SHARED)
    rain.apply()
    before = rain.ledger
    assert before["environment"] == ""
    with pytest.raises(LedgerError, match=r"belongs to the base of wanctl\.yaml, and this is prod"):
        rain.project("prod").plan()
    assert rain.ledger == before


def test_a_ledger_from_before_belongs_to_whoever_applies_next(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, environments=SHARED)
    rain.apply()
    older = {key: value for key, value in rain.ledger.items() if key != "environment"}
    (rain.specs / ".wanctl/ledger.json").write_text(json.dumps(older), encoding="utf-8")
    rain.project("prod").plan()
    assert rain.ledger == older, "a plan writes nothing"

    rain.write({**DATASET, "exclude": ["*.psd"]}, {**DATASET, "name": "again"}, environments=SHARED)
    rain.apply()
    assert rain.ledger["environment"] == ""
