"""A plan that was reviewed: apply plans again and goes on only if it comes out the same."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from wanctl.base.errors import WanctlError
from wanctl.base.words import counted, quoted
from wanctl.engine.converge import Patience
from wanctl.plan import FORMAT_VERSION, Plan, Step
from wanctl.project.errors import ProjectError
from wanctl.project.results import PlanResult
from wanctl.render.made import VALID

LONGEST_VALUE = 80
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{1,64})")
FEWEST_DIGITS = 32  # two plans of one author can be made to agree in fewer
Decision = Callable[[PlanResult, tuple[Step, ...]], bool]
ApprovedBy = str | Plan | Decision


class PlanDiffers(WanctlError):  # noqa: N818 - it is the world's state, said plainly
    """The plan made now is not the plan that was approved. There is no force past it."""


class DigestDiffers(PlanDiffers):
    """Only the digest of the approved plan is known, so what differs cannot be named."""


def decision_of(approve: ApprovedBy | None) -> Decision:
    """Who says yes: to the one plan that was looked at, or whoever is asked."""
    if approve is None:
        raise ProjectError(
            "nothing is applied that nobody approved",
            "look at plan = project.plan(), then project.apply(approve=plan.digest)",
        )
    if isinstance(approve, Plan):
        same = partial(require_same, approve.as_json())
    elif isinstance(approve, str):
        same = partial(require_digest, checked_digest(approve))
    else:
        return approve

    def approved(made: PlanResult, _: tuple[Step, ...]) -> bool:
        same(made)
        return True

    return approved


def patience_of(wait: bool | timedelta | Patience) -> Patience:
    """Whether to wait for the service, and how long at the most."""
    if isinstance(wait, Patience):
        return wait
    return Patience(waits=True, longest=wait) if isinstance(wait, timedelta) else Patience(waits=wait)


def checked_digest(text: str) -> str:
    """A plan's digest as a person wrote it down, or enough of its beginning."""
    match = _DIGEST.fullmatch(text.strip().lower())
    if match is None:
        raise PlanDiffers(
            f"{quoted(text)} is no plan's digest: give its 64 hex digits, or at least the first "
            f"{FEWEST_DIGITS}, as wanctl plan --digest prints them"
        )
    return match[1]


def require_digest(digest: str, made: Plan, command: str | None = None) -> None:
    """Raise with both digests unless the plan made now is the one that was approved, and surely so."""
    short = len(digest) < FEWEST_DIGITS
    if short or not made.digest.startswith(digest):
        review = (
            f"Review the plan above; to approve it: {command} --approve {made.digest}"
            if command
            else "Review it: project.plan()"
        )
        why = (
            f"{counted(len(digest), 'digit')} of a digest can be met by another plan, "
            f"{FEWEST_DIGITS} are needed"
            if short
            else "the plan is not the one that was approved"
        )
        raise DigestDiffers(
            f"{why}; nothing was done.\n  approved  {digest}\n  now       {made.digest}\n{review}"
        )


_SAVE = "write one: wanctl plan --out plan.json; to apply the specs as they are, name no file"


def load_plan(path: Path) -> dict[str, Any]:
    """A plan as `plan --out` wrote it."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = (
            f"there is no file {path}"
            if isinstance(error, FileNotFoundError)
            else f"{path}: {error.strerror}"
        )
        raise PlanDiffers(why, _SAVE) from error
    except (ValueError, RecursionError) as error:
        raise PlanDiffers(f"{path} is not a plan that wanctl plan --out wrote", _SAVE) from error
    if isinstance(data, dict) and data.get("status") == VALID:
        raise PlanDiffers(f"{path} holds what the specs alone tell: that is no plan to be applied", _SAVE)
    if not isinstance(data, dict) or not isinstance(data.get("digest"), str):
        raise PlanDiffers(f"{path} is not a plan that wanctl plan --out wrote", _SAVE)
    major = str(data.get("format_version", "")).partition(".")[0]
    if major != FORMAT_VERSION.partition(".")[0]:
        raise PlanDiffers(
            f"{path} has plan format {data.get('format_version')}, and this wanctl reads {FORMAT_VERSION}"
        )
    if not _comparable(data.get("steps")):
        raise PlanDiffers(f"{path} is not as wanctl plan --out wrote it: its steps cannot be read", _SAVE)
    return data


def _comparable(steps: Any) -> bool:
    from pydantic import TypeAdapter, ValidationError

    from wanctl.render.json.schema import StepKeys

    try:
        TypeAdapter(list[StepKeys]).validate_python(steps)
    except ValidationError:
        return False
    return True


def require_same(saved: dict[str, Any], made: Plan) -> None:
    """Raise with the difference, resource by resource, unless it is the plan that was approved.

    The digests have to agree, and the file has to say what its digest stands for: its words were read.
    """
    before = {step["address"]: _compared(step) for step in saved["steps"] if step["when"] != "done"}
    after = {str(step.address): _compared(step.as_json()) for step in made.pending}
    lines = [
        f"  {key}: approved for {_spell(saved.get(key))}, and this is {_spell(now)}"
        for key, now in (
            ("project", made.project),
            ("environment", made.environment),
            ("provider", made.provider),
        )
        if saved.get(key) != now
    ]
    for address in dict.fromkeys([*before, *after]):
        if address not in after:
            lines.append(
                f"  {address}: {before[address]['action']} was approved, and nothing is to be done now"
            )
        elif address not in before:
            lines.append(f"  {address}: {after[address]['action']} was not in the approved plan")
        else:
            lines += [f"  {address}: {line}" for line in _differences(before[address], after[address])]
    same_digest = saved["digest"] == made.digest
    if same_digest and not lines:
        return
    if same_digest:
        lines = ["  the saved file was changed by hand:", *lines]
    account = f"the account is another one (now {made.account}), or " if made.account else ""
    difference = "\n".join(lines) or f"  {account}the saved file was changed by hand"
    raise PlanDiffers(
        f"the plan is not the one that was approved; nothing was done.\n{difference}\nReview it: wanctl plan"
    )


def _differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Field by field, what was approved and what it would be now."""
    from deepdiff import DeepDiff

    for kind in DeepDiff(before, after, view="tree").values():
        for item in kind:
            path = [str(part) for part in item.path(output_format="list") if part != "changes"]
            was, now = (_spell(value) for value in (item.t1, item.t2))
            yield f"{'.'.join(path) or 'its fields'}: approved {was}, and now it is {now}"


def _spell(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=lambda _: "nothing")
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _compared(step: dict[str, Any]) -> dict[str, Any]:
    changes = {change["path"]: change["after"] for change in step["changes"]}
    kept = {key: step.get(key) for key in ("action", "when", "remote_id", "warning")}
    return {**kept, "after": sorted(step["after"]), "changes": changes}
