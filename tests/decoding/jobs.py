"""Jobs that are bad: what a child does that is in the hands of a file."""

import ctypes
import os
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO


def read(files: Sequence[BinaryIO]) -> tuple[int, list[bytes]]:
    content = files[0].read()
    return len(content), [content]


def process(_: Sequence[BinaryIO]) -> int:
    return os.getpid()


def surroundings(_: Sequence[BinaryIO]) -> list[str]:
    return sorted(os.environ)


def modules(_: Sequence[BinaryIO]) -> list[str]:
    import sys

    return sorted(sys.modules)


def crash(_: Sequence[BinaryIO]) -> None:
    ctypes.string_at(0)


def hang(_: Sequence[BinaryIO]) -> None:
    time.sleep(600)


def spin(_: Sequence[BinaryIO]) -> None:
    while True:
        pass


def grow(_: Sequence[BinaryIO]) -> int:
    return len(bytearray(3 * 1024**3))


def write(files: Sequence[BinaryIO]) -> None:
    files[0].write(bytes(1000))
    files[0].flush()


def open_many(_: Sequence[BinaryIO]) -> int:
    return len([os.open("/dev/null", os.O_RDONLY) for _ in range(500)])


def count(_: Sequence[BinaryIO], *, upto: int) -> Iterator[int]:
    yield from range(upto)


def count_and_crash(_: Sequence[BinaryIO]) -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), 11)


def go_on(_: Sequence[BinaryIO], *, told: str) -> Iterator[int]:
    Path(told).write_text(str(os.getpid()), encoding="ascii")
    while True:
        time.sleep(0.05)
        yield 0


def _raw(content: bytes) -> None:
    """Past everything that a child should say."""
    for number in range(3, 20):
        try:
            with socket.socket(fileno=os.dup(number)) as found:
                if found.family == socket.AF_UNIX:
                    found.sendall(content)
        except OSError:
            continue


def lie(_: Sequence[BinaryIO], *, how: str) -> None:
    said = {
        "no JSON": b"\x80\x04pickled",
        "a list": b"[]",
        "deep": b"[" * 100_000,
        "less than nothing": b'{"blobs": [-1]}',
        "a mountain": b'{"blobs": [99999999999]}',
    }
    text = said.get(how, b"")
    head = struct.pack(">I", 2**31 if how == "much" else len(text))
    _raw(head + text)
    time.sleep(30)
