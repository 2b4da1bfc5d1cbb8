"""Hostile files: archives, data.jsonl, media, the dataset's cache, ledgers and leases."""

import hashlib
import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from pathlib import Path

import av

from tests.dataset.making import good
from tests.hostile.judging import Judged
from wanctl.dataset.annotations import read_annotations
from wanctl.dataset.archive import write_archive
from wanctl.dataset.contents import SNIFFED
from wanctl.dataset.looking import probe_media
from wanctl.dataset.reading import read_dataset
from wanctl.ledger.encoding import decode_record, encode_record
from wanctl.ledger.lease import decode_lease
from wanctl.ledger.record import Record

Change = Callable[[bytes], bytes]


@cache
def _members() -> dict[str, bytes]:
    return good(1)


def _zip(members: Iterable[tuple[str, bytes]], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", how) as archive:
        warnings.simplefilter("ignore")  # a name that is there twice is what a case may be about
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, how)
    return packed.getvalue()


def _read(content: Callable[[], bytes]) -> Callable[[Path], str]:
    def judge(folder: Path) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "set.zip"
        source.write_bytes(content())
        facts = read_dataset(source)
        write_archive(source, facts, folder / "out.zip")
        return f"{len(facts.members)} members, {len(facts.unreadable)} problems"

    return judge


def _packed(name: str, content: Callable[[], bytes]) -> Judged:
    return Judged(name, _read(content), content)


def _archive(name: str, change: Change, how: int = zipfile.ZIP_DEFLATED) -> Judged:
    """A good archive, changed."""
    return _packed(name, lambda: change(_zip(_members().items(), how)))


def _with(name: str, *members: tuple[str, bytes]) -> Judged:
    """A good archive with members more."""
    return _packed(name, lambda: _zip([*_members().items(), *members]))


def _at(offset: int, new: bytes, begin: bytes = b"PK\x01\x02") -> Change:
    """Bytes of the first header of a kind, written over."""

    def change(content: bytes) -> bytes:
        place = content.index(begin) + offset
        return content[:place] + new + content[place + len(new) :]

    return change


