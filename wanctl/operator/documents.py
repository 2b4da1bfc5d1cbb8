"""Custom resources → the documents that wanctl loads, each part with its place: Checkpoint/best .spec.of.

Pure: what ConfigMaps, artifacts and volumes hold was fetched before. The loading, the models and the rules
are those of files.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from wanctl.address import Address, Kind
from wanctl.base.words import quoted
from wanctl.language.findings import Findings
from wanctl.language.models import State
from wanctl.language.objects import ObjectOrigin, load_objects, object_document
from wanctl.language.resources import DOCUMENTS, Desired
from wanctl.language.root import PathRefused, Root
from wanctl.language.settings import DEFAULT_LEDGER, EDITION_PATTERN
from wanctl.language.texts import text_fields
from wanctl.language.translation import complaints, unknown_key
from wanctl.language.yaml.budget import SpecBudget
from wanctl.language.yaml.documents import Document
from wanctl.language.yaml.nodes import DocumentPath, dotted
from wanctl.ledger.location import own_location
from wanctl.operator.crds import NOT_IN_OBJECTS, OF_THE_ACCOUNT
from wanctl.operator.custom_resources import ACCOUNT, PROJECT, StudioAccountSpec, WanProjectSpec
from wanctl.rules import Rule

KubeObject = Mapping[str, Any]
_OWN_KEYS = frozenset(one.alias or name for name, one in WanProjectSpec.model_fields.items())
VOLUME = "PersistentVolumeClaim"
ARTIFACT_KINDS = frozenset({"GitRepository", "OCIRepository", "Bucket"})
_WRAPPING = frozenset({"projectRef", "name"})


@dataclass(frozen=True)
class TextKey:
    """A key of a ConfigMap in the project's namespace."""

    config_map: str
    key: str

    @property
    def shown(self) -> str:
        return f"ConfigMap/{self.config_map} .data.{self.key}"


@dataclass(frozen=True)
class ProjectObjects:
    """A project's custom resources as they were read, with the texts that they refer to."""

    project: KubeObject
    account: KubeObject
    documents: Sequence[KubeObject]
    texts: Mapping[TextKey, str] = field(default_factory=dict)
    ledger: str | None = None  # where the operator keeps it; None: where files have it by default
    absent: frozenset[Address] = frozenset()  # what is to be deleted at the service
    folders: Mapping[str, Path] = field(default_factory=dict)  # of volumes and artifacts, by FolderKey.shown

    def load(self, folder: Path, top: Path | None = None) -> Desired:
        """As files are loaded; SpecErrors tells everything that is wrong. Paths start at the folder, and do
        not leave it, or this one above it."""
        return _Conversion.of(self, folder, top or folder).loaded()


@dataclass(frozen=True, order=True)
class FolderKey:
    """A volume that the operator has, or an artifact of Flux, in the project's namespace."""

    kind: str
    name: str

    @property
    def shown(self) -> str:
        return f"{self.kind}/{self.name}"


def referred_folders(objects: Sequence[KubeObject]) -> frozenset[FolderKey]:
    """The volumes and artifacts that Datasets name, as far as they name any rightly."""
    found = (_folder_of(spec_of(one).get("source")) for one in objects)
    return frozenset(key for one in found if one for key in (one[0],))


def _folder_of(source: Any) -> tuple[FolderKey, str] | None:
    """The folder, and the path in it, of {pvc: {claim, path}} or {artifact: {kind, name, path}}."""
    if not isinstance(source, Mapping) or len(source) != 1:
        return None
    ((form, ref),) = source.items()
    if not isinstance(ref, Mapping) or not all(isinstance(one, str) for one in ref.values()):
        return None
    if form == "pvc" and {"claim"} <= set(ref) <= {"claim", "path"}:
        return FolderKey(VOLUME, ref["claim"]), ref.get("path", ".")
    if form == "artifact" and {"name"} <= set(ref) <= {"kind", "name", "path"}:
        kind = ref.get("kind", "GitRepository")
        return (FolderKey(kind, ref["name"]), ref.get("path", ".")) if kind in ARTIFACT_KINDS else None
    return None


