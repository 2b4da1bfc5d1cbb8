"""Hostile inputs of what approves a plan: digests and saved plans that are not what was read."""

import json
from pathlib import Path
from typing import Any

from tests.hostile.playing import Hostile, run

_FULL = "PLAN"  # stands for the digest of the plan as it is now


def _nothing(_: Path) -> None:
    """The project is in order; the command is what is hostile."""


def _digest_files(root: Path) -> None:
    said = run(("plan", "--digest"), root).said.strip()
    (root / "digest").write_text(said, encoding="utf-8")


def _apply(name: str, digest: str) -> Hostile:
    return Hostile(name, ("apply", "--approve", digest), _nothing)


def _saved(root: Path) -> dict[str, Any]:
    run(("plan", "--out", "plan.json"), root)
    read: dict[str, Any] = json.loads((root / "specs/plan.json").read_text(encoding="utf-8"))
    return read


def _changed(**change: Any) -> Any:
    def prepare(root: Path) -> None:
        plan = {**_saved(root), **change}
        (root / "specs/plan.json").write_text(json.dumps(plan), encoding="utf-8")

    return prepare


def _bytes(content: bytes) -> Any:
    def prepare(root: Path) -> None:
        (root / "specs/plan.json").write_bytes(content)

    return prepare


def _steps(change: Any) -> Any:
    def prepare(root: Path) -> None:
        plan = _saved(root)
        plan["steps"] = change(plan["steps"])
        (root / "specs/plan.json").write_text(json.dumps(plan), encoding="utf-8")

    return prepare


CASES = (
    *(_apply(f"digest of {size} digits", "a" * size) for size in (1, 4, 8, 11, 12, 16, 31)),
    *(_apply(f"digest of {size} digits, another plan's", "a" * size) for size in (32, 63, 64)),
    _apply("digest of 65 digits", "a" * 65),
    _apply("digest that is a word", "yes"),
    _apply("digest that is empty", ""),
    _apply("digest of blanks", "   "),
    _apply("digest with a pattern", ".*"),
    _apply("digest with a NUL in words", "\\0"),
    _apply("digest in full-width digits", "\uff11" * 64),
    _apply("digest with the wrong algorithm", "md5:" + "a" * 32),
    _apply("digest of a megabyte", "a" * 100_000),
    Hostile("prune by a short digest", ("prune", "--all", "--approve", "a" * 12), _nothing),
    Hostile("destroy by a short digest", ("destroy", "--approve", "a" * 12), _nothing),
    *(
        Hostile(name, ("apply", "plan.json"), prepare)
        for name, prepare in (
            ("saved plan is empty", _bytes(b"")),
            ("saved plan is binary", _bytes(bytes(range(256)))),
            ("saved plan is a list", _bytes(b"[]")),
            ("saved plan is deep", _bytes(b"[" * 100_000)),
            ("saved plan is deep in objects", _bytes(b'{"a":' * 100_000)),
            ("saved plan is NaN", _bytes(b"NaN")),
            ("saved plan has a long number", _bytes(b'{"digest": ' + b"9" * 5000 + b"}")),
            ("saved plan ends early", _bytes(b'{"digest": "')),
            ("saved plan in UTF-16", _bytes('{"digest": "a"}'.encode("utf-16"))),
            ("saved plan of a newer format", _changed(format_version="99.0")),
            ("saved plan of no format", _changed(format_version=None)),
            ("saved plan of another project", _changed(project="other")),
            ("saved plan of another environment", _changed(environment="prod")),
            ("saved plan of another provider", _changed(provider="model-studio")),
            ("saved plan with a short digest", _changed(digest="a" * 12)),
            ("saved plan with an empty digest", _changed(digest="")),
            ("saved plan with a number as digest", _changed(digest=12)),
            ("saved plan without steps", _changed(steps=[])),
            ("saved plan with steps that are text", _changed(steps="none")),
            ("saved plan with a step that is a number", _changed(steps=[1])),
            ("saved plan with a step of no fields", _changed(steps=[{}])),
            (
                "saved plan with a step more",
                _steps(lambda steps: [*steps, {**steps[0], "address": "Dataset/x"}]),
            ),
            (
                "saved plan with another action",
                _steps(lambda steps: [{**steps[0], "action": "delete"}, *steps[1:]]),
            ),
            (
                "saved plan with another remote",
                _steps(lambda steps: [{**steps[0], "remote_id": "x"}, *steps[1:]]),
            ),
            (
                "saved plan with an odd address",
                _steps(lambda steps: [{**steps[0], "address": "\x1b[2J"}, *steps[1:]]),
            ),
        )
    ),
    Hostile(
        "saved plan that is a folder", ("apply", "plan.json"), lambda root: (root / "specs/plan.json").mkdir()
    ),
    Hostile("saved plan that is not there", ("apply", "plan.json"), _nothing),
)
