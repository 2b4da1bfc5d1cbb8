"""A plan that was saved and reviewed: apply plans again and goes on only if it comes out the same."""

import json
from pathlib import Path
from typing import Any

from wanctl.plan import FORMAT_VERSION, Plan


class PlanDiffers(Exception):  # noqa: N818 - it is the world's state, said plainly
    """The plan made now is not the plan that was approved. There is no force past it."""


def load_plan(path: Path) -> dict[str, Any]:
    """A plan as `plan --out` wrote it."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PlanDiffers(f"{path} cannot be read as a saved plan: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("digest"), str):
        raise PlanDiffers(f"{path} is not a plan that wanctl plan --out wrote")
    major = str(data.get("format_version", "")).partition(".")[0]
    if major != FORMAT_VERSION.partition(".")[0]:
        raise PlanDiffers(
            f"{path} has plan format {data.get('format_version')}, and this wanctl reads {FORMAT_VERSION}"
        )
    return data


def require_same(saved: dict[str, Any], made: Plan) -> None:
    """Raise with the difference, resource by resource, unless the digests agree."""
    if saved["digest"] == made.digest:
        return
    from deepdiff import DeepDiff

    before = {step["address"]: _told(step) for step in saved.get("steps", []) if step.get("when") != "done"}
    after = {str(step.address): _told(step.as_json()) for step in made.pending}
    lines = []
    for address in dict.fromkeys([*before, *after]):
        if address not in after:
            lines.append(
                f"  {address}: {before[address]['action']} was approved, and there is nothing to do now"
            )
        elif address not in before:
            lines.append(f"  {address}: {after[address]['action']} was not in the approved plan")
        elif difference := DeepDiff(before[address], after[address], verbose_level=2).pretty():
            lines += [f"  {address}: {line}" for line in difference.splitlines()]
    told = "\n".join(lines) or "  the saved file was changed by hand"
    raise PlanDiffers(
        f"the plan is not the one that was approved; nothing was done.\n{told}\nReview a new plan."
    )


def _told(step: dict[str, Any]) -> dict[str, Any]:
    changes = {change["path"]: [change["before"], change["after"]] for change in step["changes"]}
    kept = {key: step[key] for key in ("action", "when", "after", "remote_id")}
    return {**kept, "changes": changes}
