"""This very process, so that another run on the same machine can tell for sure whether it still lives.

A lease carries it. Only Linux says all that it takes (the boot, the space of process ids, the start); where
anything is missing, nobody is declared dead, and a lease runs out by its time.
"""

import os
import platform
from pathlib import Path

from wanctl.ledger.lease import Process

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19  # fields of /proc/PID/stat behind the command's name
_ENDED = {"Z", "X"}  # it runs no more, only its parent has not asked for its exit code


def this_process() -> Process | None:
    """What tells this process from every other one, or None where the system does not say."""
    place, fields = _place(), _stat(os.getpid())
    if place is None or fields is None:
        return None
    return Process(place=place, pid=os.getpid(), started=fields[_STARTED])


def surely_dead(process: Process | None) -> bool:
    """It ran on this machine, since its last start, and runs no more. In doubt: no."""
    if process is None or process.place != _place():
        return False
    try:
        os.kill(process.pid, 0)  # asks only: /proc may hide the processes of others
    except ProcessLookupError:
        return True
    except OSError:
        return False
    fields = _stat(process.pid)
    return fields is not None and (fields[_STARTED] != process.started or fields[_STATE] in _ENDED)


def _place() -> str | None:
    """Host, boot, and space of process ids: containers with the same host name do not see each other."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return None
    return f"{platform.node()} {boot} {space}" if boot else None


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields if len(fields) > _STARTED else None
