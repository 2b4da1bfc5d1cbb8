"""Captions are checked for their wording, and many of them are changed at once."""

import json
from pathlib import Path

import pytest

from wanctl.dataset.caption_edits import (
    CaptionEdit,
    CaptionFile,
    edits_of,
    with_caption,
    with_effect,
    with_prefix,
    with_replaced,
)
from wanctl.dataset.checks.captions import description_of, sentences_of
from wanctl.dataset.checks.wording import check_wording
from wanctl.dataset.contents import DatasetError, DatasetFacts, Sample

EFFECT = "Then the s86b5p money rain effect begins, bills pour down."
GOOD = [
    f"The video begins showing a woman in a red dress. The background is a brick wall with ivy. {EFFECT}",
    f"The video begins showing an old man. The background is a harbour at dusk. {EFFECT}",
    f"The video begins showing two cats on a sofa. Behind them is a window. {EFFECT}",
    f"A shot of a child with a balloon. The background is a busy street. {EFFECT}",
    f"The video begins with a lighthouse. The background is a stormy sea. {EFFECT}",
    f"The video begins showing a chef. The background is a kitchen full of steam. {EFFECT}",
]


def samples(*prompts: str) -> tuple[Sample, ...]:
    return tuple(
        Sample(line, text, f"{line}.png", None, f"{line}.mp4") for line, text in enumerate(prompts, 1)
    )


def said(*prompts: str) -> list[tuple[str, str, str]]:
    found = check_wording(DatasetFacts("0" * 64, (), 0, samples(*prompts)))
    return [(str(one.rule), str(one.place), one.message) for one in found]


def test_captions_by_the_formula_are_told_nothing() -> None:
    assert said(*GOOD) == []


@pytest.mark.parametrize("left", ["[subject description]", "{trigger}", "<environment>", "[ ]"])
def test_a_place_that_nobody_filled_is_named(left: str) -> None:
    found = said(GOOD[0], f"The video begins showing {left}. {EFFECT}")
    assert found[0] == (
        "caption-brackets",
        "data.jsonl:2",
        f'has "{left}" in its caption: a place in a template that nobody filled',
    )


def test_the_same_captions_are_named_once() -> None:
    found = [one for one in said(*GOOD, *[GOOD[0]] * 11) if one[0] == "same-captions"]
    assert found == [
        (
            "same-captions",
            "data.jsonl:1",
            "12 captions are the same, word by word: lines 1, 7, 8, 9, 10 and 7 more (3 are many)",
        )
    ]
    assert said(*GOOD, GOOD[0]) == []


def test_the_effect_alone_and_a_subject_without_background_are_named() -> None:
    bare = "The video begins with a shot. "
    found = said(*GOOD, bare + EFFECT, EFFECT, f"The video begins showing a sad dog. {EFFECT}")
    assert found == [
        ("effect-only", "data.jsonl:7", "2 captions have the effect and nothing else: lines 7, 8"),
        ("no-background", "data.jsonl:9", "1 caption has a subject and no background: line 9"),
    ]


def test_words_that_nearly_all_have_outside_of_the_effect_are_named() -> None:
    red = [text.replace("The background is", "Her red hat is in front of") for text in GOOD]
    found = said(*red)
    assert [(rule, place) for rule, place, _ in found] == [("bound-words", "data.jsonl")]
    assert "hat (5)" in found[0][2]
    assert "red (5)" in found[0][2]
    assert "(80% are too many)" in found[0][2]
    assert said(*red[:4]) == [], "of four captions nothing can be said"


def test_the_effect_is_put_in_each_captions_words_place() -> None:
    told = samples(*GOOD[:2], "A dog in a field.", "")
    new = "Then the s86b5p money rain effect begins,\n huge bills  fall."
    edits = edits_of(told, with_effect(told, new))
    assert [(one.line, one.after) for one in edits] == [
        (1, GOOD[0].replace("bills pour down", "huge bills fall")),
        (2, GOOD[1].replace("bills pour down", "huge bills fall")),
        (3, "A dog in a field. Then the s86b5p money rain effect begins, huge bills fall."),
    ]
    again = tuple(Sample(one.line, one.after, None, None, None) for one in edits)
    assert edits_of(again, with_effect(again, new)) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (" \n", "the description of the effect is empty"),
        ("Then it rains.", "the description has no s86b5p, the captions' trigger word"),
    ],
)
def test_an_effect_without_the_trigger_is_refused(text: str, why: str) -> None:
    told = samples(*GOOD)
    with pytest.raises(DatasetError, match=why):
        with_effect(told, text)


