"""State on disk, and the time of it. Processes may share it.

Documents are kept by kind and id in SQLite, uploads as files beside it. The time is a base, a speed, and what
was advanced by hand: kept there as well, so that it goes on.
"""

import json
import math
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT, path TEXT, query TEXT, status INTEGER, keys TEXT
);
"""
PATIENCE = 30.0  # seconds for another process to finish its write
ZONE = timezone(timedelta(hours=8))  # what the service's stamps are most likely in
DEFAULT_SPEED = 600.0
Speed = float | Literal["instant"]


@dataclass(frozen=True)
class RequestLine:
    """A request as it was answered; `keys` are the names in its body, never the values.

    The status is 0 where a fault left the caller without an answer.
    """

    method: str
    path: str
    query: str
    status: int
    keys: tuple[str, ...] = ()


class Store:
    """A connection; each write is one short transaction."""

    def __init__(self, folder: Path) -> None:
        self.blobs = folder / "files"
        self.blobs.mkdir(exist_ok=True)
        self.cache = folder / "cache"
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            folder / "state.sqlite", timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        _into_wal(self._db)
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def write(self) -> Iterator[None]:
        """Everything within happens at once, or not at all."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def meta(self, key: str) -> str | None:
        return self.metas(key).get(key)

    def metas(self, *keys: str) -> dict[str, str]:
        """Several at one moment: what one process wrote together is read together."""
        marks = ", ".join("?" * len(keys))
        with self._lock:
            rows = self._db.execute(f"SELECT key, value FROM meta WHERE key IN ({marks})", keys).fetchall()  # noqa: S608 - marks only
        return {key: str(value) for key, value in rows}

    def set_meta(self, key: str, value: str) -> None:
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def put(self, kind: str, identifier: str, body: dict[str, Any]) -> None:
        text = json.dumps(body, ensure_ascii=False)
        statement = (
            "INSERT INTO objects (kind, id, body) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body"
        )
        with self._lock:
            self._db.execute(statement, (kind, identifier, text))
            self._revise(kind)

    def get(self, kind: str, identifier: str) -> dict[str, Any] | None:
        with self._lock:
            row = self._db.execute(
                "SELECT body FROM objects WHERE kind = ? AND id = ?", (kind, identifier)
            ).fetchone()
        return dict(json.loads(row[0])) if row else None

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind, the oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT body FROM objects WHERE kind = ? ORDER BY seq", (kind,)
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def delete(self, kind: str, identifier: str) -> None:
        with self._lock:
            self._db.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, identifier))
            self._revise(kind)

    def revision(self, kind: str) -> str:
        """Another one after each change to an object of this kind, by whichever process."""
        return self.meta(f"revision.{kind}") or ""

    def _revise(self, kind: str) -> None:
        self._db.execute(
            "INSERT INTO meta VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET value = value + 1",
            (f"revision.{kind}",),
        )

    def log(self, line: RequestLine) -> None:
        values = (line.method, line.path, line.query, line.status, json.dumps(line.keys))
        with self._lock:
            self._db.execute(
                "INSERT INTO requests (method, path, query, status, keys) VALUES (?, ?, ?, ?, ?)", values
            )

    def requests(self) -> list[RequestLine]:
        with self._lock:
            rows = self._db.execute(
                "SELECT method, path, query, status, keys FROM requests ORDER BY seq"
            ).fetchall()
        return [
            RequestLine(method, path, query, status, tuple(json.loads(keys)))
            for method, path, query, status, keys in rows
        ]

    def clear(self) -> None:
        """Forget every object and request; uploads are removed."""
        with self._lock:
            self._db.execute("DELETE FROM objects")
            self._db.execute("DELETE FROM requests")
            self._db.execute("DELETE FROM meta WHERE key LIKE 'rig.%'")
            self._db.execute("UPDATE meta SET value = value + 1 WHERE key LIKE 'revision.%'")
        for folder in (self.blobs, self.cache):
            for path in folder.glob("*"):
                path.unlink(missing_ok=True)


def _into_wal(db: sqlite3.Connection) -> None:
    """The one step of opening that SQLite does not queue for when several processes do it at once."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


class SandboxClock:
    """Sandbox time as a function of real time. With speed `instant` it stands still until it is advanced."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, start: datetime | None, speed: Speed) -> None:
        """The first moment; a start without a zone is in the service's."""
        first = start or _real()
        self._set(first if first.tzinfo else first.replace(tzinfo=ZONE), speed)

    @property
    def speed(self) -> Speed:
        return _speed(self._store.meta("speed"))

    def now(self) -> datetime:
        kept = self._store.metas("base", "real", "speed")
        base, speed = datetime.fromisoformat(kept["base"]), _speed(kept["speed"])
        if speed == "instant":
            return base.astimezone(ZONE)
        since = datetime.fromisoformat(kept["real"])
        return (base + (_real() - since) * speed).astimezone(ZONE)

    def advance(self, span: timedelta) -> None:
        self._set(self.now() + span, self.speed)

    def change_speed(self, speed: Speed) -> None:
        self._set(self.now(), speed)

    def _set(self, now: datetime, speed: Speed) -> None:
        if speed != "instant" and not (math.isfinite(speed) and speed > 0):
            raise ValueError(f'speed is "instant" or a number above 0, not {speed}')
        self._store.set_meta("base", now.isoformat())
        self._store.set_meta("real", _real().isoformat())
        self._store.set_meta("speed", str(speed))


def _speed(text: str | None) -> Speed:
    return "instant" if text == "instant" else float(text or DEFAULT_SPEED)


def _real() -> datetime:
    return datetime.now(UTC)
