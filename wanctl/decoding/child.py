"""What runs in a child: it takes a job and open files, does it within its limits, and answers.

It has no environment, no key, and ends with the process that started it. Jobs are functions of modules that
nobody else loads: they take the files and values, and give a value, a pair of a value and bytes, or several
such, one after the other.
"""

import contextlib
import io
import json
import os
import resource
import select
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, BinaryIO

_IDLE = 30.0  # seconds after which a child that nobody asks ends
_MOST_FILES = 32
_BLOB = (bytes, bytearray, memoryview)


class TooMuchError(Exception):
    """What a file would take more than it may, or is otherwise refused, as the end of a sentence."""


def serve(channel: int, lifeline: int) -> None:
    """Until nobody asks any more."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # whoever started this process decides when it ends
    _limit(resource.RLIMIT_CORE, 0)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    with socket.socket(fileno=channel) as parent:
        while select.select([parent], [], [], _IDLE)[0]:
            head, handles, _, _ = socket.recv_fds(parent, 4, _MOST_FILES)
            if not head:
                return
            size = int.from_bytes(head + _exactly(parent, 4 - len(head)), "big")
            asked = json.loads(_exactly(parent, size))
            with contextlib.ExitStack() as opened:
                files = [opened.enter_context(_file(one)) for one in handles]
                goes_on = _do(parent, asked, files)
            if not goes_on:
                return


def _end_with(lifeline: int) -> None:
    """The process at the other end of this pipe is gone."""
    os.read(lifeline, 1)
    os._exit(0)


def _file(handle: int) -> BinaryIO:
    """As it was opened: to be read, or to be written as well."""
    import fcntl

    writes = fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR
    file = os.fdopen(handle, "r+b" if writes else "rb")
    file.seek(0)
    return file


def _exactly(parent: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        part = parent.recv(size - len(content))
        if not part:
            os._exit(0)
        content += part
    return bytes(content)


def _do(parent: socket.socket, asked: dict[str, Any], files: Sequence[BinaryIO]) -> bool:
    """Whether this process is still of use afterwards."""
    limits = asked["limits"]
    try:
        module, _, name = asked["job"].partition(":")
        job = getattr(import_module(module), name)
        _limit(resource.RLIMIT_AS, limits["memory"])
        _limit(resource.RLIMIT_NOFILE, limits["files"])
        _limit(resource.RLIMIT_FSIZE, limits["written"])
        _more_time(limits["seconds"])
        given = job(files, **asked["values"])
        if isinstance(given, Iterator):
            for one in given:
                _say(parent, one)
                _exactly(parent, 1)
                _more_time(limits["seconds"])
            _send(parent, {"over": True}, ())
        else:
            _say(parent, given, last=True)
    except TooMuchError as error:
        _send(parent, {"fault": str(error), "last": True}, ())
    except MemoryError:
        _unlimited()
        most = limits["memory"] // 1024**2
        _send(parent, {"fault": f"takes more memory than the {most:,} MB that its decoder may have"}, ())
        return False
    except (BrokenPipeError, ConnectionError):
        return False
    except Exception as error:  # noqa: BLE001 - decoders fail on damaged files in many ways
        _unlimited()
        if getattr(error, "errno", None) == 27:  # EFBIG: more was written than it may
            _send(parent, {"fault": "would become a larger file than it may"}, ())
        else:
            _send(parent, {"fault": f"cannot be decoded ({type(error).__name__})"}, ())
        return False
    return True


def _limit(which: int, value: int) -> None:
    """Where the system has this limit."""
    with contextlib.suppress(ValueError, OSError):
        hard = resource.getrlimit(which)[1]
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (wanted, hard))


def _unlimited() -> None:
    _limit(resource.RLIMIT_AS, resource.getrlimit(resource.RLIMIT_AS)[1])


def _more_time(seconds: float) -> None:
    """So much of the processor from now on, over all threads and cores."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    cores = os.cpu_count() or 1
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + seconds * cores) + 1)


def _say(parent: socket.socket, given: Any, *, last: bool = False) -> None:
    value, blobs = given if isinstance(given, tuple) else (given, ())
    _send(parent, {"value": value, "last": last}, blobs)


def _send(parent: socket.socket, said: dict[str, Any], blobs: Sequence[bytes]) -> None:
    text = json.dumps({**said, "blobs": [len(one) for one in blobs]}).encode()
    out = io.BytesIO()
    out.write(len(text).to_bytes(4, "big"))
    out.write(text)
    parent.sendall(out.getvalue())
    for one in blobs:
        parent.sendall(one)
