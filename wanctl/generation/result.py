"""What a request gave, what its call will cost as far as anybody knows, and how it goes meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from wanctl.base.errors import WanctlError
from wanctl.base.values import Money
from wanctl.catalogue.base_models import Catalogue
from wanctl.finding import Finding, Severity
from wanctl.generation.body import VideoCall
from wanctl.generation.modes import VideoMode


class GenerationError(WanctlError):
    """A video that was not made, and why."""

    def __init__(self, message: str, remedy: str | None = None, *, task_id: str | None = None) -> None:
        super().__init__(message, remedy)
        self.task_id = task_id


class RequestRefusedError(GenerationError):
    """The rules found errors; nothing was sent."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        errors = [one for one in findings if one.severity is Severity.ERROR]
        super().__init__("; ".join(spelled(one) for one in errors))

    def lines(self, columns: int | None = None) -> list[str]:  # noqa: ARG002 - as its base has it
        return [f"{one.severity}: {spelled(one)} [{one.rule}]" for one in self.findings]


def spelled(one: Finding) -> str:
    return f"{one.message}; {one.hint}" if one.hint else one.message


@dataclass(frozen=True)
class VideoResult:
    """A video on this machine. `video_url` is the service's link for a day, else the file's own."""

    video_url: str = field(repr=False)
    duration: float | None
    fps: float | None
    seed: int | None
    file: Path
    task_id: str
    model: str
    mode: VideoMode | str
    width: int | None = None
    height: int | None = None
    cached: bool = False
    request_id: str | None = None
    warnings: tuple[Finding, ...] = ()
    segments: "tuple[VideoResult, ...]" = ()  # what it was joined of

    def to_dict(self) -> dict[str, Any]:
        """The document of `wanctl generate --format json`."""
        return {
            "video_url": self.video_url,
            "duration": self.duration,
            "fps": self.fps,
            "seed": self.seed,
            "file": str(self.file),
            "task_id": self.task_id,
            "model": self.model,
            "mode": str(self.mode),
            "width": self.width,
            "height": self.height,
            "cached": self.cached,
            "request_id": self.request_id,
            "warnings": [one.as_json() for one in self.warnings],
            **({"segments": [one.to_dict() for one in self.segments]} if self.segments else {}),
        }


@dataclass(frozen=True)
class CallCost:
    """What a call costs; None where nobody told us, which never means nothing."""

    amount: Money | None
    basis: str

    def __str__(self) -> str:
        return f"{self.amount} ({self.basis})" if self.amount else self.basis

    def as_json(self) -> dict[str, Any]:
        amount = str(self.amount.amount) if self.amount else None
        return {
            "amount": amount,
            "currency": self.amount.currency if self.amount else None,
            "basis": self.basis,
        }


def cost_of(call: VideoCall, catalogue: Catalogue) -> CallCost:
    """Billed by the second of the video, by its resolution."""
    price = catalogue.call_price(call.called.base, call.level)
    if price is None:
        return CallCost(None, f"cost unknown: nobody told the price per second of {call.called.base}")
    amount = Decimal(call.seconds) * price.per_second.amount
    return CallCost(Money(amount, price.per_second.currency), f"{call.seconds} s at {price}")


def expected_minutes(call: VideoCall) -> str:
    """How long people wait, in words."""
    heavy = call.level == "1080P" or call.seconds > 10 or call.body["parameters"].get("shot_type") == "multi"
    return "up to 10 minutes" if heavy else "1 to 5 minutes"


@dataclass(frozen=True)
class PreparedVideo:
    """A request that the rules let pass: its call, what may go wrong, and what it costs."""

    call: VideoCall
    warnings: tuple[Finding, ...]
    cost: CallCost

    def to_dict(self) -> dict[str, Any]:
        """The document of `wanctl generate --dry-run --format json`."""
        return {
            "path": f"/api/v1{self.call.path}",
            "mode": str(self.call.called.mode),
            "base_model": self.call.called.base,
            "body": self.call.shown(),
            "cost": self.cost.as_json(),
            "expected": expected_minutes(self.call),
            "notes": list(self.call.notes),
            "warnings": [one.as_json() for one in self.warnings],
        }


@dataclass(frozen=True)
class GenerationProgress:
    """Where a request is: the task, its status in the service's word, seconds since it was asked."""

    state: str
    task_id: str | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        task = f"task {self.task_id}: " if self.task_id else ""
        since = f", {self.seconds:.0f} s" if self.seconds >= 1 else ""
        return f"{task}{self.state}{since}"


HearProgress = Callable[[GenerationProgress], None]


def unheard(progress: GenerationProgress) -> None:
    """Who does not listen."""