def test_the_first_trigger_may_come_with_the_effect() -> None:
    told = samples("A dog in a field.", "A cat on a roof.")
    edits = edits_of(told, with_effect(told, EFFECT))
    assert [one.after for one in edits] == [f"A dog in a field. {EFFECT}", f"A cat on a roof. {EFFECT}"]
    with pytest.raises(DatasetError, match="neither the description nor the captions have a trigger word"):
        with_effect(told, "Then it rains.")


def test_a_word_is_put_in_front_once() -> None:
    told = samples("A dog.", "s86b5p, a cat.", "s86b5pq, a cow.")
    edits = edits_of(told, with_prefix("s86b5p,"))
    assert [(one.line, one.after) for one in edits] == [(1, "s86b5p, A dog."), (3, "s86b5p, s86b5pq, a cow.")]


def test_one_text_is_replaced_for_another() -> None:
    told = samples("A dog in the rain.", "A cat.")
    assert edits_of(told, with_replaced("the rain", "snow")) == (
        CaptionEdit(1, "A dog in the rain.", "A dog in snow."),
    )
    with pytest.raises(DatasetError, match="no text to be replaced"):
        with_replaced("", "x")
    with pytest.raises(DatasetError, match="no word to put in front"):
        with_prefix(" ,")


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        (b'{"prompt": "old", "n": 1.50}', b'{"prompt": "new", "n": 1.50}'),
        (b'{ "a":{"prompt":"old"} , "prompt" :"old"}\r', b'{ "a":{"prompt":"old"} , "prompt" :"new"}\r'),
        (b'{"prompt": "x", "prompt": "old"}', b'{"prompt": "x", "prompt": "new"}'),
        (b'{"\\u0070rompt": "o\\u006cd"}', b'{"\\u0070rompt": "new"}'),
    ],
)
def test_nothing_else_of_a_line_changes(line: bytes, changed: bytes) -> None:
    assert with_caption(line, "old", "new") == changed


def test_letters_are_written_as_the_line_has_them() -> None:
    assert with_caption(b'{"prompt": "old"}', "old", "caf\u00e9") == b'{"prompt": "caf\\u00e9"}'
    line = '{"prompt": "ol\u00e9"}'.encode()
    assert with_caption(line, "ol\u00e9", "caf\u00e9") == '{"prompt": "caf\u00e9"}'.encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [json.dumps({"prompt": text, "video_path": "a.mp4"}) for text in ("A dog.", "A cat.")]
    (tmp_path / "data.jsonl").write_text("\r\n".join([*lines, ""]), encoding="utf-8", newline="")
    return tmp_path


def test_a_change_is_taken_back_byte_by_byte_and_that_as_well(folder: Path) -> None:
    path = folder / "data.jsonl"
    before = path.read_bytes()
    CaptionFile(folder).apply([CaptionEdit(2, "A cat.", "A cow.")])
    after = path.read_bytes()
    assert after == before.replace(b"A cat.", b"A cow.")
    back = CaptionFile(folder)
    assert back.kept() == (CaptionEdit(2, "A cow.", "A cat."),)
    back.apply(back.kept())
    assert path.read_bytes() == before
    forth = CaptionFile(folder)
    forth.apply(forth.kept())
    assert path.read_bytes() == after


def test_what_somebody_else_wrote_is_not_overwritten(folder: Path) -> None:
    path = folder / "data.jsonl"
    with pytest.raises(DatasetError, match="no change is kept"):
        CaptionFile(folder).kept()
    file = CaptionFile(folder)
    path.write_bytes(path.read_bytes().replace(b"A dog.", b"A pig."))
    with pytest.raises(DatasetError, match="was changed by somebody else meanwhile"):
        file.apply([CaptionEdit(2, "A cat.", "A cow.")])
    CaptionFile(folder).apply([CaptionEdit(2, "A cat.", "A cow.")])
    path.write_bytes(path.read_bytes().replace(b"A pig.", b"A dog."))
    with pytest.raises(DatasetError, match="was changed since"):
        CaptionFile(folder).kept()
    (folder / ".captions-before.json").write_text("{")
    with pytest.raises(DatasetError, match="cannot be read; nothing was taken back"):
        CaptionFile(folder).kept()


def test_a_number_ends_no_sentence() -> None:
    caption = "A wall, 2.5 m high. Then the s86b5p rain falls for 3.0 seconds.  It ends."
    assert description_of(caption, "s86b5p") == "Then the s86b5p rain falls for 3.0 seconds. It ends."
    assert sentences_of("一。二！三") == ["一。", "二！", "三"]  # noqa: RUF001
