"""How far a training is, by the lines of its log. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where in a training its log says it is."""

    STARTING = "starting"
    PREPARING = "preparing the data"
    TRAINING = "training"
    TRANSFERRING = "transferring the model"
    DELIVERING = "delivering the model"
    SAVING = "saving checkpoints"
    COMPLETE = "complete"


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is by its log: an estimate, not what is billed."""

    tokens: int
    fraction: float | None
    phase: Phase


_TOKENS = re.compile(r"(?:number of consumed tokens is|training usage)\D{0,3}(\d{1,18})(?!\d)", re.IGNORECASE)
_MARKS = (
    ("data process succeeded", Phase.TRAINING),
    ("start to transfer it for inference", Phase.TRANSFERRING),
    ("start to deliver it for inference", Phase.DELIVERING),
    ("start to save checkpoint", Phase.SAVING),
    ("finetune-job succeeded", Phase.COMPLETE),
    ("##FT_COMPLETE##", Phase.COMPLETE),
)


def training_progress(lines: Iterable[str], expected_tokens: int | None) -> TrainingProgress:
    """Read the log's known lines. The counter stops short of the expected end: it is an estimate."""
    tokens, phase = 0, Phase.STARTING
    for line in lines:
        if phase is Phase.STARTING:
            phase = Phase.PREPARING
        if counted := _TOKENS.search(line):
            tokens, phase = int(counted[1]), Phase.TRAINING
        phase = next((reached for mark, reached in _MARKS if mark in line), phase)
    if phase in {Phase.STARTING, Phase.PREPARING}:
        return TrainingProgress(tokens, None, phase)
    if phase is not Phase.TRAINING:
        return TrainingProgress(tokens, 1.0, phase)
    return TrainingProgress(tokens, min(tokens / expected_tokens, 1.0) if expected_tokens else None, phase)
