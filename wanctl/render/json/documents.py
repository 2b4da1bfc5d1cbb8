"""The documents that `--format json` prints, besides the plan, which writes itself. Values in, values out."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wanctl.dataset.checks import line_of, member_of

if TYPE_CHECKING:
    from wanctl.catalogue.estimate import TrainingEstimate
    from wanctl.dataset.contents import Media
    from wanctl.dataset.manifest import ContentChanges
    from wanctl.dataset.preparing.outcome import Preparation
    from wanctl.engine.converge import Outcome
    from wanctl.engine.planner import Drift
    from wanctl.finding import Finding
    from wanctl.language.inspection import EditionChange, Inspection

DRIFT_FORMAT_VERSION = "1.0"


def inspection_json(found: "Inspection") -> dict[str, Any]:
    """Everything, unabridged."""
    facts = found.facts
    return {
        "address": str(found.address),
        "source": found.source,
        "digest": f"sha256:{facts.digest}",
        "bytes": facts.size,
        "seconds": list(facts.seconds),
        "trigger": found.effect.trigger,
        "samples": [
            {
                "line": sample.line,
                "prompt": sample.prompt,
                "media": {path: _media_json(facts.media.get(path)) for path in sample.references},
            }
            for sample in facts.samples
        ],
        "estimates": [
            {
                "model": one.model,
                "by": one.by,
                "fits": one.fits,
                "epochs": one.epochs,
                "tokens": one.training.tokens,
                "amount": [str(value) for value in one.training.amount] if one.training.amount else None,
                "currency": one.training.currency,
                "basis": one.training.basis,
            }
            for one in found.estimates
        ],
        "problems": [
            {
                "severity": one.severity.value,
                "rule": one.rule,
                "member": member_of(one) or None,
                "line": line_of(one) or None,
                "message": one.message,
                "remedy": one.hint,
            }
            for one in found.problems
        ],
    }


def _media_json(media: "Media | None") -> dict[str, Any] | None:
    if media is None:
        return None
    return {
        "kind": media.kind.value,
        "format": media.format,
        "width": media.width,
        "height": media.height,
        "seconds": media.seconds,
        "fault": media.fault,
    }


def changes_json(changes: "ContentChanges") -> dict[str, Any]:
    return {
        "added": list(changes.added),
        "removed": list(changes.removed),
        "captions": [
            {"sample": one.sample, "before": one.before, "after": one.after} for one in changes.captions
        ],
    }


def drift_json(drift: "Drift") -> dict[str, Any]:
    """For programs: the same keys as in a plan's JSON, and whether there is any drift."""
    plan = drift.plan
    return {
        "format_version": DRIFT_FORMAT_VERSION,
        "project": plan.project,
        "environment": plan.environment,
        "provider": plan.provider,
        "drift": drift.found,
        "steps": [step.as_json() for step in drift.steps],
        "findings": [finding.as_json() for finding in drift.findings],
        "orphans": [orphan.as_json() for orphan in drift.orphans],
        "unseen": [{"address": str(one), "fields": list(fields)} for one, fields in drift.unseen.items()],
    }


def outcome_json(outcome: "Outcome") -> dict[str, Any]:
    """The plan that is left, with what was done and what failed."""
    return {
        **outcome.plan.as_json(),
        "done": [
            {"address": str(step.address), "action": step.action.value, "remote_id": remote_id}
            for step, remote_id in outcome.done
        ],
        "failures": [
            {
                "address": str(failure.step.address),
                "action": failure.step.action.value,
                "remote_id": failure.step.remote_id,
                "message": str(failure.error),
                "code": failure.error.code,
                "request_id": failure.error.request_id,
                "hint": failure.error.remedy,
            }
            for failure in outcome.failures
        ],
        "unapproved": [str(step.address) for step in outcome.unapproved],
        "overdue": outcome.overdue,
    }


def validation_json(found: "Iterable[Finding]") -> dict[str, Any]:
    diagnostics = [
        {
            "severity": one.severity.value,
            "rule": one.rule,
            "file": one.place.file if one.place else "",
            "line": one.place.line if one.place else 0,
            "column": one.place.column if one.place else 0,
            "path": one.path,
            "message": one.message,
            "hint": one.hint,
        }
        for one in found
    ]
    return {"valid": not any(one["severity"] == "error" for one in diagnostics), "diagnostics": diagnostics}


def edition_json(here: str, other: str, changes: "Iterable[EditionChange]") -> dict[str, Any]:
    """What another edition of the catalogue changes; None is unknown."""

    def cost(estimate: "TrainingEstimate") -> dict[str, Any]:
        amount = [str(one) for one in estimate.amount] if estimate.amount else None
        return {"tokens": estimate.tokens, "amount": amount, "currency": estimate.currency}

    return {
        "edition": here,
        "other": other,
        "trainings": [
            {
                "address": str(one.address),
                "model": one.model,
                "values": {key: {"before": before, "after": after} for key, before, after in one.values},
                "before": cost(one.before),
                "after": cost(one.after),
                "problems": [problem.as_json() for problem in one.problems],
            }
            for one in changes
        ],
    }


def preparation_json(done: "Preparation") -> dict[str, Any]:
    """Each file with its stretches: what was kept, cut and dropped, and why."""
    return {
        "folder": str(done.folder),
        "dry_run": done.dry_run,
        "clips": len(done.clips),
        "files": [
            {
                "file": file.file,
                "fault": file.fault,
                "size": list(file.known.size) if file.known and file.known.size else None,
                "bars": bool(file.known and file.known.crop),
                "stretches": [
                    {
                        "in": round(one.stretch.begin, 3),
                        "out": round(one.stretch.end, 3),
                        "decision": one.stretch.decision.value,
                        "reason": one.stretch.reason,
                        "clip": one.clip,
                    }
                    for one in file.stretches
                ],
            }
            for file in done.files
        ],
    }
