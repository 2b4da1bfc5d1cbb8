"""The commands for a dataset before it is applied: inspect it, pack it, lock it, compare it, and let a vision
model draft its missing captions, for a person to review.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wanctl.address import Address
from wanctl.base.files import replace_file
from wanctl.base.running import run
from wanctl.base.words import counted, did_you_mean
from wanctl.dataset.beginning import Beginning, beginning_of
from wanctl.dataset.captioning import Brief, Captions, parts_of, unwritten
from wanctl.dataset.checks.captions import effect_of
from wanctl.dataset.contents import ANNOTATIONS, DatasetError, DatasetFacts, LocalData, Sample
from wanctl.dataset.drafts import question_of, tokens_asked
from wanctl.dataset.manifest import ContentChanges, changes_since, manifest
from wanctl.dataset.reading import read_dataset
from wanctl.dataset.selecting import left_out_samples
from wanctl.finding import Finding, Severity
from wanctl.language.inspection import Inspection, inspection
from wanctl.language.models import Dataset, DatasetPart
from wanctl.language.rules.datasets import uses_of
from wanctl.language.splicing import with_fields
from wanctl.project import Project
from wanctl.project.errors import ProjectError
from wanctl.project.local import shown_path
from wanctl.studio.client import Studio

_LIVE = "live:"


def dataset_address(project: Project, name: str) -> Address:
    """The Dataset that a person means by its name or address."""
    plain = name.removeprefix("Dataset/")
    address = Address.dataset(plain)
    if address in project.desired.resources:
        return address
    known = [one.name for one in project.desired.resources if one.kind == address.kind]
    near = did_you_mean(plain, known)
    hint = f"did you mean {near}?" if near else f"there are: {', '.join(known) or 'none'}"
    raise ProjectError(f"the specs hold no Dataset/{plain}", hint)


def written_address(project: Project, name: str) -> Address:
    """The same of a Dataset that has a document; a part that is drawn has none."""
    address = dataset_address(project, name)
    spec = _spec(project, address)
    if isinstance(spec, DatasetPart):
        raise ProjectError(f"{address} is drawn from Dataset/{spec.of}", f"name that: {spec.of}")
    return address


def inspect(project: Project, name: str) -> Inspection:
    address = dataset_address(project, name)
    facts, problems = _read(project, address)
    data = project.datasets.viewed(address, LocalData(facts, problems=problems))
    path = project.datasets.path(address)
    source = _spec(project, address).source.shown_url or shown_path(path)
    found = inspection(project.desired, address, path, source, facts, data.problems)
    return replace(found, excluded=left_out_samples(path, _spec(project, address).exclude))


def _read(project: Project, address: Address) -> tuple[DatasetFacts, tuple[Finding, ...]]:
    """Also one that a plan would not look at, since its digest is locked."""
    data = project.local.get(address)
    if data and data.facts:
        return data.facts, data.problems
    if data is None or data.problem:
        raise ProjectError(f"{address}: {data.problem if data else 'it is uploaded already, and not here'}")
    seen = project.datasets.read_all_of(address)
    if seen.facts is None:
        raise ProjectError(f"{address}: {seen.problem or 'its source is not on this machine'}")
    return seen.facts, seen.problems


def build(project: Project, name: str, destination: Path) -> DatasetFacts:
    """Write the archive that would be uploaded; one that must not be is not written."""
    address = dataset_address(project, name)
    source = project.desired.local_source(address)
    if source and source.is_dir() and destination.resolve().is_relative_to(source.resolve()):
        raise ProjectError(
            f"{shown_path(destination)} lies in the source of {address}: the next upload would hold it, too; "
            "write it elsewhere"
        )
    facts, problems = _read(project, address)
    errors = [one for one in problems if one.severity is Severity.ERROR]
    if errors:
        place = f"{errors[0].place}: " if errors[0].place else ""
        raise ProjectError(
            f"{address} has {counted(len(errors), 'error')}, nothing was written; "
            f"the first: {place}{errors[0].message} (all of them: wanctl dataset inspect {address.name})"
        )
    destination.parent.mkdir(parents=True, exist_ok=True)
    project.datasets.write_archive(address, facts, destination)
    return facts


def differences(project: Project, before: str, after: str | None) -> ContentChanges:
    """From one content to another; with one name, from what is live by the ledger to what is here."""
    if after is None:
        before, after = f"{_LIVE}{before}", before
    if after.startswith(_LIVE):
        raise ProjectError(f"{after} stands first, as what was before: wanctl dataset diff {after} {before}")
    return changes_since(_samples(project, before), _facts(project, after))


def _samples(project: Project, written: str) -> list[dict[str, Any]]:
    if not written.startswith(_LIVE):
        return list(manifest(_facts(project, written))["samples"])
    address = dataset_address(project, written.removeprefix(_LIVE))
    current = project.record().entry(address).current
    if current is None:
        raise ProjectError(f"the ledger knows no upload of {address}")
    if "samples" not in current.inputs:
        raise ProjectError(
            f"the ledger does not say what is in {current.remote_id}, only that it is {address}"
        )
    return list(current.inputs["samples"])


def _facts(project: Project, written: str) -> DatasetFacts:
    path = Path(written)
    if path.exists() and (path.is_dir() or path.suffix.lower() == ".zip"):
        try:
            return read_dataset(path)
        except DatasetError as error:
            raise ProjectError(str(error)) from error
    return _read(project, dataset_address(project, written))[0]


@dataclass(frozen=True)
class Locked:
    """The lock of one dataset, and whether it changed."""

    address: Address
    digest: str
    place: str
    changed: bool


def lock(project: Project, name: str, *, check_only: bool = False) -> Locked:
    """Write the digest of what is here into the dataset's document, and touch nothing else in the file."""
    address = written_address(project, name)
    spec, resource = _spec(project, address), project.desired.resources[address]
    facts = project.datasets.read_all_of(address).facts or _read(project, address)[0]
    digest = f"sha256:{facts.digest}"
    place = resource.places.get("digest") or resource.places.get("source") or resource.origin
    if spec.digest == digest or check_only:
        return Locked(address, digest, str(place), spec.digest != digest)
    file = Path(resource.origin.file)
    with file.open(encoding="utf-8", newline="") as stream:
        text = stream.read()
    edited = with_fields(text, resource.origin.line, {"digest": digest}, after="source")
    if edited is None:
        raise ProjectError(f"{resource.origin} does not hold the document any more", "run the command again")
    replace_file(file, edited)
    again = Project.open(project.desired.directory, project.desired.environment, project.host)
    if _spec(again, address).digest != digest:
        raise ProjectError(f"{resource.origin.file} was edited and does not say so", "look at it: git diff")
    return Locked(address, digest, str(place), changed=True)


