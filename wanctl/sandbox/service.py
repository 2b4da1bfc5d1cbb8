"""The one account behind all endpoints: its store, clock, arranged faults, ids and signed links."""

import hashlib
import hmac
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from wanctl.sandbox.faults.rules import Faults
from wanctl.sandbox.faults.setup import Rig
from wanctl.sandbox.state.store import SandboxClock, Store
from wanctl.sandbox.state.training import Course, courses

LINK_LIFE = timedelta(hours=24)
WORKSPACE = "llm-sandbox"
ACCOUNT = "1200000000000000"
HEX = "0123456789abcdef"
_LETTERS = f"{HEX}ghijklmnopqrstuvwxyz"


ID_KEYS = {"job": "job_id", "deployment": "deployed_model", "file": "id"}


@dataclass(frozen=True)
class ListedObjects:
    """The objects of a kind at one moment, the newest first, to be read only; and the place of each id."""

    revision: str
    records: list[dict[str, Any]]
    places: dict[str, int]


class Service:
    """One account's state, as the endpoints see it."""

    def __init__(self, store: Store, clock: SandboxClock) -> None:
        self.store = store
        self.clock = clock
        self.faults = Faults(store)
        self.rig = Rig(store, self.faults)
        self._courses: tuple[str, dict[str, Course]] = ("", {})
        self._newest: dict[str, ListedObjects] = {}

    @property
    def strict(self) -> bool:
        """Whether what the documents demand is refused: few steps, few samples, values out of range."""
        arranged = self.rig.quirks.strict
        return self.store.meta("strict") != "no" if arranged is None else arranged

    @property
    def trains_at_once(self) -> int:
        return int(self.store.meta("trains_at_once") or 1)

    def now(self) -> datetime:
        return self.clock.now()

    def name(self, length: int, letters: str = _LETTERS) -> str:
        """A fresh id: from the seed where there is one, so that two runs give the same."""
        return self._names([length], letters)[0]

    def request_id(self) -> str:
        return "-".join(self._names([8, 4, 4, 4, 12], HEX))

    def _names(self, lengths: list[int], letters: str) -> list[str]:
        with self.store.write():
            kept = self.store.metas("counter", "seed")
            first = int(kept.get("counter", "0")) + 1
            self.store.set_meta("counter", str(first + len(lengths) - 1))
        seed = kept.get("seed")
        return [
            _thrown(f"{seed}/{number}" if seed else None, length, letters)
            for number, length in enumerate(lengths, start=first)
        ]

    def courses(self) -> dict[str, Course]:
        """Every job's way through time, worked out anew only when a job has changed."""
        revision = self.store.revision("job")
        if revision != self._courses[0]:
            self._courses = (revision, courses(self.store.all("job")))
        return self._courses[1]

    def newest(self, kind: str) -> "ListedObjects":
        """All objects of a kind; decoded anew only when one has changed: a list is read page by page."""
        revision = self.store.revision(kind)
        known = self._newest.get(kind)
        if known is None or known.revision != revision:
            records = self.store.all(kind)[::-1]
            places = {one[ID_KEYS[kind]]: number for number, one in enumerate(records)}
            known = self._newest[kind] = ListedObjects(revision, records, places)
        return known

    def sign(self, host: str, path: str) -> str:
        """A link to a file of ours that works for a day, for anybody who has it."""
        expires = int((self.now() + LINK_LIFE).timestamp())
        query = urlencode(
            {"Expires": expires, "OSSAccessKeyId": "sandbox", "Signature": self._mac(path, expires)}
        )
        return f"{host}/_oss/{quote(path)}?{query}"

    def link_problem(self, path: str, query: Mapping[str, str]) -> str | None:
        """Why a link does not work, if it does not."""
        expires, signature = query.get("Expires", ""), query.get("Signature", "").encode()
        known = expires.isascii() and expires.isdigit() and len(expires) < 12
        if not known or not hmac.compare_digest(self._mac(path, int(expires)).encode(), signature):
            return "SignatureDoesNotMatch"
        return "AccessDenied" if self.now().timestamp() > int(expires) else None

    def _mac(self, path: str, expires: int) -> str:
        with self.store.write():
            key = self.store.meta("link-key")
            if key is None:
                seed = self.store.meta("seed")
                key = (
                    hashlib.sha256(f"links of {seed}".encode()).hexdigest() if seed else secrets.token_hex(32)
                )
                self.store.set_meta("link-key", key)
        return hmac.new(key.encode(), f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()[:32]


def _thrown(seed: str | None, length: int, letters: str) -> str:
    dice: random.Random = random.Random(seed) if seed else secrets.SystemRandom()  # noqa: S311 - names, not secrets
    return "".join(dice.choice(letters) for _ in range(length))
