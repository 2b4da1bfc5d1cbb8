"""A judge's scores of a training's previews: what asking costs, the asking, and what a plan may go by.

The scores are kept by content on this machine, and shown as advice. Where a document leaves its choice to a
judge they go into the ledger as well, so that every machine plans alike.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wanctl.address import Address
from wanctl.base.words import counted
from wanctl.catalogue.base_models import Catalogue
from wanctl.generation.judge import Judge, Rubric, UnusableAnswer, cost_of_judging
from wanctl.generation.seeing import scored
from wanctl.ledger.record import Judgement
from wanctl.project.errors import ProjectError
from wanctl.project.reviews import choices_from, identity_of, reviews_folder, training_of
from wanctl.render.words import spell_amounts
from wanctl.review.collecting import Review, Showing
from wanctl.review.judging import (
    Advice,
    AnswerStore,
    JudgedPreview,
    shown,
    to_ask,
)

if TYPE_CHECKING:
    from wanctl.project import Project
    from wanctl.studio.client import Studio

FOLDER = "judged"
_AT_ONCE = 4


@dataclass(frozen=True)
class JudgedBy:
    """A judge, and the documents whose rubric it has."""

    judge: Judge
    documents: tuple[Address, ...]
    to_ask: tuple[Showing, ...]


@dataclass(frozen=True)
class Judging:
    """Everything that is to be judged of one review; nothing was asked yet."""

    training: Address
    review: Review
    judges: tuple[JudgedBy, ...]
    kept: AnswerStore
    catalogue: Catalogue

    @property
    def questions(self) -> int:
        return sum(len(one.to_ask) for one in self.judges)

    @property
    def cost(self) -> str:
        """What will be billed, as far as is known before."""
        asked = [
            one.judge.tokens(each.prompt, picture=each.first_frame is not None)
            for one in self.judges
            for each in one.to_ask
        ]
        cost = cost_of_judging(self.judges[0].judge.model, asked, self.catalogue)
        money = f", about {spell_amounts(cost.amount, cost.amount)} {cost.currency}" if cost.amount else ""
        return (
            f"{self.training}: {counted(self.questions, 'preview')} to judge with {cost.model}, billed by "
            f"the token: about {cost.asked:,} in and {cost.answered:,} out{money}."
        )


def judging(project: "Project", training: Address, review: Review, model: str) -> Judging:
    """Which previews have no scores yet. Documents with the same rubric share them."""
    by_rubric: dict[str, tuple[Rubric, list[Address]]] = {}
    for address in choices_from(project, training):
        rubric = getattr(project.desired.resources[address].spec, "rubric", None)
        if isinstance(rubric, Rubric):
            by_rubric.setdefault(rubric.digest, (rubric, []))[1].append(address)
    rubrics = list(by_rubric.values()) or [(Rubric(), [])]
    kept = AnswerStore(reviews_folder(project) / FOLDER)
    judges = [(Judge(model, rubric), tuple(addresses)) for rubric, addresses in rubrics]
    found = tuple(JudgedBy(judge, who, tuple(to_ask(judge, review, kept))) for judge, who in judges)
    return Judging(training, review, found, kept, project.desired.catalogue)


async def judged(
    project: "Project", work: Judging, say: Callable[[str], None] = lambda _: None
) -> tuple[Advice, ...]:
    """Ask what was not asked before, each once, and give everything that is known then."""
    async with project.account() as account:
        return tuple([await _advice(account.studio, work, one, say) for one in work.judges])


async def _advice(studio: "Studio", work: Judging, by: JudgedBy, say: Callable[[str], None]) -> Advice:
    at_once = asyncio.Semaphore(_AT_ONCE)
    found: dict[str, JudgedPreview] = {}

    async def ask(showing: Showing) -> None:
        key = by.judge.key(showing)
        try:
            async with at_once:
                scores = (await scored(by.judge, studio, showing)).value
        except UnusableAnswer as error:
            found[key] = JudgedPreview(problem=str(error))
            return
        work.kept.keep(by.judge, showing, scores)
        found[key] = JudgedPreview(scores)

    async with asyncio.TaskGroup() as group:
        for showing in by.to_ask:
            group.create_task(ask(showing))
    for showing in shown(work.review):
        scores = work.kept.get(by.judge, showing)
        if scores is not None:
            found[by.judge.key(showing)] = JudgedPreview(scores)
    advice = Advice(by.judge, found, tuple(map(str, by.documents)))
    for candidate in work.review.candidates:
        score = advice.score(candidate)
        say(f"{candidate.label}  judged {score:g}" if score is not None else f"{candidate.label}  no score")
    return advice


def unusable(advices: Sequence[Advice]) -> list[str]:
    """Why previews have no scores, a sentence for each reason."""
    problems = [one.problem for advice in advices for one in advice.previews.values() if one.problem]
    return [f"{counted(problems.count(why), 'preview')} not judged: {why}" for why in dict.fromkeys(problems)]


async def left_to_judge(project: "Project", work: Judging, advices: Sequence[Advice]) -> list[str]:
    """Write the scores into the ledger for documents that leave the choice to a judge; a sentence each."""
    waiting = {
        Address.parse(name): advice
        for advice in advices
        for name in advice.asked_by
        if getattr(project.desired.resources[Address.parse(name)].spec, "choose", None)
    }
    if not waiting:
        return []
    if env := project.desired.settings.trains_in:
        there = f"wanctl --env {env} review {work.training} --judge"
        return [f"{address} is left to the judge in {env}; there: {there}" for address in waiting]
    review = work.review
    async with project.leased() as store, project.session(store) as session:
        looked = await training_of(session, work.training)
        identity = identity_of(session, work.training)
        if looked.job.job_id != review.job_id or identity is None:
            raise ProjectError(
                f"{work.training} has another training now", "look at its previews: wanctl review"
            )
        if missing := set(looked.validated) - {one.label for one in review.candidates}:
            return [f"the ledger takes the scores of all checkpoints only: {len(missing)} were left out"]
        record = session.journal.record
        entries = {
            address: record.entry(address).model_copy(
                update={
                    "judgement": Judgement(
                        training=identity,
                        job_id=review.job_id,
                        gallery=f"sha256:{review.digest}",
                        rubric=advice.judge.rubric.digest,
                        model=advice.judge.model,
                        scores=advice.scores(review),
                    )
                }
            )
            for address, advice in waiting.items()
        }
        await session.journal.learn(entries)
    return [f"{address} is left to the judge; wanctl plan shows what it takes." for address in entries]
