"""One more item in a list of the specs, or one less: every other byte stays, and so do the comments."""

import re

import pytest
import yaml

from wanctl.language.splicing import SpliceRefused, with_item, without_item

HEAD = "# of all\nkind: Dataset\nname:  'train'   # odd\nsource: ../data\n"
TAIL = "\ntarget_seconds:   5.0  # seconds\n---\nkind: FineTune\nname: x\nexclude: [nope]\n"
ITEMS = ("/clip_1.mp4", "/a, b].mp4", "/#5.mp4", "/ä b: c.mp4", '/it\'s "so".mp4', "/1\\*.mp4")
LISTS = {
    "exclude: []  # none yet": [],
    "exclude: [raw/, '*.psd' ]   # two": ["raw/", "*.psd"],
    "exclude: [raw/]": ["raw/"],
    "exclude: [raw/,]": ["raw/"],
    "exclude:\n  [\n    raw/,  # big\n    b,\n  ]": ["raw/", "b"],
    "exclude:\n- raw/  # big\n-   'b'": ["raw/", "b"],
    'exclude:   # all of it\n    # two\n    - raw/\n    - "b"  # why\n    # after': ["raw/", "b"],
    "exclude:\n  - raw/": ["raw/"],
}


def document(text: str) -> list[str]:
    return list(next(iter(yaml.safe_load_all(text))).get("exclude") or [])


def comments(text: str) -> list[str]:
    return re.findall(r"(?:^|\s)#[^\n]*", text)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("written", [*LISTS, ""])
def test_an_item_comes_and_goes(written: str, item: str, ending: str) -> None:
    text = (HEAD + written + TAIL).replace("\n", ending)
    before = LISTS.get(written, [])
    more = with_item(text, 2, "exclude", item, after="source")
    assert more is not None
    assert document(more) == [*before, item]
    whole = comments(text)
    assert [one for one in comments(more) if one in whole] == whole
    assert more.count("\n") == more.count(ending)
    again = without_item(more, 2, "exclude", item)
    assert again is not None
    assert document(again) == before
    assert list(yaml.safe_load_all(again))[1] == {"kind": "FineTune", "name": "x", "exclude": ["nope"]}
    if before or not written:
        assert again == text


@pytest.mark.parametrize("written", LISTS)
def test_each_of_several_can_go(written: str) -> None:
    for item in LISTS[written]:
        less = without_item(HEAD + written + TAIL, 2, "exclude", item)
        assert less is not None
        assert document(less) == [one for one in LISTS[written] if one != item]
        assert less.endswith(TAIL.strip() + "\n")


def test_at_the_end_of_a_file_without_a_last_line_end() -> None:
    for written in ("exclude:\n- a", "exclude: [a]", ""):
        text = (HEAD + written).removesuffix("\n")
        more = with_item(text, 2, "exclude", "b", after="source")
        assert more is not None
        assert document(more) == [*document(text), "b"]
        less = without_item(more, 2, "exclude", "b")
        assert less is not None
        assert document(less) == document(text)


def test_a_document_in_braces() -> None:
    text = "{kind: Dataset, name: a, source: x, target_seconds: 5}\n"
    more = with_item(text, 1, "exclude", "/a, b.mp4", after="source")
    assert more == "{kind: Dataset, name: a, source: x, exclude: ['/a, b.mp4'], target_seconds: 5}\n"
    less = without_item(more, 1, "exclude", "/a, b.mp4")
    assert less is not None
    assert document(less) == []


@pytest.mark.parametrize(
    "written", ["exclude: raw/", "exclude: &more [a]", "exclude: *all", "exclude: '${what}'", "exclude:"]
)
def test_a_list_that_is_not_written_out_there_is_left_to_a_person(written: str) -> None:
    text = f"kind: Dataset\nname: &all [b]\nsource: x\n{written}\n"
    with pytest.raises(SpliceRefused):
        with_item(text, 1, "exclude", "c", after="source")


def test_a_document_that_is_not_there() -> None:
    assert with_item(HEAD, 7, "exclude", "a", after="source") is None
    assert without_item(HEAD, 7, "exclude", "a") is None