def referred_texts(objects: Sequence[KubeObject]) -> frozenset[TextKey]:
    """The keys of ConfigMaps that documents name, as far as they name any rightly."""
    found = set()
    for one in objects:
        kind = kind_of(one)
        for path in text_fields(DOCUMENTS[kind].model) if kind else ():
            if key := _text_key(_at(spec_of(one), path)):
                found.add(key)
    return frozenset(found)


def name_of(one: KubeObject) -> str:
    return str(one.get("metadata", {}).get("name", ""))


def spec_of(one: KubeObject) -> Mapping[str, Any]:
    found = one.get("spec")
    return found if isinstance(found, Mapping) else {}


def resource_name(one: KubeObject) -> Any:
    """The name within the project: that of the object, if no other is written."""
    return spec_of(one).get("name", name_of(one))


def project_of(one: KubeObject) -> str | None:
    """The WanProject that a document is part of, as far as it says so rightly."""
    ref = spec_of(one).get("projectRef")
    name = ref.get("name") if isinstance(ref, Mapping) else None
    return name if isinstance(name, str) else None


@dataclass(frozen=True)
class _ObjectRoot(Root):
    """Paths are those of the operator's folder, texts those of ConfigMaps."""

    texts: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)

    def follow(self, folder: Path, written: str) -> Path:
        """A path on a volume or in an artifact stays there; any other one stays in the operator's folder."""
        kind, _, rest = written.partition("/")
        if kind != VOLUME and kind not in ARTIFACT_KINDS:
            return super().follow(folder, written)
        name, _, path = rest.partition("/")
        shown = f"{kind}/{name}"
        if shown not in self.folders:
            raise PathRefused(f"there is no {shown} here", "mount the volume, or write its name as it is")
        base = self.folders[shown].resolve()
        return Root(base, base).follow(base, path or ".")

    def read_text(self, folder: Path, written: str) -> tuple[str, str]:  # noqa: ARG002 - as for files
        if written not in self.texts:
            what = written if written.startswith("ConfigMap/") else f"no file can be read here: {written}"
            message = f"there is no {what}" if what == written else what
            raise PathRefused(message, "write the text itself, or {configMap: {name: …, key: …}}")
        return self.texts[written].replace("\r\n", "\n").removesuffix("\n"), written

    def shown_text(self, folder: Path, written: str) -> str:  # noqa: ARG002 - as for files
        return written


