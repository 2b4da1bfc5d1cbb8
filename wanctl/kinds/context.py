"""The context that a kind plans in, and its plan of one resource.

`Context` is the live side, the ledger, and what was planned upstream. A kind that needs a read nobody made
yet puts a `Question`; the engine answers it and plans again. No I/O here.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from wanctl.address import Address, Kind
from wanctl.dataset.contents import LocalData
from wanctl.finding import Finding
from wanctl.kinds.snapshot import Question, Read, Snapshot, config_suffixes
from wanctl.language.models import DatasetPart, State
from wanctl.language.models import Deployment as DeploymentSpec
from wanctl.language.resources import Desired
from wanctl.ledger.record import Entry, Generation, HistoryLine, Intent, Record, Verb
from wanctl.plan import Step
from wanctl.studio.objects import CheckpointRow, Job, LogPage

SETTLE_TIME = timedelta(seconds=30)
BILLED_PATIENCE = 20  # times the settle time
ZONES = timedelta(minutes=15)  # zones differ by multiples of it

Claim = tuple[str, str]  # of what sort, and which


@dataclass(frozen=True)
class Measured:
    """The measures of the data, from which a training's length and price follow."""

    samples: int
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Provided:
    """The values that a resource gives to those that refer to it. A kind with more has its own class."""

    owned: bool = True  # its lineage ends in something of ours


@dataclass(frozen=True)
class ProvidedDataset(Provided):
    """None is not there yet."""

    content: str | None = None  # its identity, known before the upload
    file_id: str | None = None  # or the address of a folder in OSS


@dataclass(frozen=True)
class ProvidedModel(Provided):
    """The model that a training or an export gives; None is not there yet."""

    model_name: str | None = None  # what can be deployed
    job: Job | None = None  # of a training, once its job is found
    job_id: str | None = None  # also when only the ledger still knows the job
    training: str | None = None  # the identity of a training, as soon as its inputs are known
    origin: str | None = None  # which job and choice, where another environment made it


@dataclass(frozen=True)
class Planned:
    """A kind's answer for one resource: the step, what it provides, what the ledger learns."""

    step: Step
    provided: Provided = field(default_factory=Provided)
    learn: Entry | None = None
    findings: tuple[Finding, ...] = ()
    answered: bool = False  # what the open call came to is known: its intent is closed
    claims: tuple[Claim, ...] = ()  # what only one resource can have, the first that is planned
    unseen: tuple[str, ...] = ()  # fields of the live object that no answer tells


