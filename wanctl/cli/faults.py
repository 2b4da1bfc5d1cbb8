"""Errors as sentences: what, where, and what to do now. Exit code 1 for all of them."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
        sys.exit(1)
    except Exception as error:
        from wanctl.base.running import Interrupted

        if isinstance(error, Interrupted):
            _say("Interrupted. Nothing is lost: run the same command again, and it goes on from here.")
            sys.exit(128 + error.signal)
        if debug:
            raise
        fault = [f"error: {type(error).__name__}: {error}", "This is a fault of wanctl; --debug shows where."]
        _say(*(_sentences(error) or fault))
        sys.exit(1)


def sentences(error: Exception) -> list[str]:
    """What a document may say of an error: of a fault of wanctl's own, which may quote anything, the name."""
    return _sentences(error) or [f"a fault of wanctl ({type(error).__name__}); the run's log says more"]


def _sentences(error: Exception) -> list[str]:
    """The message of an error that we know; empty for one that should not have happened."""
    from wanctl.base.git import GitError
    from wanctl.dataset.contents import DatasetError
    from wanctl.engine.importing import ImportRefused
    from wanctl.engine.orphans import PruneRefused
    from wanctl.kinds.kind import AdoptionRefused
    from wanctl.language.diagnostics import SpecErrors
    from wanctl.ledger.errors import LedgerError
    from wanctl.ledger.lease import LeaseHeld, LeaseLost
    from wanctl.project.approved import PlanDiffers
    from wanctl.project.errors import ProjectError
    from wanctl.render.text.console import columns, err
    from wanctl.studio.errors import StudioError
    from wanctl.watch.errors import WatchError

    if isinstance(error, SpecErrors):
        count = sum(one.severity.value == "error" for one in error.diagnostics)
        counted = f"{count} error{'' if count == 1 else 's'}"
        told = f"{counted}. What is in the datasets is checked once these are mended."
        elsewhere = any(one.rule == "no-project" for one in error.diagnostics)
        room = columns(err())
        rendered = error.rendered(room) if room else error.rendered()
        return [*rendered] if elsewhere else [*rendered, told]
    known = (
        StudioError,
        LedgerError,
        GitError,
        LeaseHeld,
        LeaseLost,
        ProjectError,
        AdoptionRefused,
        DatasetError,
        ImportRefused,
        PlanDiffers,
        PruneRefused,
        WatchError,
    )
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        where = f"{error.filename}: " if error.filename else ""
        remedy = "Mend that on this machine, then run the same command again; nothing is lost."
        return [f"error: {where}{os.strerror(error.errno)}.", remedy]
    return [f"error: {error}"] if isinstance(error, known) else []


def _say(*lines: str) -> None:
    from wanctl.render.text.console import emit, err

    emit(lines, err())