_LOCAL, _END = b"PK\x03\x04", b"PK\x05\x06"
ARCHIVES = (
    _archive("nothing", lambda _: b""),
    _archive("no zip", lambda _: b"hello" * 100),
    _archive("half of it", lambda all_: all_[: len(all_) // 2]),
    _archive("without its end", lambda all_: all_[:-30]),
    _archive("something before it", lambda all_: b"x" * 1_000 + all_),
    _archive("something behind it", lambda all_: all_ + b"x" * 1_000),
    _archive("twice", lambda all_: all_ + all_),
    *(
        _archive(f"the byte at {offset} of the directory is {value}", _at(offset, bytes([value])))
        for offset, value in (
            (6, 255),
            (8, 1),
            (8, 255),
            (9, 8),
            (10, 99),
            (10, 12),
            (10, 14),
            (24, 255),
            (28, 255),
            (30, 255),
            (42, 255),
        )
    ),
    *(
        _archive(f"the byte at {offset} of a member's head is {value}", _at(offset, bytes([value]), _LOCAL))
        for offset, value in ((6, 1), (6, 255), (8, 99), (14, 7), (18, 7), (26, 255), (28, 255))
    ),
    *(
        _archive(f"the byte at {offset} of the end is {value}", _at(offset, bytes([value]), _END))
        for offset, value in ((4, 9), (10, 0), (10, 200), (12, 0), (16, 0), (16, 255), (20, 255))
    ),
    *(
        _archive(
            f"packed bytes of {how} are others", lambda all_: all_[:200] + b"\xff" * 60 + all_[260:], how
        )
        for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    ),
    _archive("LZMA without its properties", _at(43, b"\xff" * 9, _LOCAL), zipfile.ZIP_LZMA),
    _archive("an odd extra field", _at(30, struct.pack("<H", 3))),
    _archive("a name that is no text", _at(46, b"\xff\xfe")),
    _with("a member that climbs", ("../x.png", b"x")),
    _with("a member of the root", ("/etc/x.png", b"x")),
    _with("a member with a drive", ("C:/x.png", b"x")),
    _with("a member with a backslash", ("a\\x.png", b"x")),
    _with("a member with an escape sequence", ("\x1b[2J.png", b"x")),
    _with("a member of half a letter", ("a\u202e.png", b"x")),
    _with("a member twice", ("a.png", b"x"), ("a.png", b"y")),
    _with("10,000 members", *((f"{n}", b"") for n in range(10_000))),
    _with("30,000 members", *((f"{n}", b"") for n in range(30_000))),
    _with("a bomb of 60 MB", ("a.bin", b"\0" * 60_000_000)),
    _with("a member of 1,000 folders", ("a/" * 1_000 + "x", b"x")),
    _with("a name of 60,000 characters", ("x" * 60_000, b"x")),
    _with("a folder and a file of one name", ("a", b"x"), ("a/b", b"x")),
)


def _lines(name: str, content: bytes) -> Judged:
    def judge(_: Path) -> str:
        found = read_annotations(content)
        told = [f"{one.place}: {one.message} [{one.rule}]" for one in found.problems[:3]]
        return "\n".join([f"{len(found.samples)} samples, {len(found.problems)} problems", *told])

    return Judged(name, judge, lambda: content)


_LINE = b'{"prompt": "x", "first_frame_path": "a.png", "video_path": "a.mp4"}\n'
DATASETS = (
    _lines("nothing", b""),
    _lines("blanks", b" \n\t\n\r\n"),
    _lines("binary", bytes(range(256))),
    _lines("UTF-16", _LINE.decode().encode("utf-16")),
    _lines("a mark at its begin", b"\xef\xbb\xbf" + _LINE),
    _lines("a list", b"[]\n"),
    _lines("null", b"null\n"),
    _lines("NaN", b"NaN\n"),
    _lines("a number of 10,000 digits", b'{"prompt": ' + b"9" * 10_000 + b"}\n"),
    _lines("nested 100,000 levels", b"[" * 100_000 + b"\n"),
    _lines("nested 100,000 objects", b'{"a":' * 100_000 + b"\n"),
    _lines("half a letter", b'{"prompt": "\\ud800", "first_frame_path": "a.png"}\n'),
    _lines("a NUL", b'{"prompt": "a\\u0000", "first_frame_path": "a\\u0000.png"}\n'),
    _lines("a prompt that is a list", b'{"prompt": ["x"], "first_frame_path": "a.png"}\n'),
    _lines("a path that climbs", b'{"prompt": "x", "first_frame_path": "../../etc/passwd"}\n'),
    _lines("a path that is a number", b'{"prompt": "x", "first_frame_path": 7}\n'),
    _lines("keys that are the same", b'{"prompt": "x", "prompt": "y", "first_frame_path": "a.png"}\n'),
    _lines("1,000 fields of nobody", json.dumps({f"a{n}": 1 for n in range(1_000)}).encode()),
    _lines("a field of 100,000 characters", b'{"' + b"x" * 100_000 + b'": 1}\n'),
    _lines("20,000 lines", _LINE * 20_000),
    _lines("20,000 wrong lines", b"x\n" * 20_000),
    _lines("25 MB", b" " * 25_000_000),
    _lines("a prompt of 5 MB", b'{"prompt": "' + b"x" * 5_000_000 + b'", "first_frame_path": "a.png"}\n'),
    _lines("escape sequences", b'{"prompt": "\\u001b[2J", "first_frame_path": "\\u001b]0;x.png"}\n'),
)


def _media(name: str, content: Callable[[], bytes]) -> Judged:
    def judge(_: Path) -> str:
        data = content()
        found = probe_media(io.BytesIO(data), data[:SNIFFED], len(data)).media
        return f"{found.format}: {found.width} × {found.height}, {found.fault}" if found else "no media"

    return Judged(name, judge, content)


def _png(width: int, height: int) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        + b"\0" * 4
    )


def _box(kind: bytes, content: bytes = b"", size: int | None = None) -> bytes:
    return struct.pack(">I", len(content) + 8 if size is None else size) + kind + content


def _chunk(kind: bytes, content: bytes) -> bytes:
    sum_ = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", sum_)


def _bomb(side: int, said: int = 0) -> bytes:
    """A sound PNG of one colour, a thousand times as large in memory; or one that says it is larger still."""
    head = struct.pack(">IIBBBBB", said or side, said or side, 8, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(side + 1)) for _ in range(side)) + packer.flush()
    parts = _chunk(b"IHDR", head), _chunk(b"IDAT", rows), _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _text_bomb() -> bytes:
    whole = _members()["frame_1.png"]
    text = _chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(60_000_000), 9))
    return whole[:33] + text + whole[33:]


_PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


def _declaring(width: int, height: int) -> bytes:
    """A sound clip whose head says another size."""
    whole = _members()["clip_1.mp4"]
    at = whole.index(b"avc1", whole.index(b"stsd")) + 4 + 24
    return whole[:at] + struct.pack(">HH", width, height) + whole[at + 4 :]


def _filmed_bomb(side: int) -> bytes:
    """A clip of PNGs, each of far more pixels than its head says."""
    out, frame = io.BytesIO(), _bomb(1_000, said=side)
    with av.open(out, "w", format="mov") as container:
        stream = container.add_stream("png", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "gray"
        for number in range(3):
            packet = av.Packet(frame)
            packet.stream, packet.pts, packet.dts, packet.duration = stream, number, number, 1
            packet.time_base = Fraction(1, 10)
            packet.is_keyframe = True
            container.mux(packet)
    return out.getvalue()


def _elsewhere() -> bytes:
    """The frames are said to lie in a file of this machine."""
    whole = _members()["clip_1.mp4"]
    at = whole.index(b"url ", whole.index(b"dref"))
    return whole[: at + 4] + b"\0\0\0\0" + whole[at + 8 :]


_FTYP = _box(b"ftyp", b"isom\0\0\0\0isom")
MEDIA = (
    _media("a picture that begins", lambda: _members()["frame_1.png"][:20]),
    _media("half a picture", lambda: _members()["frame_1.png"][: len(_members()["frame_1.png"]) // 2]),
    _media("half a clip", lambda: _members()["clip_1.mp4"][: len(_members()["clip_1.mp4"]) // 2]),
    _media("a clip that begins", lambda: _members()["clip_1.mp4"][:40]),
    _media(
        "a clip of other bytes",
        lambda: bytes(one ^ 0x55 if n > 64 else one for n, one in enumerate(_members()["clip_1.mp4"])),
    ),
    _media("a picture of 2 milliards of pixels a side", lambda: _png(2**31 - 1, 2**31 - 1)),
    _media("a picture of no width", lambda: _png(0, 10)),
    _media("a picture of 100,000 a side", lambda: _png(100_000, 100_000)),
    _media("a JPEG that is none", lambda: b"\xff\xd8\xff" + b"\xff" * 1_000),
    _media("a WebP that is none", lambda: b"RIFF\xff\xff\xff\xffWEBP" + b"VP8X" * 100),
    _media(
        "a BMP of negative size",
        lambda: b"BM" + struct.pack("<IHHIIiiHHI", 54, 0, 0, 54, 40, -5, -5, 1, 24, 0) + b"\0" * 40,
    ),
    _media("a PNG that is a bomb", lambda: _bomb(8_000)),
    _media("a PNG that is a bomb of a size that is allowed", lambda: _bomb(4_096)),
    _media("a PNG of text that unpacks to 60 MB", _text_bomb),
    _media("a playlist with the head of an MP4", lambda: _FTYP + _PLAYLIST),
    _media("a playlist that is named a clip", lambda: _PLAYLIST),
    _media("a list of files that is named a clip", lambda: b"ffconcat version 1.0\nfile '/etc/passwd'\n"),
    _media("a clip that declares 65,535 pixels a side", lambda: _declaring(65_535, 65_535)),
    _media("a clip that declares no pixels", lambda: _declaring(0, 0)),
    _media("a clip whose frames are bombs", lambda: _filmed_bomb(16_000)),
    _media("a clip whose frames are larger than all memory", lambda: _filmed_bomb(46_000)),
    _media("a clip that names another file for its frames", lambda: _elsewhere()),
    _media("a GIF", lambda: b"GIF89a" + b"\xff" * 100),
    _media("an SVG with a script", lambda: b"<svg onload='x'/>" * 3),
    _media("a box without end", lambda: _FTYP + _box(b"moov", b"", 0)),
    _media("a box of no size", lambda: _FTYP + _box(b"moov", b"", 1)),
    _media("a box that is larger than the file", lambda: _FTYP + _box(b"moov", b"x" * 20, 2**31)),
    _media("10,000 boxes", lambda: _FTYP + _box(b"free") * 10_000),
    _media(
        "boxes in boxes",
        lambda: _FTYP + b"".join(struct.pack(">I", 8 * (2_000 - n)) + b"moov" for n in range(2_000)),
    ),
    _media(
        "a table of 4 milliards of rows",
        lambda: (
            _FTYP
            + _box(
                b"moov",
                _box(
                    b"trak",
                    _box(b"mdia", _box(b"minf", _box(b"stbl", _box(b"stsz", b"\0" * 8 + b"\xff" * 4)))),
                ),
            )
        ),
    ),
    _media("a playlist by the name of a clip", lambda: b"#EXTM3U\n/etc/passwd\n"),
    _media("a list of clips to be joined", lambda: b"ffconcat version 1.0\nfile /etc/passwd\n"),
    _media(
        "a film of references",
        lambda: (
            _FTYP
            + _box(
                b"moov", _box(b"rmra", _box(b"rmda", _box(b"rdrf", b"\0\0\0\0url \0\0\0\x10file:///etc/x")))
            )
        ),
    ),
)


def _cached(name: str, change: Change) -> Judged:
    """What is remembered of a dataset, changed: the facts must be those that its bytes give."""

    def judge(folder: Path) -> str:
        source, kept = folder / "set.zip", folder / "cache"
        folder.mkdir(parents=True, exist_ok=True)
        source.write_bytes(_zip(_members().items()))
        facts = read_dataset(source, kept)
        (memory,) = kept.iterdir()
        memory.write_bytes(change(memory.read_bytes()))
        assert read_dataset(source, kept) == facts
        return "read anew"

    return Judged(name, judge)


def _checked(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def _flipped(share: float) -> Change:
    def change(content: bytes) -> bytes:
        place = int(len(content) * share)
        return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]

    return change


CACHES = (
    _cached("nothing", lambda _: b""),
    _cached("half of it", lambda all_: all_[: len(all_) // 2]),
    _cached("a list", lambda _: b"[]"),
    _cached("deep", lambda _: b"[" * 100_000),
    _cached("without its checksum", lambda all_: all_.partition(b"\n")[2]),
    _cached("another hash", lambda all_: all_.replace(b'"sha256":"', b'"sha256":"zz')),
    _cached(
        "another hash, and a checksum that fits",
        lambda all_: _checked(all_.partition(b"\n")[2].replace(b'"sha256":"', b'"sha256":"z')),
    ),
    _cached("a width that is negative", lambda all_: all_.replace(b'"width":', b'"width":-')),
    *(
        _cached(f"a bit of the byte at {share:.0%}", _flipped(share))
        for share in (0, 0.1, 0.3, 0.5, 0.7, 0.9)
    ),
)


@cache
def _ledger() -> str:
    return encode_record(Record(lineage="0" * 32, project="rain", endpoint="sandbox"))


def _kept(name: str, change: Callable[[str], str]) -> Judged:
    return Judged(
        name,
        lambda _: f"serial {decode_record(change(_ledger()), 'ledger.json').serial}",
        lambda: change(_ledger()).encode("utf-8", "replace"),
    )


def _set(**fields: object) -> Callable[[str], str]:
    return lambda text: json.dumps({**json.loads(text), **fields})


LEDGERS = (
    _kept("nothing", lambda _: ""),
    _kept("no JSON", lambda _: "hello"),
    _kept("null", lambda _: "null"),
    _kept("a list", lambda _: "[]"),
    _kept("half of it", lambda text: text[: len(text) // 2]),
    _kept("nested 100,000 levels", lambda _: "[" * 100_000),
    _kept(
        "nested 900 levels", lambda text: text.replace('"entries": {}', '"entries": ' + "[" * 900 + "]" * 900)
    ),
    _kept("nested 100,000 objects", lambda _: '{"a":' * 100_000),
    _kept("a number of 10,000 digits", lambda _: '{"format_version": ' + "9" * 10_000 + "}"),
    _kept("NaN as format", lambda _: '{"format_version": NaN}'),
    _kept("of a format that is to come", _set(format_version=99)),
    _kept("of a format before all", _set(format_version=0)),
    _kept("of a negative format", _set(format_version=-5)),
    _kept("of a format that is text", _set(format_version="2")),
    _kept("of another serial", _set(serial=7)),
    _kept("without a checksum", _set(checksum=None)),
    _kept("of a checksum that is a number", _set(checksum=7)),
    _kept("of entries that are a list", _set(entries=[])),
    _kept("of an address that climbs", _set(format_version=1, checksum=None, entries={"../x": {}})),
    _kept("of an address of escapes", _set(format_version=1, checksum=None, entries={"Dataset/\x1b[2J": {}})),
    _kept("of half a letter", _set(format_version=1, checksum=None, project="\ud800")),
    _kept("moved to escape sequences", lambda _: json.dumps({"moved_to": "\x1b[2J"})),
    _kept("moved to a list", lambda _: json.dumps({"moved_to": []})),
    _kept("a flipped letter", lambda text: text.replace("rain", "rajn")),
)
_LEASE = {"token": "t", "holder": "h", "since": "2026-03-18T09:00:00Z", "expires": "2026-03-18T09:05:00Z"}


def _lease(name: str, text: str | None = None, **fields: object) -> Judged:
    given = json.dumps({**_LEASE, **fields}) if text is None else text

    def judge(_: Path) -> str:
        found = decode_lease(given, "ledger.json")
        return f"free: {found is None or found.expired(datetime(2026, 3, 18, 9, 1, tzinfo=UTC))}"

    return Judged(name, judge, given.encode)


LEASES = (
    _lease("nothing", ""),
    _lease("blanks", "  "),
    _lease("no JSON", "hello"),
    _lease("null", "null"),
    _lease("a list", "[]"),
    _lease("nested 100,000 levels", "[" * 100_000),
    _lease("a time without a zone", since="2026-03-18T09:00:00", expires="2026-03-18T09:05:00"),
    _lease("an end without a zone", expires="2026-03-18T09:05:00"),
    _lease("a time that is none", since="yesterday"),
    _lease("a time of the year 99999", expires="99999-01-01T00:00:00Z"),
    _lease("a time that is a number", expires=10**18),
    _lease("a time that is NaN", json.dumps({**_LEASE, "expires": float("nan")})),
    _lease("no holder", holder=None),
    _lease("a holder that is a list", holder=[]),
    _lease("a process of text", process="x"),
    _lease("a process of a negative number", process={"place": "x", "pid": -1, "started": "0"}),
    _lease("a process of 30 digits", process={"place": "x", "pid": 10**30, "started": "0"}),
)
