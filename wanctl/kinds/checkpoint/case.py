"""One Checkpoint: its choice, the training that it belongs to, what speaks for it, and its export."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wanctl.address import Address
from wanctl.generation.judge import HIGHEST_SCORE
from wanctl.kinds.acting import CallResult, Tools
from wanctl.kinds.case import Case, FieldRule, FieldTable
from wanctl.kinds.context import Planned, ProvidedModel
from wanctl.language.fields import TRAINING_DIGITS
from wanctl.language.models import Checkpoint
from wanctl.ledger.record import Entry, Generation, Offer, Verb
from wanctl.plan import Action, Change, FieldClass, When
from wanctl.studio.objects import checkpoint_number

_NOTES_SHOWN = 160  # characters
FIELDS = FieldTable(FieldRule("checkpoint", FieldClass.IMMUTABLE, in_summary=True))


@dataclass(frozen=True)
class JudgesChoice:
    """The checkpoint that a judge thinks best."""

    label: str
    score: float
    model: str

    def __str__(self) -> str:
        return f"{self.score:g} of {HIGHEST_SCORE}"


@dataclass(frozen=True)
class CheckpointCase(Case):
    """One Checkpoint, the training that it belongs to, and what was exported of it before."""

    @property
    def spec(self) -> Checkpoint:
        assert isinstance(self.resource.spec, Checkpoint)  # noqa: S101 - the registry pairs them
        return self.resource.spec

    @property
    def label(self) -> str:
        """The chosen checkpoint, as the job calls it: a person's choice, else the judge's."""
        return self.spec.checkpoint or (self.verdict.label if self.verdict else "")

    @cached_property
    def verdict(self) -> "JudgesChoice | None":
        """The choice of the judge, where the spec leaves it to one and a checkpoint has the score for it."""
        best = self.best_judged
        wanted = self.spec.choose
        return best if best and wanted and best.score >= wanted.at_least else None

    @property
    def best_judged(self) -> "JudgesChoice | None":
        """The checkpoint with the best score, of equal ones the earlier. Scores of another training, or by
        another rubric, are none."""
        known = self.entry.judgement
        if self.spec.checkpoint is not None or self.spec.choose is None or known is None:
            return None
        same = (known.training, known.job_id) == (self.model.training, self.model.job_id)
        if not same or known.rubric != self.spec.rubric.digest or not known.scores:
            return None
        label = min(known.scores, key=lambda one: (-known.scores[one], checkpoint_number(one), one))
        return JudgesChoice(label, known.scores[label], known.model)

    @property
    def summary(self) -> str:
        """The choice, and the gallery that it rests on."""
        if self.verdict:
            return f"{self.label}, judged {self.verdict}"
        seen = self.spec.evidence
        return f"{self.label}, reviewed ({seen.gallery[:15]}…)" if seen else self.label

    @property
    def noted_summary(self) -> str:
        """The same with what was noted, for whoever is about to approve it."""
        notes = " ".join((self.spec.evidence.notes or "").split()) if self.spec.evidence else ""
        if len(notes) > _NOTES_SHOWN:
            notes = f"{notes[:_NOTES_SHOWN].rstrip()}…"
        return f"{self.summary}: “{notes}”" if notes else self.summary

    @property
    def finetune(self) -> Address:
        return Address.finetune(self.spec.finetune)

    @cached_property
    def model(self) -> ProvidedModel:
        """The training, as far as it is known."""
        return self.context.model(self.finetune)

    @property
    def identity(self) -> str:
        return f"{self.model.job_id}/{self.label}"

    @property
    def known(self) -> Generation | None:
        """The ledger's record of this checkpoint's export."""
        return self.entry.generation(self.identity)

    @property
    def asked_for(self) -> bool:
        """This attempt's export was asked for, by the ledger."""
        return self.known is not None and self.known.inputs.get("attempt") == self.spec.attempt

    @property
    def under_way(self) -> bool:
        """PENDING, or a status that nobody knows, alone does not say that an export was ever asked for; our
        own record does. Then it is waited for, not asked for again."""
        return self.asked_for or bool(self.intent and self.context.settling(self.intent))

    @property
    def changes(self) -> tuple[Change, ...]:
        current = self.entry.current
        before = current.identity.rpartition("/")[2] if current else None
        if before == self.label:
            return ()
        return (FIELDS.change("checkpoint", before, self.label),)

    @property
    def digits(self) -> str:
        """The training, as the spec names it behind of:."""
        return (self.model.training or "")[:TRAINING_DIGITS]

    @property
    def of_line(self) -> str:
        """How the spec says for which training a choice is; quoted where YAML would read a number."""
        number = re.fullmatch(r"[0-9]+(e[0-9]+)?", self.digits)
        return f'of: "{self.digits}"' if number else f"of: {self.digits}"

    @property
    def written(self) -> bool:
        """The spec says that the choice counts for this very training, or for all. A judge's is."""
        if self.verdict:
            return True
        return self.spec.unseen is not None or (self.spec.of is not None and self.spec.of == self.digits)

    @property
    def appeared(self) -> bool:
        """A run of this training saw another choice, or none; so this one was written later."""
        offer = self.entry.offer
        return bool(offer and offer.training == self.model.training and offer.choice != self.label)

    @property
    def doubt(self) -> str:
        """Why the choice does not count yet."""
        if self.spec.of is not None:
            return (
                f"{self.label} is the choice of another training, {self.spec.of}; this one is {self.digits}"
            )
        current = self.entry.current
        before = current.identity.partition("/")[0] if current else None
        if before and before != self.model.job_id:
            return f"{self.label} was chosen for {before}; of this training nobody has looked at it"
        return f"{self.label} was written before anybody could look at this training"

    @property
    def warning(self) -> str | None:
        """It is taken although nobody may have looked at it: the spec allows that."""
        if self.verdict:
            return f"chosen by {self.verdict.model}, {self.verdict}: no person need have looked at it"
        if self.spec.unseen is None or self.spec.of == self.digits:
            return None
        return "taken although nobody may have looked at it: unseen: allow"

    @property
    def again(self) -> str:
        """How a person asks for one more export."""
        place = self.resource.at("attempt")
        return f"to export again, write attempt: {self.spec.attempt + 1} at {place} (not billed)"

    def export(self, when: When, reason: str, **more: Any) -> Planned:
        return Planned(self.step(Action.EXPORT, when, reason, summary=self.noted_summary, **more))

    def choose(self, reason: str = "none chosen yet", **more: Any) -> Planned:
        return Planned(self.step(Action.CHOOSE, When.PERSON, reason, **more))

    def noted(self) -> Entry | None:
        """The entry with the choice as this run sees it, which does not count: one that is written later
        does. None where the ledger knows that."""
        training = self.model.training
        offer = Offer(training=training, choice=self.spec.checkpoint) if training else self.entry.offer
        return None if offer == self.entry.offer else self.entry.model_copy(update={"offer": offer})


@dataclass(frozen=True)
class Export:
    """The GET that changes state: called once, looked at afterwards."""

    address: Address
    job_id: str
    checkpoint: str
    display_name: str
    attempt: int
    verb: Verb = Verb.EXPORT

    @property
    def identity(self) -> str:
        return f"{self.job_id}/{self.checkpoint}"

    def inputs(self) -> dict[str, Any]:
        return {"display_name": self.display_name, "model_name": None, "attempt": self.attempt}

    async def perform(self, tools: Tools) -> CallResult:
        answer = await tools.studio.checkpoints.export(self.job_id, self.checkpoint, self.display_name)
        made = tools.generation(self.identity, self.identity, self.inputs())
        return CallResult(asked_again(tools.entry, made), self.identity, answer.request_id)


def asked_again(entry: Entry, made: Generation) -> Entry:
    """The same checkpoint under a new attempt replaces what was known of it."""
    others = tuple(one for one in entry.past if one.identity != made.identity)
    return entry.model_copy(update={"past": others}).with_current(made)
