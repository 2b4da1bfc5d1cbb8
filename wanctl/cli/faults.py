"""Errors as sentences: what, where, and what to do now. Exit code 1 for all of them."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NO_RIGHTS = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO}
_OF_THE_MACHINE = _NO_RIGHTS | _NO_ROOM


@contextmanager
def reported(*, debug: bool) -> Iterator[None]:
    """Turn what a user can do something about into a message on standard error."""
    try:
        yield
    except BrokenPipeError:
        sys.stderr.close()
        _to_nowhere()
        sys.exit(1)
    except Exception as error:
        from wanctl.base.running import Interrupted

        if isinstance(error, Interrupted):
            _say("Interrupted. Nothing is lost: run the same command again, and it goes on from here.")
            sys.exit(128 + error.signal)
        if debug:
            raise
        fault = [f"error: {type(error).__name__}: {error}", "This is a fault of wanctl; --debug shows where."]
        try:
            _say(*(_lines(error) or fault))
        except OSError:  # standard error takes nothing
            sys.stderr.close()
        if isinstance(error, OSError) and error.filename is None:  # it may be standard output that is full
            _to_nowhere()
        sys.exit(1)


def _to_nowhere() -> None:
    """What is left over of standard output goes nowhere; else Python would try once more at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def sentences(error: Exception) -> list[str]:
    """An error's words for a document, which says by itself that it is an error."""
    return _sentences(error) or [_own_fault(error)]


def spelt(error: Exception) -> list[str]:
    """An error's lines for a log."""
    return _lines(error) or [_own_fault(error)]


def _own_fault(error: Exception) -> str:
    """Of a fault of wanctl's own, which may quote anything, the name."""
    return f"a fault of wanctl ({type(error).__name__}); the run's log says more"


def _sentences(error: Exception) -> list[str]:
    """The message of an error that a person can do something about; empty for a fault of wanctl's own."""
    from wanctl.base.errors import WanctlError

    if isinstance(error, WanctlError):
        return [str(error)]
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        where = f"{error.filename}: " if error.filename else ""
        remedy = "Correct that on this machine, then run the same command again; nothing is lost."
        return [f"{where}{os.strerror(error.errno)}.", remedy]
    if isinstance(error, OSError) and error.errno == errno.EBADF and not _output_is_open():
        return [
            "standard output is closed, and what was to be printed is lost.",
            "Run the command with it open.",
        ]
    if isinstance(error, FileNotFoundError) and not _folder_is_there():
        return ["the folder in which this runs was deleted.", "Go to another one, and run the command again."]
    sqlite = sys.modules.get("sqlite3")
    if sqlite and isinstance(error, sqlite.Error):
        return [
            f"the sandbox's account cannot be used: {error}.",
            "To begin a new one, move its folder away: .wanctl/sandbox.",
        ]
    return []


def _output_is_open() -> bool:
    try:
        return bool(os.fstat(1))
    except OSError:
        return False


def _folder_is_there() -> bool:
    try:
        return Path.cwd().is_absolute()
    except FileNotFoundError:
        return False


def _lines(error: Exception) -> list[str]:
    """The same as it is printed; errors of the specs show the lines that they are in."""
    from wanctl.base.errors import WanctlError
    from wanctl.render.text.console import columns, err

    if isinstance(error, WanctlError):
        return error.lines(columns(err()))
    return [f"{'' if number else 'error: '}{one}" for number, one in enumerate(_sentences(error))]


def _say(*lines: str) -> None:
    from wanctl.render.text.console import emit, err

    emit(lines, err())
