"""What the author of a dataset gives, and what is remembered of it: data.jsonl, archives, boxes, caches."""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from tests.dataset.making import annotations, clip, folder, sample
from tests.fuzz.target import Target, place, small
from tests.hostile import files
from tests.hostile.judging import Judged
from wanctl.dataset.annotations import read_annotations
from wanctl.dataset.archive import write_archive
from wanctl.dataset.clip_measures import MeasureCache
from wanctl.dataset.contents import sniff
from wanctl.dataset.leaving_out import MOST_PATTERNS, fault_of
from wanctl.dataset.media import TooManyBoxesError, declared_frames
from wanctl.dataset.reading import read_dataset
from wanctl.decoding.demuxers import BEGIN, demuxer_for

_JSON_WORDS = (
    b'": ',
    b"null",
    b"true",
    b"1e999",
    b"NaN",
    b"-0",
    b"\\ud800",
    b"\\u0000",
    b'"',
    b"[",
    b"{",
    b"}",
)


def contents_of(cases: Sequence[object]) -> list[bytes]:
    """What hostile cases are made of."""
    return [one.content() for one in cases if isinstance(one, Judged) and one.content]


def _meet_annotations(content: bytes) -> None:
    found = read_annotations(content)
    assert found.samples or found.problems
    assert all(one.message and one.message.isprintable() for one in found.problems)


def _meet_archive(content: bytes) -> None:
    source = place("archives") / "set.zip"
    source.write_bytes(content)
    facts = read_dataset(source)
    write_archive(source, facts, source.with_name("out.zip"))
    with zipfile.ZipFile(source.with_name("out.zip")) as packed:
        assert sorted(packed.namelist()) == sorted(one.name for one in facts.members)


def _meet_boxes(content: bytes) -> None:
    with suppress(TooManyBoxesError):
        assert declared_frames(io.BytesIO(content), len(content)) >= 0
    sniff(content[:16])
    demuxer_for(content[:BEGIN])


@cache
def _remembered() -> tuple[Path, Path, bytes]:
    """A dataset, the file in which its facts are remembered, and what stands there."""
    source, kept = place("remembered") / "data", place("remembered") / "cache"
    shutil.rmtree(source, ignore_errors=True)
    folder(source, {"data.jsonl": annotations(sample(1)), "a.txt": b"x"})
    read_dataset(source, kept)
    (memory,) = kept.iterdir()
    return source, memory, memory.read_bytes()


def _meet_cache(content: bytes) -> None:
    """As it is, and with a checksum that fits, which whoever may write there can make."""
    source, memory, _ = _remembered()
    noted = hashlib.sha256(content).hexdigest().encode()
    for written in (content, noted + b"\n" + content):
        memory.write_bytes(written)
        read_dataset(source, memory.parent)
    (memory.parent / "clips.json").write_bytes(content)
    MeasureCache(memory.parent).recall()
    (memory.parent / "clips.json").unlink()


def _meet_excludes(content: bytes) -> None:
    """Patterns of what is left out, a line each."""
    source, _, _ = _remembered()
    lines = content.decode("utf-8", "replace").splitlines()[:MOST_PATTERNS]
    read_dataset(source, exclude=[one for one in lines if fault_of(one) is None])


def _zips() -> list[bytes]:
    """Without media: those would be decoded, which is for other tests."""
    made = []
    for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", how) as archive:
            archive.writestr("data.jsonl", annotations(sample(1)))
            archive.writestr("a/b.txt", b"hello" * 20)
        made.append(packed.getvalue())
    return made


@cache
def _zip_seeds() -> list[bytes]:
    return small([*_zips(), *(one for one in contents_of(files.ARCHIVES) if b"ftyp" not in one)])


def _clips() -> list[bytes]:
    return [clip(), clip(movflags="faststart"), clip(movflags="frag_keyframe+empty_moov")]


def _cache_seeds() -> list[bytes]:
    whole = _remembered()[2]
    return small([whole, whole.partition(b"\n")[2], b'{"version": 1, "clips": {}}', b"[]", b"null"])


ANNOTATIONS = Target(
    "annotations",
    _meet_annotations,
    cache(lambda: small([annotations(sample(1), sample(2)), *contents_of(files.DATASETS)])),
    (*_JSON_WORDS, b'"prompt"', b'"first_frame_path"', b'"video_path"', b"\n", b"\xef\xbb\xbf"),
)
ARCHIVE = Target(
    "archive",
    _meet_archive,
    _zip_seeds,
    (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"../", b"data.jsonl", b"\0"),
)
BOXES = Target(
    "boxes",
    _meet_boxes,
    cache(lambda: small([*_clips(), *contents_of(files.MEDIA)])),
    (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz", b"stz2", b"moof", b"traf", b"trun", b"\0\0\0\1"),
)
CACHE = Target(
    "cache", _meet_cache, cache(_cache_seeds), (*_JSON_WORDS, b'"sha256"', b'"media"', b'"lasting"')
)
EXCLUDES = Target(
    "excludes",
    _meet_excludes,
    lambda: [b"*.txt\n", b"**/a?[a-z]*\nclip_[0-9]*.mp4\n", b"{a,b}/**/**/**/x\n", b"*" * 60 + b"!\n"],
    (b"**/", b"*", b"?", b"[!a-z]", b"[", b"]", b"{", b"}", b",", b"!", b"/", b"\\", b"data.jsonl"),
)
