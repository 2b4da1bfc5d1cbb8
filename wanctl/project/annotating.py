"""dataset annotate: drafts of the missing captions by a vision model, written where a person reviews them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wanctl.address import Address
from wanctl.base.running import run
from wanctl.dataset.captioning import Brief, Captions, parts_of, unwritten
from wanctl.dataset.checks.captions import effect_of
from wanctl.dataset.contents import DatasetFacts, Sample
from wanctl.project import Project
from wanctl.project.datasets import dataset_address
from wanctl.project.errors import ProjectError
from wanctl.studio.client import Studio

MODEL = "qwen3-vl-plus"  # the model of the service's guide
_AT_ONCE = 4


@dataclass(frozen=True)
class Drafting:
    """What is to be asked for."""

    address: Address
    folder: Path
    facts: DatasetFacts
    samples: tuple[Sample, ...]
    brief: Brief
    model: str


def drafting(project: Project, name: str, model: str, trigger: str | None, effect: str | None) -> Drafting:
    """Which captions are missing, and what they have to share with those that are there."""
    address = dataset_address(project, name)
    folder = project.datasets.path(address)
    if not folder.is_dir() or project.desired.local_source(address) is None:
        raise ProjectError(f"{address} is no folder here", "unpack it into one and annotate that")
    facts = project.datasets.facts(address)
    known = effect_of([prompt for prompt in facts.prompts if prompt.strip()])
    word = trigger or known.trigger or project.desired.settings.vars.get("trigger")
    if not word:
        raise ProjectError(
            f"no caption of {address} tells its trigger word; name one, a rare word without a meaning: "
            f"wanctl dataset annotate {address.name} --trigger s86b5p"
        )
    described = effect or (known.description if known.trigger == word else "")
    if described and str(word).lower() not in described.lower():
        raise ProjectError(f"the effect's description has to contain its trigger word, {word}")
    return Drafting(address, folder, facts, unwritten(facts), Brief(str(word), described), model)


def annotate(project: Project, draft: Drafting, say: Callable[[Sample, str], None]) -> tuple[Sample, ...]:
    """Ask for each missing caption and write it as it comes; gives those whose answer is of no use."""

    async def work() -> tuple[Sample, ...]:
        captions, at_once = Captions(draft.folder), asyncio.Semaphore(_AT_ONCE)
        unusable: list[Sample] = []

        async def drafted(studio: Studio, sample: Sample) -> str:
            async with at_once:
                parts = await asyncio.to_thread(parts_of, sample, draft.brief, draft.folder, draft.facts)
                answer = await studio.chat.complete(draft.model, parts)
            return " ".join(answer.value.split())

        async with project.account() as account, asyncio.TaskGroup() as group:
            asked = [(one, group.create_task(drafted(account.studio, one))) for one in draft.samples]
            for sample, task in asked:
                text = await task
                if draft.brief.trigger.lower() in text.lower():
                    captions.write({sample.line: text})
                    say(sample, text)
                else:
                    unusable.append(sample)
        return tuple(unusable)

    return run(work())
