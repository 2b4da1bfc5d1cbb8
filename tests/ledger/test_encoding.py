"""Text ↔ Record: what is refused and why, and how an older format is brought up to date."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tests.examples import examples
from tests.ledger.ledger_files import NOW, as_an_older_wanctl_wrote_it, generation, owner, record
from wanctl.address import Kind
from wanctl.ledger import encoding
from wanctl.ledger.encoding import Encoder, checksum, decode_record, encode_record
from wanctl.ledger.errors import LedgerUnreadableError
from wanctl.ledger.opening import open_store
from wanctl.ledger.record import Entry, Generation, HistoryLine, Intent, KeptInputs, Record


def plain() -> dict[str, Any]:
    """As JSON has it, without its checksum."""
    return record().model_dump(mode="json")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "not valid JSON"),
        ("[]", "damaged"),
        (json.dumps({"format_version": 3}), "newer wanctl"),
        (json.dumps({"format_version": 0}), "format 0, which this wanctl does not read"),
        (json.dumps({"format_version": True}), "damaged"),
        (json.dumps({"format_version": 1, "lineage": "a"}), "damaged at project"),
        (json.dumps({"format_version": 2, "lineage": "a"}), "damaged at project"),
        (json.dumps({"format_version": 2, "entries": [], "intents": 1, "history": None}), "damaged at"),
        (as_an_older_wanctl_wrote_it({**plain(), "surprise": 1}), "damaged at surprise"),
        (json.dumps(plain()), "not what its checksum says"),
        (json.dumps({**plain(), "checksum": None}), "not what its checksum says"),
        (json.dumps({**plain(), "checksum": ["sha256"]}), "not what its checksum says"),
    ],
)
def test_what_is_not_a_ledger_is_refused_with_the_reason(text: str, word: str) -> None:
    with pytest.raises(LedgerUnreadableError, match=word):
        decode_record(text, "here")


@pytest.mark.parametrize(
    "address",
    ["Banana/train", "train", "Dataset/", "/train", "Dataset/a/b", "dataset/train", "Dataset/a\x1b[2J", ""],
)
def test_what_stands_under_no_address_is_refused_by_its_name(address: str) -> None:
    kept = encode_record(record().with_entry(address, Entry(disowned=("ft-1",))))
    intent = Intent(address=address, verb="train", identity="i", inputs={}, seen=(), at=NOW)
    for text in (kept, encode_record(record().with_intent(intent))):
        with pytest.raises(
            LedgerUnreadableError, match=f"damaged.*{re.escape(json.dumps(address))}"
        ) as caught:
            decode_record(text, "here")
        assert "left as it is" in str(caught.value)


def test_the_kinds_of_addresses_are_those_of_the_specs() -> None:
    for kind in Kind:
        named = record().with_entry(f"{kind}/a-b_c.2:x", Entry(disowned=("ft-1",)))
        assert decode_record(encode_record(named), "here") == named


def older() -> str:
    """A ledger in a format before the first: it called the project something else."""
    data = record(serial=3).model_dump(mode="json")
    return json.dumps({**data, "format_version": 0, "scope": data.pop("project")})


def renamed(data: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in data.items() if key != "scope"}
    return {**rest, "project": data["scope"]}


def test_an_older_format_is_brought_up_to_date_and_a_copy_of_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(encoding.MIGRATIONS, 0, renamed)
    path = tmp_path / "ledger.json"
    path.write_text(older(), encoding="utf-8")
    store = open_store("ledger.json", owner(tmp_path))
    loaded = store.load()
    assert loaded == record(serial=3)
    assert path.read_text(encoding="utf-8") == older(), "a plan writes nothing"

    saved = store.save(loaded)
    store.save(saved)
    assert decode_record(path.read_text(encoding="utf-8"), "here").serial == 5
    assert (tmp_path / "ledger.json.1").read_text(encoding="utf-8") == older()
    assert not (tmp_path / "ledger.json.2").exists()


@settings(max_examples=examples(50))
@given(st.data())
def test_no_bit_of_the_content_can_flip_unseen(data: st.DataObject) -> None:
    """Be it in a model's name, a config's key or a number: what comes of it is refused, or means the same."""
    generation = Generation(
        remote_id="wan-m-1", identity="i", inputs={"capacity": 1, "aigc_config": {"prompt": "p"}}, since=NOW
    )
    kept = KeptInputs(address="Deployment/x", remote_id="wan-m-1", identity="i", inputs=generation.inputs)
    line = HistoryLine(
        at=NOW, address="Deployment/x", verb="deploy", result="ok", remote_id="wan-m-1", config=kept.digest
    )
    whole = record(serial=3).with_entry("Deployment/x", Entry(current=generation))
    whole = whole.with_history(line, configs={kept.digest: kept})
    content = bytearray(encode_record(whole).encode())
    place = data.draw(st.integers(0, len(content) * 8 - 1))
    content[place // 8] ^= 1 << place % 8
    with suppress(LedgerUnreadableError, UnicodeDecodeError):
        assert decode_record(content.decode(), "here") == whole


def test_how_it_is_spelled_does_not_matter() -> None:
    whole = written(3)
    data = json.loads(encode_record(whole))
    assert decode_record(json.dumps(data), "here") == whole
    assert decode_record(json.dumps(data, sort_keys=True, indent=4), "here") == whole


def test_a_ledger_without_a_checksum_gets_one_when_it_is_next_written(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    old = as_an_older_wanctl_wrote_it(written(2).model_dump(mode="json"))
    path.write_text(old, encoding="utf-8")
    store = open_store("ledger.json", owner(tmp_path))
    loaded = store.load()
    assert loaded == written(2)
    assert path.read_text(encoding="utf-8") == old
    saved = store.save(loaded)
    data = json.loads(path.read_text(encoding="utf-8"))
    assert (data["format_version"], data["checksum"]) == (2, checksum(data))
    assert (tmp_path / "ledger.json.1").read_text(encoding="utf-8") == old
    assert open_store("ledger.json", owner(tmp_path)).load() == saved


def test_generations_are_found_again_by_identity() -> None:
    entry = Entry().with_current(generation("ft-1", "a")).with_current(generation("ft-2", "b"))
    assert entry.current == generation("ft-2", "b")
    assert entry.generation("a") == generation("ft-1", "a")
    back = entry.with_current(generation("ft-1", "a"))
    assert back.current == generation("ft-1", "a")
    assert back.past == (generation("ft-2", "b"),)
    assert back.generation("c") is None


def test_a_text_is_the_same_record_again() -> None:
    full = record(serial=2).with_entry("Dataset/x", Entry().with_current(generation("file-1")))
    assert decode_record(encode_record(full), "here") == full


def written(number: int, text: str = "") -> Record:
    """A ledger of some size."""
    full = record(environment="prod")
    for one in range(number):
        full = full.with_entry(f"Dataset/{one}", Entry().with_current(generation(f"file-{one}{text}")))
        full = full.with_history(
            HistoryLine(at=NOW, address=f"Dataset/{one}", verb="upload", result="ok", note=text)
        )
    return full


_inputs = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(), st.dictionaries(st.text(), _inputs, max_size=3), st.integers(0, 3))
def test_it_is_written_as_any_json_with_an_indent_of_one(
    text: str, inputs: dict[str, Any], entries: int
) -> None:
    intent = Intent(address="FineTune/x", verb="train", identity=text, inputs=inputs, seen=(text,), at=NOW)
    encoder = Encoder()
    kept = KeptInputs(address="FineTune/x", remote_id=None, identity=text, inputs=inputs)
    full = written(entries, text).with_history(configs={kept.digest: kept})
    for one in (record(), written(entries, text), full.with_intent(intent)):
        data = one.model_dump(mode="json")
        spelled = json.dumps({**data, "checksum": checksum(data)}, indent=1, ensure_ascii=False) + "\n"
        assert encoder.encode(one) == spelled
        assert decode_record(spelled, "here") == one


def test_what_did_not_change_is_not_spelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    spelled: list[object] = []
    spell = encoding._spelled

    def noting(part: BaseModel) -> object:
        spelled.append(part)
        return spell(part)

    monkeypatch.setattr(encoding, "_spelled", noting)
    before = written(100)
    entry = Entry().with_current(generation("file-new"))
    line = HistoryLine(at=NOW, address="Dataset/7", verb="upload", result="ok")
    after = before.with_entry("Dataset/7", entry).with_history(line)
    encoder = Encoder()
    encoder.encode(before)
    assert len(spelled) == 200
    spelled.clear()
    assert encoder.encode(after) == encode_record(after)
    assert spelled[:2] == [entry, line]
    assert len(spelled) == 2 + 201
