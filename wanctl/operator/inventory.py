"""The custom resources as the cluster last told of them, and which projects a change concerns."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wanctl.address import Address, Kind
from wanctl.operator.custom_resources import ACCOUNT, GROUP, PROJECT
from wanctl.operator.documents import KubeObject, kind_of, name_of, project_of, resource_name, spec_of

FINALIZER = f"{GROUP}/kept-at-the-service"
ASKED = f"{GROUP}/plan-again"  # an annotation: another value asks for a turn now


@dataclass(frozen=True, order=True)
class ProjectKey:
    """A WanProject."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def namespace_of(one: KubeObject) -> str:
    return str(one.get("metadata", {}).get("namespace", ""))


def kind_name(one: KubeObject) -> str:
    return str(one.get("kind", ""))


def generation_of(one: KubeObject) -> int:
    found = one.get("metadata", {}).get("generation")
    return found if isinstance(found, int) else 0


def is_leaving(one: KubeObject) -> bool:
    """Somebody asked for it to be deleted. Only this removes anything, never that an object is missing."""
    return bool(one.get("metadata", {}).get("deletionTimestamp"))


def finalizers_of(one: KubeObject) -> list[str]:
    return list(one.get("metadata", {}).get("finalizers") or ())


def status_of(one: KubeObject) -> Mapping[str, Any]:
    found = one.get("status")
    return found if isinstance(found, Mapping) else {}


def address_of(one: KubeObject) -> Address | None:
    """The resource that an object describes, as far as its name can be one."""
    kind, name = kind_of(one), resource_name(one)
    return Address(kind, name) if kind and isinstance(name, str) else None


def key_of(one: KubeObject) -> ProjectKey | None:
    """The project that an object is, or is part of."""
    name = name_of(one) if kind_name(one) == PROJECT else project_of(one)
    return ProjectKey(namespace_of(one), name) if name else None


def account_named(project: KubeObject) -> str | None:
    ref = spec_of(project).get("accountRef")
    name = ref.get("name") if isinstance(ref, Mapping) else None
    return name if isinstance(name, str) else None


def watched_kinds() -> tuple[str, ...]:
    return (ACCOUNT, PROJECT, *(str(kind) for kind in Kind))


