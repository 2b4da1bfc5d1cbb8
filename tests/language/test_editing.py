"""One value is written into a spec, and every other byte stays."""

from typing import Any

import pytest
import yaml

from wanctl.language.splicing import SpliceRefused, with_fields

NEW = "sha256:" + "a" * 64


def locked(text: str, line: int) -> str | None:
    return with_fields(text, line, {"digest": NEW}, after="source")


def chosen(text: str, line: int = 1, **fields: Any) -> str | None:
    return with_fields(
        text, line, {"checkpoint": "checkpoint-9", "of": "3f9ac1d2", **fields}, after="finetune"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kind: Dataset\nname: a\nsource: data\n", "kind: Dataset\nname: a\nsource: data\ndigest: NEW\n"),
        ("kind: Dataset\nname: a\nsource: data", "kind: Dataset\nname: a\nsource: data\ndigest: NEW\n"),
        (
            "# the best\nkind: Dataset\nsource: 'data'   # here\nname: a  # b\n",
            "# the best\nkind: Dataset\nsource: 'data'   # here\ndigest: NEW\nname: a  # b\n",
        ),
        (
            "kind: Dataset\r\nsource: data\r\nname: a\r\n",
            "kind: Dataset\r\nsource: data\r\ndigest: NEW\r\nname: a\r\n",
        ),
        ("{kind: Dataset, source: data, name: a}\n", "{kind: Dataset, source: data, digest: NEW, name: a}\n"),
        (
            "kind: Dataset\nsource: data\ndigest: sha256:0  # old\nname: a\n",
            "kind: Dataset\nsource: data\ndigest: NEW  # old\nname: a\n",
        ),
        ("  kind: Dataset\n  source: data\n", "  kind: Dataset\n  source: data\n  digest: NEW\n"),
        (
            'kind: Dataset\nsource: "d\\u00e4ta"\nname: 数据\n',
            'kind: Dataset\nsource: "d\\u00e4ta"\ndigest: NEW\nname: 数据\n',
        ),
    ],
)
def test_the_digest_is_written_and_nothing_else(before: str, after: str) -> None:
    line = 2 if before.startswith("#") else 1
    written = locked(before, line)
    assert written == after.replace("NEW", NEW)
    assert locked(written or "", line) == written


def test_the_document_is_found_by_its_line() -> None:
    two = "kind: Dataset\nsource: a\n---\nkind: Dataset\nsource: b\n"
    assert locked(two, 4) == two + f"digest: {NEW}\n"
    assert locked(two, 2) is None


EVIDENCE = {"gallery": "sha256:12", "notes": {"checkpoint-9": "Even rain.\nNo smear: \u00e4"}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "# a\nname: b\nfinetune:   rain # of it\n# checkpoint: checkpoint-2\nattempt: 2\n",
            "# a\nname: b\nfinetune:   rain # of it\nCHOICE# checkpoint: checkpoint-2\nattempt: 2\n",
        ),
        (
            'checkpoint: "checkpoint-2"   # chosen\nfinetune: rain\n',
            "checkpoint: checkpoint-9   # chosen\nof: 3f9ac1d2\nfinetune: rain\n",
        ),
        ("finetune: rain\ncheckpoint:\nname: b\n", "finetune: rain\nCHOICEname: b\n"),
        ("finetune: rain\ncheckpoint: 160\nof: '11111111'\n", "finetune: rain\nCHOICE"),
        ("finetune: rain\ncheckpoint: !!str c\n", "finetune: rain\nCHOICE"),
        ("finetune: >-\n  rain\n\nname: b\n", "finetune: >-\n  rain\nCHOICE\nname: b\n"),
        (
            "{finetune: rain, name: b}\n",
            "{finetune: rain, checkpoint: checkpoint-9, of: 3f9ac1d2, name: b}\n",
        ),
    ],
)
def test_the_choice_is_written_and_nothing_else(before: str, after: str) -> None:
    line = 2 if before.startswith("#") else 1
    written = chosen(before, line)
    assert written == after.replace("CHOICE", "checkpoint: checkpoint-9\nof: 3f9ac1d2\n")
    assert chosen(written or "", line) == written


@pytest.mark.parametrize(
    "before",
    [
        "name: b\nfinetune: rain\nattempt: 2  # once more\n",
        "{name: b, finetune: rain, attempt: 2}\n",
        "name: b\nfinetune: rain\nevidence:\n  gallery: old\n  notes: |\n    a\n    b\n# again\nattempt: 2\n",
        "name: b\nfinetune: rain\nevidence: {gallery: old} # of before\nattempt: 2\n",
    ],
)
def test_evidence_is_written_over_the_evidence_before(before: str) -> None:
    line, comments = 1, [one for one in before.splitlines() if "#" in one]
    written = chosen(before, line, evidence=EVIDENCE) or ""
    found = yaml.safe_load(written)
    assert found["evidence"] == EVIDENCE
    assert (found["checkpoint"], found["of"], found["attempt"]) == ("checkpoint-9", "3f9ac1d2", 2)
    assert all(one.partition("#")[2] in written for one in comments)
    assert chosen(written, line, evidence=EVIDENCE) == written


def test_a_text_that_reads_as_a_number_is_quoted() -> None:
    written = chosen("finetune: rain\n", of="12345678") or ""
    assert "of: '12345678'" in written
    assert yaml.safe_load(written)["of"] == "12345678"


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("a: &c checkpoint-2\nfinetune: rain\ncheckpoint: *c\n", "stands at an anchor"),
        ("finetune: rain\ncheckpoint: &c checkpoint-2\n", "stands at an anchor"),
        ("a: &c rain\nfinetune: *c\n", "stands at an anchor"),
        ("finetune: rain\ncheckpoint: ${best}\n", "comes from vars"),
    ],
)
def test_what_only_a_person_should_change_is_refused(before: str, said: str) -> None:
    with pytest.raises(SpliceRefused, match=said):
        chosen(before)


@pytest.mark.parametrize("digits", ["12345678", "1234e567", "08912345", "0b111111", "3f9ac1d2", "00e00000"])
def test_digits_that_look_like_a_number_are_written_as_text(digits: str) -> None:
    written = chosen("kind: Checkpoint\nfinetune: rain\n", of=digits) or ""
    assert yaml.safe_load(written)["of"] == digits
    assert written.endswith(f"of: {digits}\n" if digits == "3f9ac1d2" else f"of: '{digits}'\n")
