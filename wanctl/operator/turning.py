"""One turn of one project: its objects, texts and account are gathered, planned, and applied as far as they
may be. What comes of it is a value; writing it to the cluster is done elsewhere.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from wanctl.address import Address
from wanctl.base.errors import WanctlError
from wanctl.base.running import first_of
from wanctl.base.words import counted
from wanctl.engine.converge import Watcher
from wanctl.engine.gates import Gate
from wanctl.finding import Severity
from wanctl.kubernetes.client import KubernetesClient
from wanctl.kubernetes.errors import (
    ClusterBusyError,
    ClusterUnreachableError,
    NoAnswerError,
    NoSuchObjectError,
)
from wanctl.kubernetes.resources import CONFIG_MAPS, SECRETS
from wanctl.language.findings import SpecErrors
from wanctl.language.models import State
from wanctl.language.root import SETTINGS_FILE, Root
from wanctl.language.settings import Provider
from wanctl.ledger.lease import LeaseHeld
from wanctl.ledger.record import Record
from wanctl.operator.artifacts import ArtifactProblem, artifact_of, fetched
from wanctl.operator.conditions import RECONCILING, STALLED, ObjectStanding, Turn, stable
from wanctl.operator.custom_resources import ACCOUNT, SecretRef, SourceRef, StudioAccountSpec
from wanctl.operator.documents import (
    VOLUME,
    FolderKey,
    KubeObject,
    ProjectObjects,
    TextKey,
    name_of,
    referred_folders,
    referred_texts,
    spec_of,
)
from wanctl.operator.inventory import KnownObjects, ProjectKey, account_named, is_leaving
from wanctl.operator.object_specs import ArtifactSpecs, ObjectSpecs, absent_is_kept, leaving_of, policy_of
from wanctl.project import Project
from wanctl.project.accounts import Accounts
from wanctl.project.host import Host
from wanctl.studio.credentials import Key
from wanctl.studio.errors import (
    AuthError,
    LostAnswer,
    NoKey,
    ServerError,
    StudioError,
    Throttled,
    Unreachable,
)
from wanctl.studio.wire import CallListener, no_listener
from wanctl.watch.iteration import Iteration, Rounds, SpecsPlace
from wanctl.watch.policy import Approvals

_PASSING = (
    Unreachable,
    Throttled,
    ServerError,
    LostAnswer,
    LeaseHeld,
    ClusterBusyError,
    ClusterUnreachableError,
    NoAnswerError,
)
_MOST_TOLD = 3


class AccountProblem(WanctlError):  # noqa: N818 - reads as what happened
    """The project's account cannot be used; `reason` says it in a word for programs."""

    def __init__(self, reason: str, message: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy)
        self.reason = reason


@dataclass(frozen=True)
class OperatorPlace:
    """Where the operator is at home."""

    namespace: str  # of the accounts, and of the ledgers
    state: Path  # what this machine keeps: caches, archives that are being packed
    volumes: Path  # where claims are mounted, as NAMESPACE/CLAIM
    ledger: str  # where ledgers are, with {namespace} and {project}
    host: Host

    def ledger_of(self, key: ProjectKey, environment: object) -> str:
        name = f"{key.name}.{environment}" if isinstance(environment, str) else key.name
        return self.ledger.format(namespace=key.namespace, project=name)


