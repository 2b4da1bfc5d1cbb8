"""What is live → documents of the specs. Pure: values of the service in, documents out.

What the service does not tell is not made up: it is remarked, left to a person, or left out.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from wanctl.address import Address, Kind
from wanctl.dataset.naming import parse_upload_name
from wanctl.engine.inventory import Inventory
from wanctl.kinds.deployment.echoed_config import echoed_config
from wanctl.kinds.identity import parse_job_name, resource_in_job_name
from wanctl.kinds.snapshot import Question, Read
from wanctl.language.models import LONGEST_NAME, FineTune, HyperParameters
from wanctl.language.resources import DOCUMENTS
from wanctl.language.writing import Written
from wanctl.studio.objects import CheckpointRow, Deployment, Job

UNREADABLE = "not readable from the service"
_SPLIT = ("split", "max_split_val_dataset_sample")  # idle where validation sets are given


class ImportRefused(Exception):  # noqa: N818 - reads as what happened
    """It cannot be written as specs; nothing was written."""


@dataclass(frozen=True)
class Imported:
    """The documents, and which live object each of those that need adoption stands for."""

    documents: tuple[Written, ...]
    adoptions: Mapping[Address, str]


def documents_of(inventory: Inventory, ids: Collection[str]) -> Imported:
    """Everything that is new, or what is named with all that it was made from."""
    writing = _Writing(inventory)
    for thing in _chosen(inventory, ids):
        if isinstance(thing, Job):
            writing.finetune(thing)
        elif isinstance(thing, Deployment):
            writing.deployment(thing)
        else:
            writing.checkpoint(*thing)
    return Imported(tuple(writing.documents), writing.adoptions)


def _chosen(
    inventory: Inventory, ids: Collection[str]
) -> Iterator[Job | Deployment | tuple[Job, CheckpointRow]]:
    things: dict[str, Job | Deployment | tuple[Job, CheckpointRow]] = {}
    for job in inventory.new_jobs():
        things[job.job_id] = job
        for row in inventory.rows(job.job_id):
            if row.model_name and row.model_name != job.finetuned_output:
                things[row.model_name] = (job, row)
    for one in inventory.new_deployments():
        things[f"{one.deployed_model} deployed"] = one
    if not ids:
        yield from (thing for thing in things.values() if not _of_another_project(inventory, thing))
    for remote_id in ids:
        found = things.get(f"{remote_id} deployed") or things.get(remote_id)
        if found is None:
            raise ImportRefused(_why_not(inventory, remote_id))
        yield found


def _of_another_project(inventory: Inventory, thing: Job | Deployment | tuple[Job, CheckpointRow]) -> bool:
    """What another project trained is imported only by name."""
    if isinstance(thing, Deployment):
        job = inventory.job_of(thing.model_name or "")
    else:
        job = thing if isinstance(thing, Job) else thing[0]
    mark = parse_job_name(job) if job else None
    return mark is not None and mark[0] != inventory.desired.settings.project


def _why_not(inventory: Inventory, remote_id: str) -> str:
    for kind, names in inventory.names.items():
        if remote_id in names:
            return f"{remote_id} is in the specs already, as {kind}/{names[remote_id]}"
    if owner := inventory.claimed.get(remote_id):
        return f"{remote_id} is {owner} by the ledger"
    return (
        f"{remote_id} is no job that gave a model, no exported checkpoint and no deployment of a video model "
        "in this account; wanctl import --dry-run shows what can be imported"
    )


@dataclass
class _Writing:
    """The documents so far, and the names that are given away."""

    inventory: Inventory
    documents: list[Written] = field(default_factory=list)
    adoptions: dict[Address, str] = field(default_factory=dict)
    _names: dict[Kind, dict[str, str | None]] = field(default_factory=dict)  # None: it could not be written

    _used: set[Address] = field(default_factory=set)
    _numbers: dict[tuple[Kind, str], int] = field(default_factory=dict)  # how many want a name
    _inputs: dict[object, Address] = field(
        default_factory=dict
    )  # of FineTunes: a spec tells them by nothing else

    def __post_init__(self) -> None:
        for address, resource in self.inventory.desired.resources.items():
            if isinstance(resource.spec, FineTune):
                self._inputs.setdefault(_inputs_of(resource.spec), address)
        self._names = {kind: dict(names) for kind, names in self.inventory.names.items()}
        self._used = {*self.inventory.desired.resources, *map(Address.parse, self.inventory.record.entries)}

    def dataset(self, file_id: str) -> str | None:
        known = self._names[Kind.DATASET]
        file = self.inventory.snapshot.file_by_id.get(file_id)
        if file_id not in known and file:
            ours = parse_upload_name(file.filename)
            address = self._address(
                Kind.DATASET, ours.name if ours else file.filename.rpartition(".")[0] or file_id
            )
            self._write(
                address,
                file_id,
                {"source": {"file_id": file_id}},
                (f"{file.filename}, {file.bytes or '?'} bytes",),
            )
        return known.get(file_id)

    def finetune(self, listed: Job) -> str | None:
        known = self._names[Kind.FINETUNE]
        if listed.job_id not in known:
            self._write_job(self._job(listed))
        return known.get(listed.job_id)

    def _job(self, listed: Job) -> Job:
        asked = self.inventory.snapshot.answers.get(Question(Read.JOB, listed.job_id))
        return asked if isinstance(asked, Job) else listed

    def _write_job(self, job: Job) -> None:
        own = job.job_name if job.job_name != job.job_id else None
        address = self._address(Kind.FINETUNE, resource_in_job_name(job) or own or job.job_id)
        training = [self.dataset(file_id) for file_id in dict.fromkeys(job.training_file_ids)]
        validation = [self.dataset(file_id) for file_id in dict.fromkeys(job.validation_file_ids)]
        parameters, unread = _parameters(job)
        fields: dict[str, Any] = {"model": job.model or job.base_model, "training": training}
        if validation:
            fields["validation"] = validation
        if parameters:
            fields["hyper_parameters"] = parameters
        remarks = [f"{job.job_id}, {job.status}, made {job.create_time or 'at an unknown time'}"]
        if len(set(job.training_file_ids)) < len(job.training_file_ids):
            remarks.append("it reads a file twice, which a spec cannot say: each is written once")
        if unread:
            remarks.append(f"{UNREADABLE}: {', '.join(unread)}")
        if not training or None in training or None in validation:
            gone = "the files that it was trained on are not in the account any more"
            remarks.append(gone if training else f"{UNREADABLE}: which files it was trained on")
            remarks += ["write its datasets, uncomment, and then:", f"  wanctl adopt {address} {job.job_id}"]
            fields |= {"training": [name for name in training if name]}
            self._propose(address, job.job_id, fields, tuple(remarks))
            return
        if twin := self._twin(address, fields):
            remarks.append(f"as far as the service tells, {twin} has the same inputs: specs cannot have both")
            self._propose(address, job.job_id, fields, tuple(remarks))
            return
        self._write(address, job.job_id, fields, tuple(remarks), adopt=True)

    def _twin(self, address: Address, fields: dict[str, Any]) -> Address | None:
        """Another FineTune with the very inputs of this one."""
        try:
            spec = FineTune.model_validate({"name": address.name, **fields})
        except ValidationError:
            return None  # it is not written either
        first = self._inputs.setdefault(_inputs_of(spec), address)
        return first if first != address else None

    def checkpoint(self, job: Job, row: CheckpointRow) -> str | None:
        assert row.model_name is not None  # noqa: S101 - it is exported
        known = self._names[Kind.CHECKPOINT]
        finetune = self.finetune(job)
        if row.model_name not in known and finetune:
            address = self._address(Kind.CHECKPOINT, f"{finetune}-{row.checkpoint.rpartition('-')[2]}")
            fields = {"finetune": finetune, "checkpoint": row.checkpoint}
            self._write(address, row.model_name, fields, (f"exported as {row.model_name}",))
        return known.get(row.model_name)

    def deployment(self, listed: Deployment) -> None:
        asked = self.inventory.snapshot.answers.get(Question(Read.DEPLOYMENT, listed.deployed_model))
        live = asked if isinstance(asked, Deployment) else listed
        model = self._model(live.model_name or "")
        name = model.get("finetune") or model.get("checkpoint") or live.deployed_model
        address = self._address(Kind.DEPLOYMENT, name)
        remarks = [f"{live.deployed_model}, {live.status}, serves {live.model_name}"]
        fields: dict[str, Any] = dict(model)
        if live.capacity is None:
            remarks.append(f"{UNREADABLE}: capacity; 1 is taken for it")
        fields["capacity"] = live.capacity or 1
        config = echoed_config(live)
        fields["aigc_config"] = config or {"unknown": True}
        if config is None:
            remarks.append(
                f"{UNREADABLE}: aigc_config. It serves on; nothing is deployed from this document before you "
                "write what it was given (use_input_prompt, prompt, lora_prompt_default) in the place of "
                "unknown: true, and say that it is that:"
            )
            remarks.append(f"  wanctl adopt {address} {live.deployed_model}")
        self._write(address, live.deployed_model, fields, tuple(remarks), adopt=True)

    def _model(self, model_name: str) -> dict[str, str]:
        """What it serves, by the documents where that is possible, else by its name at the service."""
        job = self.inventory.job_of(model_name)
        if job and model_name == job.finetuned_output and (name := self.finetune(job)):
            return {"finetune": name}
        if job and model_name != job.finetuned_output:
            rows = [row for row in self.inventory.rows(job.job_id) if row.model_name == model_name]
            if rows and (name := self.checkpoint(job, rows[0])):
                return {"checkpoint": name}
        return {"model_name": model_name}

    def _write(
        self,
        address: Address,
        remote_id: str,
        fields: dict[str, Any],
        remarks: tuple[str, ...],
        *,
        adopt: bool = False,
    ) -> None:
        """A document that is sure to be read again; what cannot be is proposed only."""
        try:
            DOCUMENTS[address.kind].model.model_validate({"name": address.name, **fields})
        except ValidationError as error:
            why = "; ".join(str(one["msg"]) for one in error.errors())
            self._propose(address, remote_id, fields, (*remarks, f"cannot be written as specs: {why}"))
            return
        self._names[address.kind][remote_id] = address.name
        self.documents.append(Written(address, fields, remarks))
        if adopt:
            self.adoptions[address] = remote_id

    def _propose(
        self, address: Address, remote_id: str, fields: dict[str, Any], remarks: tuple[str, ...]
    ) -> None:
        self._names[address.kind][remote_id] = None
        self.documents.append(Written(address, fields, remarks, proposed=True))

    def _address(self, kind: Kind, wished: str) -> Address:
        """A valid name, near to what it is called, that nothing of the kind has."""
        name = (
            re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9_-]+", "-", wished))
            .strip("-_")[:LONGEST_NAME]
            .rstrip("-_")
        )
        name = name or kind.lower()
        number, address = self._numbers.get((kind, name), 1), Address(kind, name)
        while address in self._used:
            number += 1
            address = Address(kind, f"{name[: LONGEST_NAME - len(str(number)) - 1]}-{number}")
        self._numbers[kind, name] = number
        self._used.add(address)
        return address


def _inputs_of(spec: FineTune) -> object:
    declared = tuple(spec.hyper_parameters.declared().items())
    return spec.model, frozenset(spec.training), frozenset(spec.validation), declared


def _parameters(job: Job) -> tuple[dict[str, Any], list[str]]:
    """The hyper-parameters that the service tells, and the names of those that it does not."""
    told: dict[str, Any] = {}
    unread = []
    for key in HyperParameters.model_fields:
        if key in _SPLIT and job.validation_file_ids:
            continue
        value = _number(job.hyper_parameters.get(key))
        try:
            HyperParameters.model_validate({key: value})
        except ValidationError:
            value = None
        if value is None:
            unread.append(key)
        else:
            told[key] = value
    return told, unread


def _number(value: Any) -> int | float | None:
    """A number however it is spelled."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() else number