@dataclass(frozen=True)
class Context:
    """Everything a kind may look at, for one run of the planner; a kind can change nothing of it.

    Resources are planned in the order of their addresses, upstream first, however the specs are sorted: what
    was planned before stands in `planned`, and what it claimed in `claimed_first`. Questions are gathered.
    """

    desired: Desired
    snapshot: Snapshot
    record: Record
    local: Mapping[Address, LocalData]
    planned: Mapping[Address, Planned]
    claimed_first: Mapping[Claim, Address] = field(default_factory=dict)
    settle_time: timedelta = SETTLE_TIME
    why_gone: str = "the spec says state: absent"  # why what is absent is to go
    to_delete: frozenset[Address] = frozenset()  # what is to go although its document says nothing of it
    questions: set[Question] = field(default_factory=set)

    @property
    def project(self) -> str:
        return self.desired.settings.project

    @property
    def scope(self) -> str:
        """What tells the deployments of this environment from another's of the same model."""
        return self.project if self.desired.trainer is None else f"{self.project}/{self.desired.environment}"

    def entry(self, address: Address) -> Entry:
        return self.record.entry(address)

    def intent(self, address: Address) -> Intent | None:
        return self._intents.get(str(address))

    @cached_property
    def _intents(self) -> Mapping[str, Intent]:
        return {intent.address: intent for intent in self.record.intents}

    def users(self, address: Address) -> list[Address]:
        """Resources that are to stay and refer to this one."""
        return self._users.get(address, [])

    @cached_property
    def _users(self) -> Mapping[Address, list[Address]]:
        found: dict[Address, list[Address]] = {}
        for other, resource in self.desired.resources.items():
            if resource.spec.state is State.PRESENT:
                for one in dict.fromkeys(resource.references):
                    found.setdefault(one, []).append(other)
        return found

    def dataset(self, address: Address) -> ProvidedDataset:
        provided = self._provided(address)
        return provided if isinstance(provided, ProvidedDataset) else ProvidedDataset()

    def model(self, address: Address) -> ProvidedModel:
        provided = self._provided(address)
        return provided if isinstance(provided, ProvidedModel) else ProvidedModel()

    def _provided(self, address: Address) -> Provided | None:
        planned = self.planned.get(address)
        return planned.provided if planned else None

    def ends(self, address: Address) -> bool:
        """This very plan takes it away, and nothing guards it."""
        resource = self.desired.resources.get(address)
        spec = resource.spec if resource else None
        guarded = self.entry(address).protected or getattr(spec, "protect", False)
        going = spec is None or spec.state is State.ABSENT or address in self.to_delete
        return going and not guarded

    def ask(self, read: str, remote_id: str) -> Any | None:
        """The answer to a question, or None while it is open (and then it is asked)."""
        question = Question(read, remote_id)
        if question not in self.snapshot.answers:
            self.questions.add(question)
            return None
        return self.snapshot.answers[question]

    def answered(self, read: str, remote_id: str) -> bool:
        return Question(read, remote_id) in self.snapshot.answers

    def logs(self, job_id: str) -> LogPage | None:
        page = self.ask(Read.LOGS, job_id)
        return page if isinstance(page, LogPage) else None

    def checkpoints(self, job_id: str) -> tuple[CheckpointRow, ...] | None:
        rows = self.ask(Read.CHECKPOINTS, job_id)
        return rows if isinstance(rows, tuple) else None

    def measured(self, address: Address) -> Measured | None:
        """The measures of a dataset's samples: by its files, else by the ledger's record of that content."""
        local = self.local.get(address)
        if local and local.facts:
            return Measured(len(local.facts.samples), local.facts.seconds)
        content = self.dataset(address).content
        kept = self.entry(address).generation(content) if content else None
        if kept is None or "samples" not in kept.inputs:
            return None
        return Measured(len(kept.inputs["samples"]), tuple(kept.inputs["seconds"]))

    def called_at(self, verb: Verb, remote_id: str) -> datetime | None:
        """When the call was made that began this, by the account's clock; None where no answer is known."""
        return self._answered_calls.get((verb, remote_id))

    @cached_property
    def _answered_calls(self) -> Mapping[tuple[str, str], datetime]:
        answered = (line for line in self.record.history if line.result == "ok" and line.remote_id)
        return {(line.verb, line.remote_id or ""): line.at for line in answered}

    def elapsed(self, verb: Verb, remote_id: str) -> timedelta | None:
        """Since that call; None where nobody knows."""
        at = self.called_at(verb, remote_id)
        return self.snapshot.observed_at - at if at and at <= self.snapshot.observed_at else None

    @cached_property
    def recorded(self) -> Mapping[str, Generation]:
        """Remote id → what the ledger says that it was made from."""
        return {
            one.remote_id: one
            for entry in self.record.entries.values()
            for one in (*entry.past, *entry.retiring, *((entry.current,) if entry.current else ()))
        }

    @cached_property
    def last_lines(self) -> Mapping[tuple[str, str], HistoryLine]:
        """(address or remote id, verb) → the last line of the history about it."""
        return {
            (about, line.verb): line
            for line in self.record.history
            for about in (line.address, line.remote_id)
            if about
        }

    @cached_property
    def service_clock(self) -> timedelta | None:
        """By how much the service's times are ahead of UTC: it names no zone, but says when it made what we
        sent. None while no deployment of ours tells it."""
        ahead = None
        for one in self.recorded.values():
            line = self.last_lines.get((one.remote_id, Verb.DEPLOY))
            if one.created and line and line.result == "ok":
                ahead = round((one.created - in_utc(line.at)) / ZONES) * ZONES
        return ahead

    @cached_property
    def parts(self) -> Mapping[str, tuple[Address, ...]]:
        """The name of a Dataset → the parts of it that are drawn for somebody."""
        found: dict[str, tuple[Address, ...]] = {}
        for address, resource in self.desired.resources.items():
            if isinstance(resource.spec, DatasetPart) and resource.spec.needed:
                found[resource.spec.of] = (*found.get(resource.spec.of, ()), address)
        return found

    @cached_property
    def seconds_by_content(self) -> Mapping[str, tuple[float, ...]]:
        """Every content of a dataset that was uploaded or lies here → how long its clips are."""
        found = {
            one.identity: tuple(one.inputs["seconds"])
            for one in self.recorded.values()
            if "seconds" in one.inputs
        }
        here = (data.facts for data in self.local.values() if data.facts)
        return found | {facts.digest: facts.seconds for facts in here}

    @cached_property
    def models_in_service(self) -> Sequence[str]:
        """The models of all deployments that the ledger or this plan accounts for, sorted."""
        planned = {
            one.step.remote_id for address, one in self.planned.items() if address.kind == Kind.DEPLOYMENT
        }
        return sorted(
            one.model_name
            for one in self.snapshot.deployments
            if one.model_name
            and not one.gone
            and not one.leaving
            and (one.deployed_model in self.claimed or one.deployed_model in planned)
        )

    def patience_for(self, intent: Intent) -> timedelta:
        """How long lists may lag behind a call: longest where making it again would be billed again."""
        return self.settle_time * BILLED_PATIENCE if intent.verb == Verb.TRAIN else self.settle_time

    def listed_by_now(self, intent: Intent) -> bool:
        """A call's effect is in the lists by now, as a rule: enough to take it over, not to call again."""
        return self.snapshot.observed_at >= intent.at + self.settle_time

    def settling(self, intent: Intent) -> bool:
        """It is too early to say that the call had no effect: lists may lag behind it."""
        return self.snapshot.observed_at < intent.at + self.patience_for(intent)

    def overdue(self, address: Address) -> bool:
        """An open call had its time: an effect that no list shows by now is none."""
        intent = self.intent(address)
        return intent is not None and not self.settling(intent)

    def left_the_specs(self, kind: Kind) -> Sequence[tuple[Address, Entry]]:
        """The ledger's entries of this kind that no document stands for any more."""
        return self._without_document[kind]

    def left_behind(self, kind: Kind, identity: str) -> Generation | None:
        """The object of these inputs that was made for something which left the specs."""
        return self._left_behind.get((kind, identity))

    @cached_property
    def _left_behind(self) -> Mapping[tuple[Kind, str], Generation]:
        found: dict[tuple[Kind, str], Generation] = {}
        for address, entry in ((one, entry) for kind in Kind for one, entry in self.left_the_specs(kind)):
            for made in entry.generations:
                found.setdefault((address.kind, made.identity), made)
        return found

    @cached_property
    def _without_document(self) -> Mapping[Kind, Sequence[tuple[Address, Entry]]]:
        found: dict[Kind, list[tuple[Address, Entry]]] = defaultdict(list)
        for text, entry in self.record.entries.items():
            address = Address.parse(text)
            if address not in self.desired.resources:
                found[address.kind].append((address, entry))
        return found

    def learned(self, entry: Entry, remote_id: str, identity: str, inputs: dict[str, Any]) -> Entry | None:
        """The entry that the ledger should have for what was found live; None if it has it already."""
        if entry.current and entry.current.remote_id == remote_id and entry.current.identity == identity:
            return None
        known = entry.generation(identity)
        if known and known.remote_id == remote_id:
            return entry.with_current(known)
        return entry.with_current(
            Generation(remote_id=remote_id, identity=identity, inputs=inputs, since=self.snapshot.observed_at)
        )

    @cached_property
    def local_by_content(self) -> Mapping[str, Sequence[Address]]:
        """The content of a source on this machine, or the one that its spec has locked → the Datasets."""
        found: dict[str, list[Address]] = defaultdict(list)
        for address, data in self.local.items():
            locked = getattr(self.desired.resources[address].spec, "digest", None)
            if content := data.facts.digest if data.facts else (locked or "").removeprefix("sha256:"):
                found[content].append(address)
        return found

    @cached_property
    def suffix_owners(self) -> dict[str, Address]:
        """The end of a deployment's name → whose it would be."""
        return {
            suffix: address
            for address, resource in self.desired.resources.items()
            if isinstance(resource.spec, DeploymentSpec)
            for name in (address, *(one.old for one in self.desired.renames.get(address, ())))
            for suffix in config_suffixes(self.scope, name, resource.spec)
        }

    @cached_property
    def exports(self) -> Mapping[str, set[str | None]]:
        """Job id → the models that the ledger says were exported from it."""
        found: dict[str, set[str | None]] = defaultdict(set)
        for entry in self.record.entries.values():
            for one in entry.generations:
                job_id, slash, _ = one.identity.partition("/")
                if slash:
                    found[job_id].add(one.inputs.get("model_name"))
        return found

    @cached_property
    def plain_names(self) -> dict[str, Address]:
        """The name of a model → the Deployment that has it by the ledger, or may have it by a lost call."""
        found: dict[str, Address] = {}
        for text, entry in self.record.entries.items():
            for one in (entry.current, *entry.retiring):
                if one and one.remote_id == one.inputs.get("model_name"):
                    found.setdefault(one.remote_id, Address.parse(text))
        for intent in self.record.intents:
            if intent.verb == Verb.DEPLOY and not intent.inputs.get("suffix"):
                found.setdefault(intent.inputs["model_name"], Address.parse(intent.address))
        return found

    @cached_property
    def claimed(self) -> dict[str, str]:
        """Remote id → the address that the ledger gives it to."""
        elsewhere = self.snapshot.elsewhere.known.items()
        owners = {one: owner for one, owner in elsewhere if owner.startswith(f"{Kind.DEPLOYMENT}/")}
        gone = {str(address) for address, _ in self.left_the_specs(Kind.FINETUNE)}
        for address, entry in self.record.entries.items():
            if address in gone:
                continue  # a FineTune under another name has the right to its job
            for one in (entry.current, *entry.past, *entry.retiring):
                if one:
                    owners.setdefault(one.remote_id, address)
        return owners


def in_utc(moment: datetime) -> datetime:
    """In UTC, without saying so, as the service tells its times without their zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
