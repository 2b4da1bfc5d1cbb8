"""Jobs that are bad: what a child does that is in the hands of a file."""

import contextlib
import ctypes
import os
import resource
import signal
import socket
import stat
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


def spin_beyond(_: Sequence[BinaryIO]) -> None:
    """With so little left that no test waits for it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1, -1))
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


def _open_numbers() -> list[int]:
    """But those of a program's input and output."""
    return [number for number in (int(one.name) for one in Path("/dev/fd").iterdir()) if number > 2]


def _raw(content: bytes) -> None:
    """Past everything that a child should say."""
    for number in _open_numbers():
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                with socket.socket(fileno=os.dup(number)) as found:
                    found.sendall(content)


def lie(_: Sequence[BinaryIO], *, how: str) -> None:
    said = {
        "no JSON": b"\x80\x04pickled",
        "a list": b"[]",
        "deep": b"[" * 100_000,
        "less than nothing": b'{"blobs": [-1]}',
        "a mountain": b'{"blobs": [99999999999]}',
        "no number": b'{"blobs": [Infinity]}',
        "many": b'{"blobs": [' + b"0," * 5000 + b"0]}",
    }
    text = said.get(how, b"")
    head = struct.pack(">I", 2**31 if how == "much" else len(text))
    _raw(head + text)
    time.sleep(30)


def talk(_: Sequence[BinaryIO]) -> None:
    """On without an end, to a question that has one answer."""
    while True:
        _raw(struct.pack(">I", 13) + b'{"blobs": []}')


def print_much(_: Sequence[BinaryIO]) -> int:
    """To where a program prints."""
    for number in (1, 2):
        os.write(number, bytes(1 << 20))
    return 1


def freeze(_: Sequence[BinaryIO]) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def hang_told(_: Sequence[BinaryIO], *, told: str) -> None:
    """With its number as a name: it may write nothing."""
    Path(told, str(os.getpid())).touch()
    time.sleep(600)


def open_handles(_: Sequence[BinaryIO]) -> list[str]:
    """What lies behind every number but those of its own."""
    found = []
    for number in _open_numbers():
        with contextlib.suppress(OSError):
            kind = os.fstat(number).st_mode
            found.append("socket" if stat.S_ISSOCK(kind) else "pipe" if stat.S_ISFIFO(kind) else "file")
    return sorted(found)
