"""The parent's side: children that decode media, used again and again, each for one file at a time.

A child that crashes, hangs or takes too much is ended and replaced, and what it was asked becomes an
`UndecodableError` with a sentence. What a child answers is JSON and bytes, of bounded size: it may be in the
hands of whoever made the file.
"""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock, Semaphore, Timer
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_Said = TypeVar("_Said")

_AT_ONCE = min(4, os.cpu_count() or 1)
_MOST_JSON, _MOST_BYTES, _MOST_BLOBS = 16 * 1024**2, 256 * 1024**2, 1000
_MOST_ANSWERS = 500_000  # to one question; what is told every few seconds of a film is far less
_REAPED_AFTER = 40.0  # seconds, a little longer than a child waits
_LOOK = 0.25  # seconds after which a caller is asked whether it still waits
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
_BEGIN = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from wanctl.decoding.child import serve; serve(int(sys.argv[2]), int(sys.argv[3]))"
)
_NO_ANSWER = "makes its decoder say what is no answer"
_ENDED_BY: dict[int, str] = {
    signal.SIGXCPU: "keeps the processor busy for longer than {seconds:g} s",
    signal.SIGKILL: "takes so much memory that the system ends its decoder",
}


class UndecodableError(Exception):
    """A file that its decoder did not get through, as the end of a sentence that begins with its name."""


class NobodyWaitsError(Exception):
    """Whoever asked does not want the answer any more."""


@dataclass(frozen=True)
class DecodingLimits:
    """What a child may take for one answer. Seconds count for the processor and by the clock."""

    memory: int = 2 * 1024**3  # of addresses: FFmpeg's threads claim much, and use little of it
    seconds: float = 60.0
    files: int = 64  # open at once
    written: int = 0  # bytes of one file


@dataclass(frozen=True)
class Decoded:
    """What a child answered: a value of JSON, and bytes."""

    value: Any
    blobs: tuple[bytes, ...] = ()

    def read_as(self, kind: "TypeAdapter[_Said]") -> _Said:
        """The value as what it has to be; a child that says anything else is not believed."""
        try:
            return kind.validate_python(self.value)
        except (ValueError, RecursionError) as error:
            raise UndecodableError(_NO_ANSWER) from error

    def only_blob(self) -> bytes:
        """The bytes, where they are one piece."""
        if len(self.blobs) != 1:
            raise UndecodableError(_NO_ANSWER)
        return self.blobs[0]


@dataclass(frozen=True)
class _Asked:
    """A function of a module that is loaded in the child alone, and what it is given."""

    job: str
    files: Sequence[BinaryIO | Path]
    limits: DecodingLimits
    values: dict[str, Any] = field(default_factory=dict)


def decoded(
    job: str,
    files: Sequence[BinaryIO | Path],
    limits: DecodingLimits | None = None,
    stopped: Callable[[], bool] = lambda: False,
    **values: Any,
) -> Decoded:
    """The answer of a job, which is written module:function, about these files."""
    asked = _Asked(job, files, limits or DecodingLimits(), values)
    with contextlib.closing(_answers(asked, stopped)) as answers:
        found = next(answers, None)
        if found is None or next(answers, None) is not None:
            raise UndecodableError(_NO_ANSWER)
    return found


def streamed(
    job: str,
    files: Sequence[BinaryIO | Path],
    limits: DecodingLimits,
    stopped: Callable[[], bool] = lambda: False,
    **values: Any,
) -> Iterator[Decoded]:
    """The answers of a job that gives several. It goes on once the last one was taken."""
    return _answers(_Asked(job, files, limits, values), stopped)


def _answers(asked: _Asked, stopped: Callable[[], bool]) -> Generator[Decoded, None, None]:
    with _turn(stopped), ExitStack() as open_files:
        handles = [open_files.enter_context(_handle_of(one)) for one in asked.files]
        child, used_before = _taken()
        try:
            while True:
                try:
                    child.ask(asked, handles)
                    first = child.answer(asked, stopped)
                    break
                except _ChildEndedError:
                    if not used_before or child.late:
                        raise
                    child.end()  # an earlier file may have harmed it, or it went because nobody asked it
                    child, used_before = _DecodingChild(), False
            yield from child.rest(first, asked, stopped)
        except _ChildEndedError as error:
            raise UndecodableError(child.end_told(asked.limits, error)) from error
        except BaseException:
            if not child.sound:
                child.end()
            raise
        finally:
            if child.sound:
                _give_back(child)


