"""Identity is content: what changes the digest, and what does not."""

import hashlib
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dataset.making import folder, good, packed
from tests.examples import examples
from wanctl.dataset.contents import (
    Member,
    content_digest,
)
from wanctl.dataset.reading import read_dataset

NAMES = st.text("abcdefXYZ019_-", min_size=1, max_size=12)
MEMBERS = st.dictionaries(NAMES, st.binary(max_size=200), min_size=1, max_size=6)


def members_of(contents: dict[str, bytes]) -> list[Member]:
    return [Member(name, hashlib.sha256(one).hexdigest(), len(one)) for name, one in contents.items()]


@given(MEMBERS, st.randoms())
def test_the_order_of_members_changes_nothing(contents: dict[str, bytes], random: object) -> None:
    members = members_of(contents)
    shuffled = list(members)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis names no type for it
    assert content_digest(shuffled) == content_digest(members)


@given(MEMBERS, MEMBERS)
def test_other_contents_have_another_digest(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    same = content_digest(members_of(one)) == content_digest(members_of(other))
    assert same == (one == other)


@settings(max_examples=examples(15))
@given(MEMBERS, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA]), st.booleans())
def test_a_folder_and_any_zip_of_it_have_one_digest(
    contents: dict[str, bytes], compression: int, backwards: bool
) -> None:
    members = {f"sub/{name}": one for name, one in contents.items()} | {"data.jsonl": b"{}"}
    order = dict(sorted(members.items(), reverse=backwards))
    with TemporaryDirectory() as place:
        in_folder = read_dataset(folder(Path(place) / "a", members))
        in_zip = read_dataset(packed(Path(place) / "a.zip", order, compression))
    assert in_folder == in_zip
    assert in_folder.digest == content_digest(members_of(members))


@settings(max_examples=examples(15))
@given(st.data())
def test_one_byte_changes_the_digest(data: st.DataObject) -> None:
    members = good(1)
    name = data.draw(st.sampled_from(sorted(members)))
    place = data.draw(st.integers(0, len(members[name]) - 1))
    changed = bytearray(members[name])
    changed[place] ^= data.draw(st.integers(1, 255))
    before = content_digest(members_of(members))
    assert content_digest(members_of({**members, name: bytes(changed)})) != before


def test_a_member_that_moves_changes_the_digest() -> None:
    one, other = {"ab": b"1", "c": b"2"}, {"a": b"1", "bc": b"2"}
    assert content_digest(members_of(one)) != content_digest(members_of(other))


def test_the_digest_is_what_it_was() -> None:
    """Uploads are found by it: a change of the encoding would upload everything again."""
    assert content_digest(members_of({"data.jsonl": b"{}", "a/b.png": b"x"})) == (
        "cfa647547e86b388bcc72b01ae68697c9929796428f5f0d660aed4419362f6cf"
    )
