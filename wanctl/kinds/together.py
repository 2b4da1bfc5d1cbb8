"""All resources planned together: in order, each in the light of those before it.

Where another environment trains for this one, what it makes is planned by its specs and its ledger as they
stand there, and only read: such a step has no call, teaches the ledger nothing, and says what is to be done
there.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from wanctl.address import Address
from wanctl.dataset.contents import LocalData
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Claim, Context, Planned, Provided, ProvidedModel
from wanctl.kinds.moving import moves_of
from wanctl.kinds.registry import kind_of, kinds
from wanctl.kinds.snapshot import Elsewhere, Snapshot
from wanctl.language.models import Checkpoint, Dataset, DatasetPart, State
from wanctl.language.resources import Desired, Resource
from wanctl.ledger.record import Record
from wanctl.plan import Action, Step, When
from wanctl.rules import Rule

_COMMAND = re.compile(r"\bwanctl (?=[a-z])")
_NOT_YET = {Action.UPLOAD: "uploaded", Action.TRAIN: "trained", Action.EXPORT: "exported"}


def planned_context(
    desired: Desired, snapshot: Snapshot, record: Record, local: Mapping[Address, LocalData], **more: Any
) -> Context:
    """Every resource planned, in the order of the addresses: the order of the documents decides nothing."""
    planned: dict[Address, Planned] = {}
    claimed: dict[Claim, Address] = {}
    context = Context(
        desired, snapshot, record, local, MappingProxyType(planned), MappingProxyType(claimed), **more
    )
    elsewhere = _made_elsewhere(context, desired.trainer) if desired.trainer else {}
    for address in sorted(desired.resources, key=lambda one: (one.kind.rank, one.name)):
        one = elsewhere.get(address) or kind_of(address).plan(desired.resources[address], context)
        planned[address] = one
        for claim in one.claims:
            claimed.setdefault(claim, address)
    for address, one in list(planned.items()):
        if address not in elsewhere:
            planned[address] = kind_of(address).reconsidered(address, one, context)
    return context


def is_made_elsewhere(address: Address, desired: Desired) -> bool:
    """Another environment makes it, and this one only reads it."""
    return desired.trainer is not None and not kind_of(address).goes_with_its_document


def trainer_findings(context: Context) -> Iterator[Finding]:
    """Doubts about the environment that trains: its ledger is not there, or tells of another account."""
    trainer, record = context.desired.trainer, context.snapshot.elsewhere.trained
    if trainer is None:
        return
    name = trainer.environment
    if record is None or not record.serial:
        yield Finding.warning(
            Rule.TRAINER_LEDGER,
            f"{name} has no ledger in {trainer.settings.ledger}: what it made is known by its names alone",
            hint=f"if nothing was made there yet: wanctl --env {name} apply. Else share its ledger with this "
            "machine: ledger: git:…, s3://… or another that both can read",
        )
    elif _of_another_account(record, context):
        yield Finding.error(
            Rule.TRAINER_ACCOUNT,
            f"nothing that the ledger of {name} knows is in this account: a model can be deployed only in "
            "the account and workspace that trained it",
            hint=f"check the key: it has to be of the account, region and workspace of {name}",
        )


def _of_another_account(record: Record, context: Context) -> bool:
    known = {one.current.remote_id for one in record.entries.values() if one.current}
    standing = {remote_id for kind in kinds() for remote_id in kind.standing(context.snapshot)}
    listed = {one for one in known if "/" not in one}  # an export has no list of its own
    if standing & context.record.owners.keys():
        return False  # what is ours is here: the other one may have deleted all that it had
    return bool(listed) and not listed & standing and not context.snapshot.unlisted


# What the other environment makes, as it stands there


def _made_elsewhere(context: Context, trainer: Desired) -> dict[Address, Planned]:
    record = context.snapshot.elsewhere.trained or Record(lineage="", project="", endpoint="")
    record = moves_of(trainer, record).record
    resources = {
        address: _by_its_ledger(resource, record, context.local)
        for address, resource in trainer.resources.items()
        if is_made_elsewhere(address, context.desired)
    }
    there = planned_context(
        replace(trainer, resources=resources),
        replace(context.snapshot, elsewhere=Elsewhere()),
        record,
        context.local,
        questions=context.questions,
    )
    name = trainer.environment or ""
    return {
        address: _only_read(made, resources[address], there, name) for address, made in there.planned.items()
    }


def _by_its_ledger(resource: Resource, record: Record, local: Mapping[Address, LocalData]) -> Resource:
    """A dataset whose media are not on this machine is what the ledger says that was uploaded."""
    current, data = record.entry(resource.address).current, local.get(resource.address)
    spec = resource.spec
    if not isinstance(spec, Dataset) or isinstance(spec, DatasetPart) or spec.digest:
        return resource  # a part is known by the whole that it is drawn from
    if current is None or data is None or not data.missing:
        return resource
    return replace(resource, spec=spec.model_copy(update={"digest": f"sha256:{current.identity}"}))


def _only_read(made: Planned, resource: Resource, there: Context, env: str) -> Planned:
    """The step as this environment sees it: settled, waited for, or for a person to do there."""
    step = _waiting(made.step, there, env)
    if resource.spec.state is State.ABSENT:
        step = replace(step, when=When.DONE, reason=f"absent; {env} sees to its end", hints=(), after=())
    plain = replace(
        step,
        action=step.action if step.action is Action.CHOOSE else Action.NOTHING,
        changes=(),
        ends=(),
        cost=None,
        warning=step.warning if step.action is Action.CHOOSE else None,
        drift=False,
        goes_on=False,
        effect=None,
        made_in=env,
        summary=_summary(step, resource, there),
    )
    findings = tuple(
        replace(one, message=f"in {env}: {one.message}")
        for one in made.findings
        if one.severity is Severity.WARNING and not plain.settled and not isinstance(resource.spec, Dataset)
    )
    return Planned(plain, _given(made.provided, plain, env), findings=findings)


def _waiting(step: Step, there: Context, env: str) -> Step:
    """When it can be used here, why, and what a person does for that."""
    hints = tuple(_in_environment(hint, env) for hint in step.hints)
    apply = f"wanctl --env {env} apply"
    if step.settled:
        return replace(step, reason=f"{step.reason} in {env}", hints=())
    reason = f"in {env}: {_in_environment(step.reason, env)}"
    if step.when is When.SERVICE:
        return replace(step, reason=reason, hints=hints)
    if step.when is When.BLOCKED:
        return replace(step, reason=reason, hints=(*hints, f"look there: wanctl --env {env} plan"))
    if step.when is When.PERSON:
        return replace(step, reason=reason, hints=(*hints, f"then:   {apply}"))
    done = _NOT_YET.get(step.action)
    reason = f"not {done} in {env} yet" if done else f"not done in {env} yet: {step.action}"
    if not step.routine and step.reason:
        reason = f"{reason}: {_in_environment(step.reason, env)}"
    before = [there.planned[one].step.when for one in step.after if one in there.planned]
    if before and any(one is not When.SERVICE for one in before):
        return replace(step, reason=reason, hints=())
    hint = f"{'after that' if before else 'there'}: {apply}"
    return replace(step, when=When.PERSON, reason=reason, hints=(hint,))


def _in_environment(text: str, env: str) -> str:
    """The commands of a text, as they are given there."""
    return _COMMAND.sub(f"wanctl --env {env} ", text)


def _summary(step: Step, resource: Resource, there: Context) -> str:
    """Which job, and which choice of it."""
    spec = resource.spec
    if isinstance(spec, Checkpoint) and step.summary and step.action is not Action.CHOOSE:
        job_id = there.model(Address.finetune(spec.finetune)).job_id
        return f"{step.summary}{f' of {job_id}' if job_id else ''}"
    given = there.planned[resource.address].provided
    settled_job = given.job_id if isinstance(given, ProvidedModel) and step.settled else None
    return settled_job or step.summary


def _given(provided: Provided, step: Step, env: str) -> Provided:
    """What it gives to those that are made here: nothing of it is ours."""
    if not isinstance(provided, ProvidedModel):
        return replace(provided, owned=False)
    model = provided.job_id or step.summary
    return replace(provided, owned=False, origin=f"{model} in {env}" if model else None)
