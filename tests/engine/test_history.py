"""What served when, and what it was made from: kept with each line of the history, and found again by it."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Harness, checkpoint, dataset, deployment, finetune
from tests.ledger.ledger_files import record
from tests.scenarios.playing import run_wanctl
from wanctl.address import Address
from wanctl.engine.history import standings, upstream
from wanctl.ledger.record import HISTORY_KEPT, HistoryLine, KeptInputs, Record

RAIN = Address.deployment("rain")


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness.begun(tmp_path)


def kept_record(harness: Harness) -> Record:
    return harness.project().record()


def chain(record: Record, kept: KeptInputs | None) -> list[str]:
    """The addresses of everything that an object was made from, the nearest first."""
    assert kept is not None
    return [address for one in upstream(record, kept) for address in (one.address, *chain(record, one))]


def asked(harness: Harness, *words: str) -> Any:
    output, code = run_wanctl("history", "-C", str(harness.specs), *words, "--format", "json")
    assert code == 0, output
    return json.loads(output)


def test_what_served_is_known_down_to_the_captions(harness: Harness) -> None:
    harness.serve(deployment())
    harness.apply()
    (served,) = asked(harness, "Deployment/rain")["standings"]
    assert served["until"] is None
    assert served["config"]["inputs"]["aigc_config"]["lora_prompt_default"] == "Then it rains."
    exported = served["config"]["made_from"][0]
    trained = exported["made_from"][0]
    uploaded = trained["made_from"][0]
    assert exported["identity"].endswith("/checkpoint-20")
    assert trained["inputs"]["hyper_parameters"]["n_epochs"] == 40
    assert trained["made"]["verb"] == "train"
    assert all(one["caption"] for one in uploaded["inputs"]["samples"])


def test_the_final_model_of_a_training_leads_to_its_job(harness: Harness) -> None:
    harness.write(dataset(), finetune(), deployment(finetune="rain"))
    harness.apply()
    known = kept_record(harness)
    (served,) = standings(known, RAIN)
    assert chain(known, served.kept) == ["FineTune/rain", "Dataset/train"]


def test_a_choice_that_was_taken_back_leads_to_each_checkpoint(harness: Harness) -> None:
    for snapshot in ("checkpoint-20", "checkpoint-40", "checkpoint-20"):
        harness.serve(deployment(), snapshot=snapshot)
        harness.apply()
    known = kept_record(harness)
    found = standings(known, RAIN)
    chosen = [upstream(known, one.kept)[0].identity.rpartition("/")[2] for one in found if one.kept]
    assert chosen == ["checkpoint-20", "checkpoint-40", "checkpoint-20"]
    assert [one.until is None for one in found] == [False, False, True]
    assert all(one.ended for one in found[:-1])


def test_at_a_moment_between_two_both_are_told_of(harness: Harness) -> None:
    """Blue and green serve side by side until the old one is deleted."""
    harness.serve(deployment(strategy="blue_green"))
    harness.apply()
    harness.serve(deployment(effect="Then it snows.", strategy="blue_green"))
    harness.apply()
    old, new = standings(kept_record(harness), RAIN)
    assert (old.until, new.until) == (None, None)  # the old one is kept
    harness.advance(3600)
    harness.apply()
    old, new = standings(kept_record(harness), RAIN)
    assert old.until is not None
    assert new.since < old.until
    both = asked(harness, "rain", "--at", new.since.isoformat())["standings"]
    assert [one["remote_id"] for one in both] == [old.remote_id, new.remote_id]
    just_before = (new.since - timedelta(seconds=1)).isoformat()
    assert len(asked(harness, "rain", "--at", just_before)["standings"]) == 1
    assert len(asked(harness, "rain", "--at", f"{new.since:%Y-%m-%d}")["standings"]) == 2


def test_a_capacity_that_changed_is_a_line_of_its_own(harness: Harness) -> None:
    harness.serve(deployment())
    harness.apply()
    harness.serve(deployment(capacity=2))
    harness.apply()
    one, two = standings(kept_record(harness), RAIN)
    assert one.until == two.since
    assert [seen.kept and seen.kept.inputs["capacity"] for seen in (one, two)] == [1, 2]
    assert chain(kept_record(harness), two.kept)[0] == "Checkpoint/best"


def test_what_was_deleted_outside_ended_when_the_next_was_made(harness: Harness) -> None:
    harness.serve(deployment())
    harness.apply()
    harness.delete_as_somebody(harness.deployed[0])
    harness.apply()
    gone, again = standings(kept_record(harness), RAIN)
    assert (gone.until, gone.ended) == (again.since, None)
    output, _ = run_wanctl("history", "-C", str(harness.specs), "rain", "--at", gone.since.isoformat())
    assert "no deletion of it by wanctl is on record" in output


def test_a_new_name_goes_on_from_the_old_one(harness: Harness) -> None:
    harness.serve(deployment())
    harness.apply()
    harness.serve(deployment("pour", moved_from="rain"))
    harness.apply()
    (served,) = standings(kept_record(harness), Address.deployment("pour"))
    assert served.line.address == "Deployment/rain"
    assert served.until is None


def test_an_answer_that_was_lost_is_told_with_its_origin(harness: Harness) -> None:
    harness.serve(deployment())
    harness.lose_deploy_answer()
    harness.apply()
    known = kept_record(harness)
    (served,) = standings(known, RAIN)
    assert served.line.result == "found"
    assert chain(known, served.kept) == ["Checkpoint/best", "FineTune/rain", "Dataset/train"]
    lost = next(line for line in known.history if line.result == "lost")
    assert known.configs[lost.config or ""].inputs["aigc_config"]["lora_prompt_default"] == "Then it rains."


def test_what_left_the_specs_is_still_found(harness: Harness) -> None:
    harness.serve(deployment())
    harness.apply()
    harness.write(dataset(), finetune(), checkpoint())
    harness.apply()
    (served,) = asked(harness, "Deployment/rain")["standings"]
    assert served["until"]
    assert served["deleted_by_wanctl"]


def test_a_ledger_from_before_tells_what_it_still_has(harness: Harness) -> None:
    harness.serve(deployment())
    harness.apply()
    old = harness.ledger
    old["format_version"] = 1
    del old["configs"], old["checksum"]
    for line in old["history"]:
        del line["config"]
    (harness.specs / ".wanctl/ledger.json").write_text(json.dumps(old), encoding="utf-8")
    (served,) = asked(harness, "rain")["standings"]
    assert served["config"]["inputs"]["capacity"] == 1
    assert served["config"]["made_from"] == []


def test_every_form_of_a_date_is_understood_or_refused(harness: Harness) -> None:
    harness.serve(deployment())
    harness.apply()
    (served,) = standings(kept_record(harness), RAIN)
    in_utc = served.since.astimezone(UTC)
    assert asked(harness, "rain", "--at", f"{in_utc:%Y-%m-%dT%H:%M:%S}Z")["standings"]
    assert not asked(harness, "rain", "--at", f"{in_utc - timedelta(days=1):%Y-%m-%d}")["standings"]
    output, code = run_wanctl("history", "-C", str(harness.specs), "rain", "--at", "noon")
    assert code == 1
    assert re.search(r"noon is no date", output)


def _line(number: int, config: str | None) -> HistoryLine:
    at = datetime(2026, 3, 18, tzinfo=UTC) + timedelta(minutes=number)
    return HistoryLine(at=at, address="Deployment/rain", verb="deploy", result="ok", config=config)


def _inputs(name: str, *made_from: str) -> KeptInputs:
    return KeptInputs(address=name, remote_id=name, identity=name, inputs={}, made_from=made_from)


def test_inputs_go_with_the_last_line_that_speaks_of_them() -> None:
    first, file = _inputs("Deployment/a"), _inputs("Dataset/c")
    second = _inputs("Deployment/b", file.digest)
    kept = {one.digest: one for one in (first, file, second)}
    begun = record().with_history(_line(0, first.digest), _line(1, second.digest), configs=kept)
    full = begun.with_history(*(_line(number, None) for number in range(2, HISTORY_KEPT)))
    assert set(full.configs) == set(kept)
    one_gone = full.with_history(_line(HISTORY_KEPT, None))
    assert set(one_gone.configs) == {second.digest, file.digest}, "what it was made from stays with it"
    assert not one_gone.with_history(_line(HISTORY_KEPT + 1, None)).configs
