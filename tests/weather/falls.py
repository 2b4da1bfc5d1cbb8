"""What falls on a command: drawn by the dice of its life, and made to happen at counted requests and writes.

Nothing here waits for a time of the clock, so the same seed has the same happen at the same request.
"""

from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

FILES, JOBS, DEPLOYMENTS = "/compatible-mode/v1/files", "/api/v1/fine-tunes", "/api/v1/deployments"
CHANGING = (("POST", FILES), ("POST", JOBS), ("POST", DEPLOYMENTS), ("DELETE", f"{DEPLOYMENTS}/*"))
LISTS = (("GET", FILES), ("GET", JOBS), ("GET", DEPLOYMENTS))
OTHERS = (
    ("GET", f"{JOBS}/*/export/*"),
    ("GET", f"{JOBS}/*/checkpoints"),
    ("GET", f"{JOBS}/*"),
    ("GET", f"{DEPLOYMENTS}/*"),
    ("POST", "*"),
    ("GET", "*"),
)
HOUR = 3600
WRITES = ("killed unwritten", "killed half written", "killed once written")

Rule = dict[str, Any]


def dice_of(seed: object) -> Random:
    """The same throws for the same seed."""
    return Random(f"weather {seed}")  # noqa: S311 - decisions, not secrets


@dataclass(frozen=True)
class Ending:
    """Signals to the command's process, at the n-th of the calls that are meant."""

    signals: tuple[str, ...]
    method: str
    path: str
    nth: int
    when: str  # before the effect of this call, or after it and before its answer

    def __str__(self) -> str:
        return f"{' and '.join(self.signals)} {self.when} {self.method} {self.path} {self.nth}"


@dataclass(frozen=True)
class Fall:
    """All that falls on a command."""

    faults: tuple[Rule, ...] = ()  # rules of the sandbox
    ending: Ending | None = None
    write: tuple[str, int] | None = None  # how the process is killed at the n-th write of its ledger
    odd: float = 0.0  # the share of answers that are odd
    cut: int | None = None  # the upload whose connection is cut in the middle
    lag: int = 0  # lists that do not show what is new
    shift: int = 0  # a row that moves between two pages
    skew: int = 0  # seconds by which the machine's clock is off
    date: int = 0  # hours by which the service's clock is off, as its Date header says
    hold: int | None = None  # the request that waits until another run has ended

    @property
    def any(self) -> bool:
        return self != Fall()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """As a person reads it."""
        said = [" ".join(f"{key}={value}" for key, value in one.items()) for one in self.faults]
        said += [str(self.ending)] if self.ending else []
        said += [f"{self.write[0]} at write {self.write[1]}"] if self.write else []
        said += [f"{self.odd:.0%} of the answers are odd"] if self.odd else []
        said += [f"upload {self.cut} is cut off"] if self.cut else []
        said += [f"{self.lag} lists lag"] if self.lag else []
        said += [f"pages shift by {self.shift}"] if self.shift else []
        said += [f"the machine's clock is {self.skew} s off"] if self.skew else []
        said += [f"the Date header is {self.date} h off"] if self.date else []
        return said + ([f"held at request {self.hold}"] if self.hold else [])


CALM = Fall()


@dataclass
class Forecast:
    """Draws what falls, command after command."""

    dice: Random
    fallen: int = field(default=0)

    def draw(self) -> Fall:
        """One to three things at once."""
        kinds = [
            "faults",
            "faults",
            "pair",
            "ending",
            "ending",
            "write",
            "odd",
            "odd",
            "cut",
            "lists",
            "clocks",
        ]
        drawn: dict[str, Any] = {}
        for kind in self.dice.sample(kinds, self.dice.choice([1, 2, 2, 3])):
            drawn |= getattr(self, f"_{kind}")(drawn)
        self.fallen += 1
        return Fall(**drawn)

    def _faults(self, drawn: dict[str, Any]) -> dict[str, Any]:
        return {"faults": (*drawn.get("faults", ()), self._fault())}

    def _pair(self, drawn: dict[str, Any]) -> dict[str, Any]:
        """An answer that is lost, and the service away when somebody looks for what came of it."""
        method, path = self.dice.choice(CHANGING[:3])
        lost: Rule = {
            "kind": self.dice.choice(["reset", "truncated", "empty"]),
            "method": method,
            "path": path,
        }
        lost |= {"nth": 1, **({"when": "after"} if lost["kind"] != "truncated" else {})}
        away: Rule = {
            "kind": "status",
            "status": self.dice.choice([500, 502, 503]),
            "method": "GET",
            "path": "*",
        }
        away |= {"nth": self.dice.randint(4, 9), "count": self.dice.choice([1, 4, 12, 40])}
        return {"faults": (*drawn.get("faults", ()), lost, away)}

    def _fault(self) -> Rule:
        method, path = self.dice.choice((*CHANGING, *LISTS, *OTHERS))
        kind = self.dice.choice(
            ["throttled", "throttled", "busy", "quota", "status", "status", "reset", "truncated", "empty"]
        )
        rule: Rule = {"kind": kind, "method": method, "path": path, "nth": self.dice.choice([1, 1, 2, 3, 5])}
        rule["count"] = self.dice.choice([1, 2, 3, 8, 30])
        if kind in {"status", "reset", "empty"}:
            rule["when"] = self.dice.choice(["before", "after"])
        if kind == "status":
            rule["status"] = self.dice.choice([400, 403, 404, 409, 500, 500, 502, 503, 504])
        return rule

    def _ending(self, _: dict[str, Any]) -> dict[str, Any]:
        signals = self.dice.choice(
            [("SIGKILL",), ("SIGKILL",), ("SIGTERM",), ("SIGINT",), ("SIGTERM", "SIGTERM")]
        )
        when = self.dice.choice(["before", "after"])
        if self.dice.random() < 0.4:
            return {"ending": Ending(signals, "GET", "*", self.dice.randint(1, 16), when)}
        method, path = self.dice.choice((*CHANGING, *CHANGING, *OTHERS))
        return {"ending": Ending(signals, method, path, self.dice.choice([1, 1, 1, 2, 3]), when)}

    def _write(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"write": (self.dice.choice(WRITES), self.dice.randint(1, 12))}

    def _odd(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"odd": self.dice.choice([0.1, 0.3, 0.7])}

    def _cut(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"cut": 1}

    def _lists(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"lag": self.dice.choice([0, 2, 5]), "shift": self.dice.choice([0, 1, -1])}

    def _clocks(self, _: dict[str, Any]) -> dict[str, Any]:
        off = self.dice.choice([-HOUR, -90, 90, HOUR])
        return {"skew": off, "date": self.dice.choice([-1, 0, 1])}