@dataclass
class KnownObjects:
    """All objects of the kinds that are watched."""

    _objects: dict[str, dict[tuple[str, str], KubeObject]] = field(
        default_factory=dict
    )  # by kind, then place

    _claimed: dict[ProjectKey, str] = field(default_factory=dict)
    _owners: dict[tuple[str | None, str], ProjectKey] | None = None  # who has a name; None: to be looked for

    @property
    def complete(self) -> bool:
        """Each kind was listed: what is not here is not there."""
        return all(kind in self._objects for kind in watched_kinds())

    def take_all(self, kind: str, items: Iterable[KubeObject]) -> set[ProjectKey]:
        """All objects of a kind, as they are now. The projects that something changed for."""
        before = self._objects.get(kind, {})
        now = {_place(one): _slim(one) for one in items}
        self._objects[kind], self._owners = now, None
        changed = [
            one
            for place in before.keys() | now.keys()
            if _mark(before.get(place)) != _mark(now.get(place))
            for one in (before.get(place), now.get(place))
            if one is not None
        ]
        return {key for one in changed for key in self._concerned(one)}

    def take(self, one: KubeObject) -> set[ProjectKey]:
        """One object that was made or changed."""
        known = self._objects.setdefault(kind_name(one), {})
        before = known.get(_place(one))
        if before is not None and _is_older(one, before):
            return set()  # what we wrote ourselves was heard of first
        known[_place(one)] = _slim(one)
        if _mark(before) == _mark(one):
            return set()
        self._owners = None
        return {key for each in (before, one) if each is not None for key in self._concerned(each)}

    def drop(self, one: KubeObject) -> set[ProjectKey]:
        """One object that is gone."""
        self._owners = None
        self._objects.setdefault(kind_name(one), {}).pop(_place(one), None)
        return set(self._concerned(one))

    def project(self, key: ProjectKey) -> KubeObject | None:
        return self._objects.get(PROJECT, {}).get((key.namespace, key.name))

    def account(self, namespace: str, name: str) -> KubeObject | None:
        return self._objects.get(ACCOUNT, {}).get((namespace, name))

    def accounts(self) -> tuple[KubeObject, ...]:
        return tuple(self._objects.get(ACCOUNT, {}).values())

    def projects(self) -> tuple[ProjectKey, ...]:
        return tuple(sorted(ProjectKey(*place) for place in self._objects.get(PROJECT, {})))

    def claim(self, key: ProjectKey, name: str) -> None:
        """What a project is called by the files that it is made of, once they were read."""
        if self._claimed.get(key) != name:
            self._claimed[key], self._owners = name, None

    def namesake(self, key: ProjectKey) -> ProjectKey | None:
        """An older project of the same name in the same account: at the service nothing would tell them
        apart."""
        own = self._claim_of(key)
        if own is None:
            return None
        if self._owners is None:
            by_age = sorted(
                self.projects(), key=lambda one: (str(_created(self.project(one))), one), reverse=True
            )
            self._owners = {claim: one for one in by_age if (claim := self._claim_of(one))}
        owner = self._owners[own]
        return owner if owner != key else None

    def _claim_of(self, key: ProjectKey) -> tuple[str | None, str] | None:
        """What a project calls its own at the service, as far as that is known."""
        project = self.project(key)
        if project is None:
            return None
        spec = spec_of(project)
        name = self._claimed.get(key) if "sourceRef" in spec else spec.get("project")
        return (account_named(project), name) if isinstance(name, str) else None

    def documents(self, key: ProjectKey) -> tuple[KubeObject, ...]:
        """The objects of a project, upstream first."""
        return tuple(one for one in self._all_documents(key.namespace) if project_of(one) == key.name)

    def left_behind(self) -> tuple[KubeObject, ...]:
        """Documents that are to go and are held, though their project is not there any more."""
        return tuple(
            one
            for one in self._all_documents(None)
            if is_leaving(one) and FINALIZER in finalizers_of(one)
            if (key := key_of(one)) is None or self.project(key) is None
        )

    def _all_documents(self, namespace: str | None) -> Iterator[KubeObject]:
        for kind in Kind:
            for place, one in self._objects.get(str(kind), {}).items():
                if namespace is None or place[0] == namespace:
                    yield one

    def _concerned(self, one: KubeObject) -> Iterator[ProjectKey]:
        if kind_name(one) != ACCOUNT:
            if key := key_of(one):
                yield key
            return
        for place, project in self._objects.get(PROJECT, {}).items():
            if account_named(project) == name_of(one):
                yield ProjectKey(*place)


def _created(one: KubeObject | None) -> object:
    return one["metadata"].get("creationTimestamp", "") if one else ""


def _place(one: KubeObject) -> tuple[str, str]:
    return (namespace_of(one), name_of(one))


def _mark(one: KubeObject | None) -> tuple[object, ...] | None:
    """What differs once a person has changed something: our own writes to status change nothing of it."""
    if one is None:
        return None
    about = one.get("metadata", {})
    asked = (about.get("annotations") or {}).get(ASKED)
    return (about.get("uid"), about.get("generation"), about.get("deletionTimestamp"), asked)


def _is_older(one: KubeObject, known: KubeObject) -> bool:
    """The same object, at a version before the one that is known."""
    versions = [str(each["metadata"].get("resourceVersion", "")) for each in (one, known)]
    same = one["metadata"].get("uid") == known["metadata"].get("uid")
    return same and all(map(str.isdecimal, versions)) and int(versions[0]) < int(versions[1])


def _slim(one: KubeObject) -> KubeObject:
    """Without what nobody here reads, which is the larger part."""
    about = dict(one.get("metadata", {}))
    about.pop("managedFields", None)
    annotations = about.pop("annotations", None) or {}
    return {
        **one,
        "metadata": {
            **about,
            "annotations": {key: annotations[key] for key in (ASKED,) if key in annotations},
        },
    }
