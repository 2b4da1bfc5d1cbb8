"""Which orphans a person means to prune, and whether it is certain that they are orphans. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from wanctl.address import Address, Kind
from wanctl.dataset.naming import parse_upload_name
from wanctl.kinds.identity import is_model_of, resource_in_job_name
from wanctl.kinds.snapshot import Snapshot
from wanctl.ledger.record import Record, Verb
from wanctl.plan import Action, Orphan, Plan, When


class PruneRefused(Exception):  # noqa: N818 - reads as what happened
    """Nothing was deleted; the message says what stands in the way."""


@dataclass(frozen=True)
class OrphanToDelete:
    """An orphan that is to go."""

    kind: Kind
    remote_id: str
    in_flight: bool = False  # a job that trained when it was named: canceled, and its record kept

    @property
    def address(self) -> Address:
        """Orphans are in no spec, so their ids are their names."""
        return Address(self.kind, self.remote_id)


@dataclass(frozen=True)
class Account:
    """What the choice is made from: the plan of the specs, and what it was made from."""

    plan: Plan
    snapshot: Snapshot
    record: Record

    @property
    def orphans(self) -> Iterator[OrphanToDelete]:
        for orphan in self.plan.orphans:
            kind = Kind(orphan.kind)
            job = self.snapshot.job_by_id.get(orphan.remote_id) if kind is Kind.FINETUNE else None
            yield OrphanToDelete(kind, orphan.remote_id, in_flight=bool(job and job.in_flight))


def to_delete_by_name(account: Account, names: Collection[str]) -> tuple[OrphanToDelete, ...]:
    """The orphans that are named, by id or by the resource that they once stood for."""
    _refuse_doubt(account.plan)
    orphans = tuple(account.orphans)
    found: dict[OrphanToDelete, None] = {}
    for name in names:
        meant = [one for one in orphans if name in {one.remote_id, str(one.address)}]
        meant = meant or [one for one in orphans if name in _former_addresses(one, account)]
        meant = meant or _on_its_way_out(name, account)
        if not meant:
            raise PruneRefused(_why_not(name, account))
        found |= dict.fromkeys(meant)
    return tuple(found)


def all_to_delete(account: Account) -> tuple[OrphanToDelete, ...]:
    """Every orphan but what is in flight, which is being paid for, and what was not made with this ledger,
    which a clone or an environment of the same name may need: these go only by name."""
    _refuse_doubt(account.plan)
    if not account.plan.steps:
        raise PruneRefused(
            "the specs hold no resource at all, so everything of ours would be an orphan; "
            "an empty project deletes nothing. Name what is to go"
        )
    spared = not_made_here(account)
    return tuple(one for one in account.orphans if not one.in_flight and one.remote_id not in spared)


def _refuse_doubt(plan: Plan) -> None:
    """What the specs want cannot be told from what nobody wants while the plan itself is in doubt."""
    for step in plan.steps:
        blocked = step.when is When.BLOCKED
        unread = blocked and step.address.kind is Kind.DATASET
        undecided = step.remote_id is None and (blocked or step.when is When.SERVICE)
        if unread or undecided or (blocked and step.action is Action.ADOPT):
            raise PruneRefused(
                f"nothing is pruned while {step.address} is in doubt, for an orphan may be what it wants: "
                f"{step.reason}. See wanctl plan"
            )


def _former_addresses(orphan: OrphanToDelete, account: Account) -> set[str]:
    """What it stood for: by the ledger, and by the name that it carries."""
    context_claims = claims(account.record)
    known = {context_claims[orphan.remote_id]} if orphan.remote_id in context_claims else set()
    file = account.snapshot.file_by_id.get(orphan.remote_id)
    job = account.snapshot.job_by_id.get(orphan.remote_id)
    if file and (named := parse_upload_name(file.filename)):
        known.add(str(Address.dataset(named.name)))
    if job and (name := resource_in_job_name(job)):
        known.add(str(Address.finetune(name)))
    return known


def not_made_here(account: Account) -> tuple[str, ...]:
    """Orphans that no run with this ledger made, or found to be the answer to a call of its own; nor do they
    serve a model of such. A person who adopted one answers for it."""
    made = {
        line.remote_id
        for line in account.record.history
        if line.result == "ok"
        or line.verb == Verb.ADOPT
        or (line.result == "found" and line.verb != Verb.LOOK)
    }
    outputs = {job.finetuned_output for job in account.snapshot.jobs if job.job_id in made} - {None}
    live = account.snapshot.deployment_by_id
    return tuple(
        one.remote_id
        for one in account.orphans
        if one.remote_id not in made
        and not (
            one.kind is Kind.DEPLOYMENT
            and any(is_model_of(live[one.remote_id].model_name or "", output) for output in outputs)
        )
    )


def claims(record: Record) -> dict[str, str]:
    """Remote id → the address that the ledger gives it to."""
    return {
        one.remote_id: address
        for address, entry in record.entries.items()
        for one in (*entry.past, *entry.retiring, *((entry.current,) if entry.current else ()))
    }


def _on_its_way_out(name: str, account: Account) -> list[OrphanToDelete]:
    """A deployment that an earlier prune told to go is no orphan any more, and may be waited for."""
    live = account.snapshot.deployment_by_id.get(name.removeprefix(f"{Kind.DEPLOYMENT}/"))
    if live is None or not live.leaving:
        return []
    asked = OrphanToDelete(Kind.DEPLOYMENT, live.deployed_model)
    ours = any(
        line.address == str(asked.address) and line.verb == Verb.DELETE for line in account.record.history
    )
    return [asked] if ours else []


def _why_not(name: str, account: Account) -> str:
    """Why it cannot be pruned: it is wanted, it is the ledger's, it is not ours, or it is not there."""
    kind, _, remote_id = name.rpartition("/")
    for step in account.plan.steps:
        if name == str(step.address):
            return f"{name} has no orphan; what is in the specs is deleted by wanctl destroy or state: absent"
        if remote_id == step.remote_id and kind in {"", str(step.address.kind)}:
            return (
                f"{remote_id} is {step.address} in the plan, and no orphan; "
                "what is in the specs is deleted by wanctl destroy or state: absent"
            )
    if kind == Kind.CHECKPOINT:
        return f"{name}: an exported checkpoint can be removed in the console only"
    if owner := claims(account.record).get(remote_id):
        return f"{remote_id} is {owner} by the ledger, and wanctl plan says what becomes of that"
    snapshot = account.snapshot
    if any(
        remote_id in held for held in (snapshot.file_by_id, snapshot.job_by_id, snapshot.deployment_by_id)
    ):
        return (
            f"{remote_id} is no orphan of ours: what is not ours is never touched, what ended costs nothing"
        )
    return f"there is no orphan {name}; wanctl prune lists what there is"


def unlisted(orphans: Collection[Orphan], to_delete: Collection[OrphanToDelete]) -> tuple[Orphan, ...]:
    """The orphans that stay."""
    going = {(one.kind.value, one.remote_id) for one in to_delete}
    return tuple(one for one in orphans if (one.kind, one.remote_id) not in going)