@dataclass
class Turning:
    """Makes the turns of one project, and keeps what the next one has to know."""

    key: ProjectKey
    place: OperatorPlace
    client: KubernetesClient
    accounts: Accounts
    watcher: Watcher
    on_call: CallListener = no_listener
    _rounds: Rounds | None = None
    _approvals: Approvals = field(default_factory=Approvals)

    async def take(self, inventory: KnownObjects, arrive: Callable[[], Awaitable[float]]) -> Turn:
        """Whatever goes wrong is part of the turn. `arrive` is asked once all but the account was read."""
        try:
            return await self._turn(inventory, arrive)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other projects go on and it is told
            return Turn(problem=problem_of(first_of(error)))

    async def _turn(self, inventory: KnownObjects, arrive: Callable[[], Awaitable[float]]) -> Turn:
        project = inventory.project(self.key)
        assert project is not None  # noqa: S101 - it was looked for
        account = self._account(project, inventory)
        self._check_name(inventory)
        host = await self._host(account)
        objects = await self._objects(project, account, inventory)
        home = self.place.state / self.key.namespace / self.key.name
        specs = await self._specs(objects, home)
        rounds = self._rounds_of(objects, specs, home, host)
        begun = await asyncio.to_thread(rounds.begun, rounds.checkout.update())
        inventory.claim(self.key, begun.project.name)
        since = await arrive()
        self._check_name(inventory)  # again: the names of those that are made of files are known by now
        iteration = await rounds.carried_out(begun, since)
        resources = begun.project.desired.resources
        leaving = leaving_of(objects) & resources.keys()
        absent = frozenset(one for one in leaving if resources[one].spec.state is State.ABSENT)
        referred = {target for one in resources.values() for target in one.references}
        revision = specs.revision if isinstance(specs, ArtifactSpecs) else None
        turn = replace(turn_of(iteration), absent=absent, free=absent - referred)
        return replace(turn, needed=leaving - absent, revision=revision)

    def _check_name(self, inventory: KnownObjects) -> None:
        if other := inventory.namesake(self.key):
            message = f"a project of this name is kept in this account already: WanProject {other}"
            raise AccountProblem("ProjectNameTaken", message, "give it another name under project")

    def _account(self, project: KubeObject, inventory: KnownObjects) -> KubeObject:
        name, home = account_named(project), self.place.namespace
        account = inventory.account(home, name) if name else None
        if account is None or is_leaving(account):
            raise AccountProblem("AccountMissing", f"there is no {ACCOUNT} {name} in the namespace {home}")
        allowed = spec_of(account).get("allowedNamespaces")
        if not isinstance(allowed, list) or not {"*", self.key.namespace} & set(map(str, allowed)):
            raise AccountProblem(
                "AccountRefused",
                f"{ACCOUNT} {name} does not allow the namespace {self.key.namespace}",
                "name it under allowedNamespaces there",
            )
        return account

    async def _host(self, account: KubeObject) -> Host:
        """The operator's machine with the account's key, and with no other one."""
        host = replace(self.place.host, key=None)
        if spec_of(account).get("provider") == Provider.SANDBOX:
            return host
        return replace(host, key=await key_of_account(self.client, account, self.place.namespace))

    async def _objects(
        self, project: KubeObject, account: KubeObject, inventory: KnownObjects
    ) -> ProjectObjects:
        documents = inventory.documents(self.key)
        texts = await self._texts(referred_texts(documents))
        ledger = self.place.ledger_of(self.key, spec_of(project).get("environment"))
        folders = await self._folders(referred_folders(documents))
        return ProjectObjects(project, account, documents, texts, ledger, folders=folders)

    async def _folders(self, wanted: frozenset[FolderKey]) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for one in sorted(wanted):
            if one.kind != VOLUME:
                found[one.shown] = await self._artifact(one.kind, one.name)
            elif (mounted := self.place.volumes / self.key.namespace / one.name).is_dir():
                found[one.shown] = mounted
        return found

    async def _artifact(self, kind: str, name: str) -> Path:
        artifact = await artifact_of(self.client, kind, name, self.key.namespace)
        return await fetched(artifact, self.place.state / "artifacts")

    async def _specs(self, objects: ProjectObjects, home: Path) -> SpecsPlace:
        """The place of the specs: the objects, or an artifact that holds files."""
        folder = home / "data"
        folder.mkdir(parents=True, exist_ok=True)
        ref = spec_of(objects.project).get("sourceRef")
        if ref is None:
            return ObjectSpecs(objects, folder, leaving_of(objects))
        source = SourceRef.model_validate(ref)
        if objects.documents:
            first = objects.documents[0]
            what = f"{first.get('kind')}/{name_of(first)}"
            raise AccountProblem(
                "TwoSources", f"{what} is part of a project whose documents are files", "delete it"
            )
        artifact = await artifact_of(self.client, source.kind, source.name, self.key.namespace)
        top = await fetched(artifact, self.place.state / "artifacts")
        inside = Root(top, top).follow(top, source.path)
        if not (inside / SETTINGS_FILE).is_file():
            raise ArtifactProblem(f"there is no {SETTINGS_FILE} in {source.path} of {artifact.revision}")
        return ArtifactSpecs(objects, inside, artifact.revision)

    async def _texts(self, wanted: frozenset[TextKey]) -> dict[TextKey, str]:
        found: dict[TextKey, str] = {}
        for name in sorted({one.config_map for one in wanted}):
            try:
                data = (await self.client.get(CONFIG_MAPS, name, self.key.namespace)).get("data") or {}
            except NoSuchObjectError:
                continue  # told where it is referred to
            found |= {one: data[one.key] for one in wanted if one.config_map == name and one.key in data}
        return found

    def _rounds_of(self, objects: ProjectObjects, specs: SpecsPlace, home: Path, host: Host) -> Rounds:
        if self._rounds is None:
            self._approvals.where = f"add to spec.approvals of WanProject/{self.key.name}"
            self._rounds = Rounds(
                checkout=specs,
                environment=None,
                home=home,
                policy=policy_of(objects),
                host=host,
                on_call=self.on_call,
                watcher=self.watcher,
                connect=self.accounts.connect,
                approvals=self._approvals,
            )
        rounds = self._rounds
        rounds.checkout, rounds.policy, rounds.host = specs, policy_of(objects), host
        rounds.gates = absent_is_kept if isinstance(specs, ObjectSpecs) else _none
        return rounds


