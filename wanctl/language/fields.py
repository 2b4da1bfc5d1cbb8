"""The values that a field of a kind can have, beyond numbers and flags: names, digests, choices, texts."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, Strict
from pydantic.json_schema import WithJsonSchema

from wanctl.address import NAME
from wanctl.base.values import FromFile, String
from wanctl.dataset.leaving_out import MOST_PATTERNS, fault_of

NAME_PATTERN = f"^{NAME}$"
LONGEST_NAME = 40


def check_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise ValueError(f"has {len(name)} characters; {LONGEST_NAME} are allowed")
    if not re.fullmatch(NAME, name):
        raise ValueError(
            "must be letters, digits, - and _, beginning with a letter or digit, without -- or a - at the end"
        )
    return name


def _spell_digest(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _check_pattern(value: str) -> str:
    if fault := fault_of(value):
        raise ValueError(fault)
    return value


def _check_number(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) > MOST_PATTERNS:
        raise ValueError(f"has more than {MOST_PATTERNS} patterns")
    return value


def _spell_checkpoint(value: Any) -> Any:
    return f"checkpoint-{value}" if isinstance(value, int) and not isinstance(value, bool) else value


def _check_checkpoint(value: str) -> str:
    if not re.fullmatch(r"checkpoint-[0-9]{1,18}", value):
        raise ValueError("must be a checkpoint's name, as in checkpoint-160")
    return value


def _check_training(value: Any) -> str:
    """Quoted where it could be read as a number: 12345678 and 1234e567 are none."""
    if not isinstance(value, str):
        raise ValueError('must be text: put it in quotes, as in of: "12345678"')  # noqa: TRY004 - pydantic turns ValueError into a finding
    if not re.fullmatch(rf"[0-9a-f]{{{TRAINING_DIGITS}}}", value):
        raise ValueError("must be the first 8 digits of a training, as the plan shows them: of: 3fa9c21b")
    return value


Text = Annotated[str, Strict(), FromFile()]
Name = Annotated[
    str,
    Strict(),
    AfterValidator(check_name),
    Field(json_schema_extra={"pattern": NAME_PATTERN, "maxLength": LONGEST_NAME}),
]
Digest = Annotated[str, Strict(), BeforeValidator(_spell_digest), Field(pattern=r"^sha256:[0-9a-f]{64}$")]
DisplayName = Annotated[String, Field(max_length=128)]
Pattern = Annotated[str, Strict(), AfterValidator(_check_pattern)]
Patterns = Annotated[tuple[Pattern, ...], AfterValidator(_check_number)]
CheckpointName = Annotated[
    str,
    Strict(),
    BeforeValidator(_spell_checkpoint),
    AfterValidator(_check_checkpoint),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^checkpoint-[0-9]{1,18}$"},
                {"type": "integer", "minimum": 1},
            ]
        }
    ),
]
TRAINING_DIGITS = 8  # of a training's identity: enough to tell those of one FineTune apart
TrainingDigits = Annotated[
    str,
    BeforeValidator(_check_training),
    WithJsonSchema({"type": "string", "pattern": f"^[0-9a-f]{{{TRAINING_DIGITS}}}$"}),
]