@contextlib.contextmanager
def _turn(stopped: Callable[[], bool]) -> Iterator[None]:
    """So many at once; whoever does not wait any more leaves."""
    turns = _turns  # a process that is forked meanwhile has others
    while not turns.acquire(timeout=_LOOK):
        if stopped():
            raise NobodyWaitsError
    try:
        yield
    finally:
        turns.release()


@contextlib.contextmanager
def _handle_of(file: BinaryIO | Path) -> Iterator[int]:
    """A number of an open file that can be handed over."""
    if isinstance(file, Path):
        with file.open("rb") as opened:
            yield opened.fileno()
        return
    try:
        file.flush()
        yield file.fileno()
    except (OSError, AttributeError, ValueError):
        with tempfile.TemporaryFile() as copy:
            file.seek(0)
            while chunk := file.read(1 << 20):
                copy.write(chunk)
            copy.flush()
            yield copy.fileno()


class _ChildEndedError(Exception):
    """The child gave no answer: it is gone, late, or says what is none."""


class _DecodingChild:
    """One process, and the socket to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        self.late = self.gone = False
        self.sound = True  # it waits to be asked
        with theirs:
            try:
                self._process = _started(theirs.fileno(), _lifeline())
            except BaseException as error:
                ours.close()
                if isinstance(error, OSError):
                    reason = error.strerror or type(error).__name__
                    raise UndecodableError(
                        f"is not decoded: its decoder cannot be started ({reason})"
                    ) from error
                raise

    def ask(self, asked: _Asked, handles: Sequence[int]) -> None:
        self.sound = False
        content = {"job": asked.job, "limits": asdict(asked.limits), "values": asked.values}
        text = json.dumps(content).encode()
        try:
            self._socket.settimeout(asked.limits.seconds)
            socket.send_fds(self._socket, [len(text).to_bytes(4, "big")], list(handles))
            self._socket.sendall(text)
        except OSError as error:
            raise _ChildEndedError("gives no answer") from error

    def rest(self, first: dict[str, Any], asked: _Asked, stopped: Callable[[], bool]) -> Iterator[Decoded]:
        """Every answer up to the last one, which says that it is."""
        answer = first
        for _ in range(_MOST_ANSWERS):
            self.sound = bool(answer.get("last") or answer.get("over"))
            if "fault" in answer:
                raise UndecodableError(str(answer["fault"])[:300])
            if answer.get("over"):
                return
            yield Decoded(answer.get("value"), answer["blobs"])
            if answer.get("last"):
                return
            try:
                self._socket.sendall(b"+")
            except OSError as error:
                raise _ChildEndedError("gives no answer") from error
            answer = self.answer(asked, stopped)
        raise _ChildEndedError("makes its decoder say too much")

    def answer(self, asked: _Asked, stopped: Callable[[], bool]) -> dict[str, Any]:
        until = time.monotonic() + asked.limits.seconds
        size = int.from_bytes(self._received(4, until, stopped), "big")
        if size > _MOST_JSON:
            raise _ChildEndedError("makes its decoder say too much")
        try:
            said = json.loads(self._received(size, until, stopped))
            sizes = [int(one) for one in said.pop("blobs")]
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise _ChildEndedError(_NO_ANSWER) from error
        if len(sizes) > _MOST_BLOBS or sum(sizes) > _MOST_BYTES or any(one < 0 for one in sizes):
            raise _ChildEndedError("makes its decoder give too much")
        said["blobs"] = tuple(self._received(one, until, stopped) for one in sizes)
        return cast("dict[str, Any]", said)

    def _received(self, size: int, until: float, stopped: Callable[[], bool]) -> bytes:
        content = bytearray()
        while len(content) < size:
            if stopped():
                raise NobodyWaitsError
            left = until - time.monotonic()
            if left <= 0:
                self.late = True
                raise _ChildEndedError("is not decoded in time")
            self._socket.settimeout(min(left, _LOOK))
            try:
                part = self._socket.recv(min(size - len(content), 1 << 20))
            except TimeoutError:
                continue
            except OSError:
                part = b""
            if not part:
                self.gone = True
                raise _ChildEndedError("makes its decoder crash")
            content += part
        return bytes(content)

    def end_told(self, limits: DecodingLimits, error: Exception) -> str:
        """Why it gave no answer, and that it is gone."""
        if self.late:
            self.end()
            return f"is not decoded within {limits.seconds:g} s"
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1 if self.gone else 0)
        code = self._process.returncode
        self.end()
        reason = _ENDED_BY.get(-code) if code else None
        return reason.format(seconds=limits.seconds) if reason else str(error)

    def end(self) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def lives(self) -> bool:
        return self._process.poll() is None

    def forget(self) -> None:
        """It belongs to the process that this one was forked from."""
        self._socket.close()
        self._process.returncode = 0


def _started(channel: int, lifeline: int) -> subprocess.Popen[bytes]:
    """This Python again, with the code that this one has, and nothing else of it."""
    place = str(Path(__file__).resolve().parents[2])
    paths = json.dumps([place, *(os.path.abspath(one) for one in sys.path if one)])  # noqa: PTH100 - also of zips
    environ = {key: os.environ[key] for key in _KEPT if key in os.environ}
    return subprocess.Popen(  # noqa: S603 - this Python, and a fixed text
        [sys.executable, "-IS", "-c", _BEGIN, paths, str(channel), str(lifeline)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**environ, "MALLOC_ARENA_MAX": "2", "LC_ALL": "C.UTF-8"},
        pass_fds=(channel, lifeline),
        cwd="/",  # files are handed over open; the folder that this runs in may go
        start_new_session=True,  # Ctrl-C is for this process, which then ends the child
    )


_turns = Semaphore(_AT_ONCE)
_lock = Lock()
_idle: list[_DecodingChild] = []
_reapers: list[Timer] = []
_alive: list[tuple[int, int]] = []  # a pipe whose end the children notice


def _lifeline() -> int:
    """The end of a pipe that is closed when this process ends, however it ends."""
    with _lock:
        if not _alive:
            _alive.append(os.pipe())
        return _alive[0][0]


def _taken() -> tuple[_DecodingChild, bool]:
    """A child that waits, or a new one; and whether it was used before."""
    with _lock:
        gone = _gone()
        child = _idle.pop() if _idle else None
    for one in gone:
        one.end()
    return (child, True) if child else (_DecodingChild(), False)


def _gone() -> list[_DecodingChild]:
    """Those that waited and went, since nobody asked them for a while; with the lock held."""
    gone = [one for one in _idle if not one.lives()]
    _idle[:] = [one for one in _idle if one not in gone]
    return gone


def _give_back(child: _DecodingChild) -> None:
    with _lock:
        _idle.append(child)
        _reap_later()


def _reap_later() -> None:
    """A child that nobody asks goes by itself; in a process that lives on somebody has to take note of it."""
    if not _reapers:
        reaper = Timer(_REAPED_AFTER, _reap)
        reaper.daemon = True
        with contextlib.suppress(RuntimeError):  # no thread begins where Python ends
            reaper.start()
            _reapers.append(reaper)


def _reap() -> None:
    with _lock:
        _reapers.clear()
        gone = _gone()
        if _idle:
            _reap_later()
    for one in gone:
        one.end()


def end_children() -> None:
    """End those that wait to be asked."""
    with _lock:
        ended, _idle[:] = list(_idle), []
    for child in ended:
        child.end()


def _forget_all() -> None:
    """In a process that was forked from one that has children: they are not its own."""
    global _turns, _lock  # another thread of the parent may have held them
    _turns, _lock = Semaphore(_AT_ONCE), Lock()
    for child in _idle:
        child.forget()
    _idle.clear()
    _reapers.clear()
    for ends in _alive:
        for end in ends:
            os.close(end)
    _alive.clear()


atexit.register(end_children)
os.register_at_fork(after_in_child=_forget_all)