@dataclass
class _Conversion:
    objects: ProjectObjects
    root: _ObjectRoot
    findings: Findings = field(default_factory=Findings)
    budget: SpecBudget = field(default_factory=SpecBudget)

    @classmethod
    def of(cls, objects: ProjectObjects, folder: Path, top: Path) -> Self:
        texts = {key.shown: text for key, text in objects.texts.items()}
        return cls(objects, _ObjectRoot(top.resolve(), folder.resolve(), texts, objects.folders))

    def loaded(self) -> Desired:
        settings = self._settings()
        in_order = sorted(self.objects.documents, key=lambda one: (str(one.get("kind")), name_of(one)))
        documents = [document for one in in_order if (document := self._document(one)) is not None]
        return load_objects([settings, *documents], self.root, self._environment, self.findings)

    def _settings(self) -> Document:
        """What wanctl.yaml would say, from the account and the project."""
        project, account = self.objects.project, self.objects.account
        shown, of_account = f"{PROJECT}/{name_of(project)}", f"{ACCOUNT}/{name_of(account)}"
        self._check(project, WanProjectSpec, PROJECT, _OWN_KEYS)
        self._check(account, StudioAccountSpec, ACCOUNT, None)
        own = {key: value for key, value in spec_of(project).items() if key not in _OWN_KEYS}
        for key, instead in NOT_IN_OBJECTS.items():
            if key in own:
                del own[key]
                self._refuse(shown, key, f"there is no key {quoted(key)} in a {PROJECT}", instead)
        if _names_a_file(own.get("catalogue")):
            self._refuse(shown, "catalogue", "no file can be read here", "write the date of an edition")
            del own["catalogue"]
        keys = {key: f"{of_account} .spec.{key}" for key in OF_THE_ACCOUNT}
        value: dict[str, Any] = {"version": 1, **self._of_account(), **own}
        value["ledger"] = self.objects.ledger or self._beside()
        return object_document(value, ObjectOrigin(shown, keys=keys), self.findings, self.budget)

    def _beside(self) -> str:
        """The ledger as files have it: each environment its own."""
        named = self._environment
        return own_location(DEFAULT_LEDGER, named) if named else DEFAULT_LEDGER

    @property
    def _environment(self) -> str | None:
        found = spec_of(self.objects.project).get("environment")
        return found if isinstance(found, str) else None

    def _of_account(self) -> dict[str, Any]:
        """The real service, if the account does not say another one."""
        written = spec_of(self.objects.account)
        default = {"provider": StudioAccountSpec.model_fields["provider"].default.value}
        return default | {key: written[key] for key in OF_THE_ACCOUNT if key in written}

    def _check(
        self, one: KubeObject, model: type[WanProjectSpec | StudioAccountSpec], kind: str, keys: Any
    ) -> None:
        """The part that only Kubernetes has."""
        origin = ObjectOrigin(f"{kind}/{name_of(one)}")
        spec = spec_of(one)
        written = {key: value for key, value in spec.items() if keys is None or key in keys}
        try:
            model.model_validate(written)
        except ValidationError as error:
            for found in complaints(error, model):
                place = origin.place(found.path)
                self.findings.error(place, found.rule, found.message, path=kind, hint=found.hint)

    def _document(self, one: KubeObject) -> Document | None:
        kind = kind_of(one)
        if kind is None:
            return None
        shown = f"{kind}/{name_of(one)}"
        spec = dict(spec_of(one))
        if "kind" in spec:
            del spec["kind"]
            self._refuse(shown, "kind", f"there is no key kind in the spec of a {kind}", "take it out")
        self._check_reference(shown, spec.get("projectRef"))
        rest = {key: value for key, value in spec.items() if key not in _WRAPPING}
        paths = text_fields(DOCUMENTS[kind].model)
        renamed = {
            f"{dotted(path)}.file": f"{dotted(path)}.configMap"
            for path in paths
            if _text_key(_at(rest, path))
        }
        for path in paths:
            rest = _with_text(rest, path)
        if folder := _folder_of(rest.get("source")):
            key, within = folder
            rest["source"] = f"{key.shown}/{within}"
        value = {"kind": str(kind), "name": resource_name(one), **rest}
        if (
            (name := resource_name(one))
            and isinstance(name, str)
            and Address(kind, name) in self.objects.absent
        ):
            value["state"] = State.ABSENT.value
        keys = {} if "name" in spec else {"name": f"{shown} .metadata.name"}
        origin = ObjectOrigin(shown, keys=keys, renamed=renamed)
        return object_document(value, origin, self.findings, self.budget)

    def _check_reference(self, shown: str, ref: Any) -> None:
        for key in ref if isinstance(ref, Mapping) else ():
            if key != "name":
                found = unknown_key(("projectRef", key), str(key), "projectRef", ["name"])
                place = ObjectOrigin(shown).place(found.path)
                self.findings.error(place, found.rule, found.message, path=shown, hint=found.hint)

    def _refuse(self, shown: str, key: str, message: str, hint: str) -> None:
        place = ObjectOrigin(shown).place((key,))
        self.findings.error(place, Rule.UNKNOWN_KEY, message, path=shown, hint=hint)


def kind_of(one: KubeObject) -> Kind | None:
    """The kind of document that an object is, if it is one."""
    name = one.get("kind")
    return Kind(name) if name in [str(kind) for kind in Kind] else None


def _names_a_file(catalogue: Any) -> bool:
    if isinstance(catalogue, str):
        return re.fullmatch(EDITION_PATTERN, catalogue) is None
    return isinstance(catalogue, Mapping) and "file" in catalogue


def _at(value: Any, path: DocumentPath) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text_key(value: Any) -> TextKey | None:
    ref = value.get("configMap") if isinstance(value, Mapping) and set(value) == {"configMap"} else None
    if not isinstance(ref, Mapping) or set(ref) != {"name", "key"}:
        return None
    return TextKey(str(ref["name"]), str(ref["key"]))


def _with_text(value: Mapping[str, Any], path: DocumentPath) -> dict[str, Any]:
    """A reference to a ConfigMap as the file that the loading reads."""
    found, head = dict(value), path[0]
    if len(path) == 1:
        if key := _text_key(found.get(str(head))):
            found[str(head)] = {"file": key.shown}
    elif isinstance(found.get(str(head)), Mapping):
        found[str(head)] = _with_text(found[str(head)], path[1:])
    return found