def _none(_: Project, __: Record) -> tuple[Gate, ...]:
    return ()


async def key_of_account(client: KubernetesClient, account: KubeObject, namespace: str) -> Key:
    """The API key; AccountProblem says what is lost, and nothing of what is in the Secret."""
    spec = StudioAccountSpec.model_validate(dict(spec_of(account)))
    ref = spec.secret_ref
    if ref is None:
        raise AccountProblem(
            "KeyMissing", f"{ACCOUNT} {name_of(account)} has no secretRef", "name its Secret"
        )
    try:
        secret = await client.get(SECRETS, ref.name, namespace)
    except NoSuchObjectError:
        raise _lost(ref, namespace) from None
    try:
        text = base64.b64decode(str((secret.get("data") or {})[ref.key]), validate=True).decode("ascii")
    except (KeyError, binascii.Error, UnicodeDecodeError):
        raise _lost(ref, namespace) from None
    if not text.strip():
        raise _lost(ref, namespace)
    return Key(text.strip())


def _lost(ref: SecretRef, namespace: str) -> AccountProblem:
    return AccountProblem(
        "KeyMissing",
        f"the Secret {ref.name} with the key {ref.key} is not in the namespace {namespace}: "
        "nothing is planned, and nothing is deleted at the service",
        "bring it back; to let objects go without it, set deletionPolicy: Retain",
    )


def turn_of(iteration: Iteration) -> Turn:
    """What a round came to."""
    failures = {Address.parse(address): text for address, text in iteration.failures.items()}
    return Turn(iteration.plan, iteration.to_approve, failures, held_by=iteration.held_by)


def problem_of(error: Exception) -> ObjectStanding:
    """Why there is no plan: what passes by itself, or what a person has to mend."""
    if isinstance(error, SpecErrors):
        return ObjectStanding("InvalidSpecs", _told(error), STALLED)
    if isinstance(error, AccountProblem):
        return ObjectStanding(error.reason, str(error), STALLED)
    if isinstance(error, LeaseHeld):
        return ObjectStanding("LeaseHeld", "another run applies just now", RECONCILING)
    if isinstance(error, _PASSING):
        return ObjectStanding("TryingAgain", stable(_plainly(error)), RECONCILING)
    if isinstance(error, AuthError | NoKey):
        return ObjectStanding("KeyRefused", stable(_plainly(error)), STALLED)
    if isinstance(error, WanctlError):
        return ObjectStanding("CannotPlan", stable(_plainly(error)), STALLED)
    return ObjectStanding(
        "CannotPlan", f"an error of wanctl itself ({type(error).__name__}); its log says more", STALLED
    )


def _plainly(error: Exception) -> str:
    """Without request ids, which differ each time."""
    if isinstance(error, StudioError):
        said = ": ".join(part for part in (error.code, error.service_message) if part)
        return f"{error.message}: {said}" if said else error.message
    return str(error)


def _told(errors: SpecErrors) -> str:
    found = [one for one in errors.diagnostics if one.severity is Severity.ERROR]
    lines = [
        f"{one.place}: {stable(one.message)}" + (f" ({stable(one.hint)})" if one.hint else "")
        for one in found[:_MOST_TOLD]
    ]
    left = len(found) - len(lines)
    return "; ".join([*lines, *([f"and {counted(left, 'more error')}"] if left > 0 else [])])
