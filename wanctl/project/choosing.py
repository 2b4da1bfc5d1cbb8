"""The choice of a checkpoint, written as a line of the specs: what there is to choose from, and the writing.

Nothing of the file changes but the choice, and the specs are read as they would be: if anything else were
different, nothing is written.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wanctl.address import Address
from wanctl.base.running import run
from wanctl.base.words import did_you_mean, listed
from wanctl.engine.observe import RunSession
from wanctl.kinds.registry import choosing_kind, kind_of
from wanctl.language.fields import TRAINING_DIGITS
from wanctl.language.resources import Resource, resource_named
from wanctl.language.splicing import with_fields
from wanctl.project.errors import ProjectError
from wanctl.project.local import shown_path
from wanctl.project.reviews import LookedAt, identity_of, training_of
from wanctl.project.rewriting import SpecEdit, check_edit, rewrite, text_of
from wanctl.review.collecting import Review

if TYPE_CHECKING:
    from wanctl.project import Project

MARK, EVIDENCE = "of", "evidence"  # the keys beside the choice
LARGEST_NOTES = 64 * 1024
_LONGEST_NOTE = 2_000


@dataclass(frozen=True)
class ChoiceOffer:
    """What can be chosen for one document."""

    address: Address
    training: LookedAt
    chosen: str | None  # what the specs say now
    mark: str | None  # that names the training beside a choice, where the specs have a key for it


@dataclass(frozen=True)
class ChosenEdit(SpecEdit):
    """A file of the specs before and after the choice."""

    label: str


def document_named(project: "Project", text: str) -> Address:
    """The document that a choice goes into."""
    return resource_named(text, project.desired.resources, choosing_kind())


def offer_of(project: "Project", address: Address) -> ChoiceOffer:
    """The checkpoints with previews that this document can choose from; the account is read."""
    if address.kind != choosing_kind():
        raise ProjectError(f"a checkpoint is chosen in a {choosing_kind()}, not in {address}")
    return run(_offer_of(project, address))


async def _offer_of(project: "Project", address: Address) -> ChoiceOffer:
    resource = project.desired.resources[address]
    async with project.session() as session:
        training = await training_of(session, _training(resource))
        return ChoiceOffer(
            address, training, _chosen(resource), training_mark(session, training.address, resource)
        )


def _training(resource: Resource) -> Address:
    return next(one for one in resource.references if kind_of(one).has_previews)


def _chosen(resource: Resource) -> str | None:
    found: str | None = getattr(resource.spec, kind_of(resource.address).choice or "", None)
    return found


def training_mark(session: RunSession, training: Address, resource: Resource) -> str | None:
    """The first digits of the training's identity, for documents that say which training they chose from."""
    if MARK not in type(resource.spec).model_fields:
        return None
    identity = identity_of(session, training)
    if not identity:
        raise ProjectError(
            f"nobody can tell what {training} is made from: its data is not here",
            "a choice has to name its training: run the command where the data is, or lock its digest",
        )
    return identity[:TRAINING_DIGITS]


def check_label(project: "Project", offer: ChoiceOffer, label: str) -> None:
    """Raise where this checkpoint is not there, or made no preview."""
    job_id, validated = offer.training.job.job_id, offer.training.validated
    if label not in validated:
        near = did_you_mean(label, validated)
        hint = f"did you mean {near}?" if near else f"there are {listed(validated)}"
        raise ProjectError(f"{job_id} has no previews of {label}", hint)

    async def made() -> int:
        async with project.account() as account:
            previews = await account.studio.jobs.previews(job_id, label)
            return sum(bool(one.video_path) for one in previews)

    if not run(made()):
        raise ProjectError(f"{label} failed validation: it made no preview", "choose another one")


def edited(
    project: "Project", offer: ChoiceOffer, label: str, evidence: Mapping[str, Any] | None = None
) -> ChosenEdit:
    """The file with the choice in it; nothing is written yet."""
    resource = project.desired.resources[offer.address]
    path = Path(resource.origin.file)
    before = text_of(path)
    choice = kind_of(offer.address).choice
    assert choice is not None  # noqa: S101 - the offer is of a kind that chooses
    fields: dict[str, Any] = {choice: label}
    if offer.mark:
        fields[MARK] = offer.mark
    if evidence:
        fields[EVIDENCE] = evidence
    key = next(field for field, one in _references(resource) if one == offer.training.address)
    after = with_fields(before, resource.origin.line, fields, after=key)
    if after is None:
        raise ProjectError(f"{resource.origin} does not hold the document any more", "run the command again")
    return ChosenEdit(offer.address, path, before, after, label)


def _references(resource: Resource) -> list[tuple[str, Address]]:
    return list(kind_of(resource.address).document.references_of(resource.spec))


def written(project: "Project", edit: ChosenEdit) -> None:
    """Write the file, if what was chosen is there then, and else nothing is different."""
    rewrite(project, edit, _own(edit), lambda resource: _chosen(resource) == edit.label)


def check_chosen(project: "Project", edit: ChosenEdit) -> None:
    """The same without the writing."""
    check_edit(project, edit, _own(edit), lambda resource: _chosen(resource) == edit.label)


def _own(edit: ChosenEdit) -> set[str]:
    return {kind_of(edit.address).choice or "", MARK, EVIDENCE}


def chosen_from_gallery(
    project: "Project", review: Review, address: str, column: int, notes: Any
) -> ChosenEdit:
    """The edit for a button of the gallery: what was looked at is the evidence."""
    offer = offer_of(project, document_named(project, address))
    if offer.training.job.job_id != review.job_id:
        raise ProjectError(f"{offer.address} has another training now", "look at its previews: wanctl review")
    candidates = review.candidates
    one = candidates[column] if column < len(candidates) else None
    if one is None or one.job_id is not None:
        raise ProjectError("that is no checkpoint of this training")
    check_label(project, offer, one.label)
    try:
        _, noted = notes_in(notes)
    except ValueError:
        noted = {}
    return edited(project, offer, one.label, evidence_of(f"sha256:{review.digest}", noted, one.label))


def evidence_of(digest: str, notes: Mapping[str, str], label: str) -> dict[str, Any]:
    """What a choice rests on: the gallery that was looked at, and what was noted of the chosen one."""
    found: dict[str, Any] = {"gallery": digest}
    if note := " ".join(notes.get(label, "").split())[:_LONGEST_NOTE]:
        found["notes"] = note.replace("${", "$${")
    return found


def notes_from(path: Path) -> tuple[str, dict[str, str]]:
    """The gallery's digest and the notes, as its page exports them."""
    try:
        if path.stat().st_size > LARGEST_NOTES:
            raise ProjectError(f"{shown_path(path)} is larger than notes are")
        return notes_in(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ProjectError(f"{shown_path(path)} cannot be read as exported notes: {error}") from error


def notes_in(exported: Any) -> tuple[str, dict[str, str]]:
    """The same of a value; ValueError where it is none."""
    digest = exported.get("review") if isinstance(exported, dict) else None
    notes = exported.get("notes", {}) if isinstance(exported, dict) else None
    if not isinstance(digest, str) or not isinstance(notes, dict):
        raise ValueError("no review and notes")  # noqa: TRY004 - whoever reads it tells the file
    return digest, {str(key): str(value) for key, value in notes.items()}