def _spec(project: Project, address: Address) -> Dataset:
    spec = project.desired.resources[address].spec
    assert isinstance(spec, Dataset)  # noqa: S101 - its address says so
    return spec


MODEL = "qwen3-vl-plus"  # the model of the service's guide
_AT_ONCE = 4


@dataclass(frozen=True)
class Drafting:
    """The captions to ask for."""

    address: Address
    folder: Path
    facts: DatasetFacts
    samples: tuple[Sample, ...]
    brief: Brief
    model: str
    beginning: Beginning | None = None  # of a data.jsonl that is not there yet

    @property
    def asked(self) -> int:
        """About how many tokens are asked."""
        return tokens_asked(self.samples, self.brief, self.facts)


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
    brief = Brief(str(word), described)
    if (folder / ANNOTATIONS).exists():
        return Drafting(address, folder, facts, unwritten(facts), brief, model)
    beginning = _beginning(project, address, facts)
    return Drafting(address, folder, facts, beginning.samples, brief, model, beginning)


def _beginning(project: Project, address: Address, facts: DatasetFacts) -> Beginning:
    uses = uses_of(project.desired, {address: facts}).get(address, ())
    beginning = beginning_of(facts, last_frames=any(use.last_frames for use in uses))
    if not beginning.samples:
        raise ProjectError(
            f"{address} has no {ANNOTATIONS}, and no clip or image that could be read",
            "put MP4 or MOV clips into it; wanctl dataset prepare makes them of footage",
        )
    return beginning


def annotate(project: Project, draft: Drafting, say: Callable[[Sample, str], None]) -> tuple[Sample, ...]:
    """Ask for each missing caption and write it as it comes; gives those whose answer is of no use.

    A data.jsonl that is not there yet is begun before. What was asked before is not asked again.
    """
    if draft.beginning:
        draft.beginning.write(draft.folder)
        facts = project.datasets.facts(draft.address)
        draft = replace(draft, facts=facts, samples=unwritten(facts), beginning=None)

    async def work() -> tuple[Sample, ...]:
        captions, at_once = Captions(draft.folder), asyncio.Semaphore(_AT_ONCE)
        kept = project.datasets.drafts()
        unusable: list[Sample] = []

        async def drafted(studio: Studio, sample: Sample) -> str:
            question = question_of(sample, draft.brief, draft.model, draft.facts)
            if (known := kept.get(question)) is not None:
                return known
            async with at_once:
                parts = await asyncio.to_thread(parts_of, sample, draft.brief, draft.folder, draft.facts)
                answer = await studio.chat.complete(draft.model, parts)
            text = " ".join(answer.value.split())
            if draft.brief.trigger.lower() in text.lower():
                kept.keep(question, text)
            return text

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
