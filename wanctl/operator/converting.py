"""The specs of a folder → the same as custom resources: vars stay vars, and files of text become ConfigMaps.

Read as they are written, and not as they are meant: what is wrong with them is told once they are loaded.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wanctl.address import Kind
from wanctl.language.findings import Findings
from wanctl.language.resources import DOCUMENTS
from wanctl.language.root import Root, find_project
from wanctl.language.settings import merged
from wanctl.language.texts import text_fields
from wanctl.language.writing import plain_yaml
from wanctl.language.yaml.documents import SourceFile
from wanctl.language.yaml.nodes import DocumentPath, dotted
from wanctl.operator.crds import NOT_IN_OBJECTS, OF_THE_ACCOUNT
from wanctl.operator.custom_resources import ACCOUNT, API_VERSION, PROJECT
from wanctl.project.promotion import load_specs

_LONGEST = 63  # of names that are labels, too


@dataclass(frozen=True)
class ObjectNames:
    """What the objects are to be called, and where they are to be."""

    project: str
    namespace: str | None = None
    account: str = "studio"
    accounts: str | None = None  # the namespace of the operator


@dataclass
class ConvertedSpecs:
    """The custom resources of a folder's specs in one environment."""

    root: Root
    environment: str | None
    names: ObjectNames
    texts: dict[str, str] = field(default_factory=dict)  # the key in the ConfigMap → the text
    taken: set[str] = field(default_factory=set)

    def objects(self) -> Iterator[dict[str, Any]]:
        """Account, project, the documents, and last the ConfigMap of the texts, if there is any."""
        head, *rest = [(value, path.parent) for path in self.root.specs() for value in self._values(path)]
        settings = self._settings(head[0])
        yield self._account(settings)
        yield self._project(settings)
        yield from (self._document(value, folder) for value, folder in rest if self._is_document(value))
        if self.texts:
            head_ = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": self._metadata(self._config_map)}
            yield {**head_, "data": dict(sorted(self.texts.items()))}

    def _values(self, path: Path) -> Iterator[Any]:
        source = SourceFile(str(path), self.root.read_spec(path), findings := Findings())
        yield from (document.value for document in source.documents())
        findings.raise_if_broken()

    def _is_document(self, value: Any) -> bool:
        return isinstance(value, dict) and value.get("kind") in [str(kind) for kind in Kind]

    def _settings(self, value: dict[str, Any]) -> dict[str, Any]:
        section = value.get("environments", {}).get(self.environment, {}) if self.environment else {}
        return merged(value, section)

    def _account(self, settings: dict[str, Any]) -> dict[str, Any]:
        spec: dict[str, Any] = {key: settings[key] for key in OF_THE_ACCOUNT if key in settings}
        if spec.setdefault("provider", "sandbox") != "sandbox":
            spec["secretRef"] = {"name": self.names.account}
        if self.names.namespace:
            spec["allowedNamespaces"] = [self.names.namespace]
        metadata = {"name": self.names.account}
        if self.names.accounts:
            metadata["namespace"] = self.names.accounts
        return {"apiVersion": API_VERSION, "kind": ACCOUNT, "metadata": metadata, "spec": spec}

    def _project(self, settings: dict[str, Any]) -> dict[str, Any]:
        spec: dict[str, Any] = {"accountRef": {"name": self.names.account}}
        if self.environment:
            spec["environment"] = self.environment
        spec |= {key: value for key, value in settings.items() if key not in NOT_IN_OBJECTS}
        metadata = self._metadata(self.names.project)
        return {"apiVersion": API_VERSION, "kind": PROJECT, "metadata": metadata, "spec": spec}

    def _document(self, value: dict[str, Any], folder: Path) -> dict[str, Any]:
        kind, name = value["kind"], str(value.get("name"))
        object_name = self._free_name(kind, name)
        spec: dict[str, Any] = {"projectRef": {"name": self.names.project}}
        if object_name != name:
            spec["name"] = value.get("name")
        rest = {key: one for key, one in value.items() if key not in {"kind", "name"}}
        for path in text_fields(DOCUMENTS[Kind(kind)].model):
            rest = self._with_text(rest, path, folder, f"{kind.lower()}.{name}.{dotted(path)}")
        metadata = self._metadata(object_name)
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": {**spec, **rest}}

    def _with_text(self, value: Any, path: DocumentPath, folder: Path, key: str) -> Any:
        if not isinstance(value, dict) or (path and path[0] not in value):
            return value
        if path:
            inner = self._with_text(value[str(path[0])], path[1:], folder, key)
            return {**value, str(path[0]): inner}
        if set(value) != {"file"}:
            return value
        self.texts[key], _ = self.root.read_text(folder, value["file"])
        return {"configMap": {"name": self._config_map, "key": key}}

    @property
    def _config_map(self) -> str:
        return f"{self.names.project}-texts"

    def _metadata(self, name: str) -> dict[str, str]:
        return {"name": name, **({"namespace": self.names.namespace} if self.names.namespace else {})}

    def _free_name(self, kind: str, name: str) -> str:
        """A name as Kubernetes allows it, which no other object of the kind has."""
        spelt = object_name(name)
        if f"{kind} {spelt}" in self.taken:
            spelt = f"{spelt[: _LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        self.taken.add(f"{kind} {spelt}")
        return spelt


def objects_yaml(start: Path, environment: str | None, namespace: str | None) -> str:
    """The specs of a folder as custom resources, once it is known that nothing is wrong with them."""
    folder = find_project(start)
    desired = load_specs(folder, environment)
    names = ObjectNames(object_name(desired.settings.project), namespace)
    objects = ConvertedSpecs(Root.around(folder), environment, names).objects()
    return "---\n".join(map(plain_yaml, objects))


def object_name(name: str) -> str:
    """The name, in letters that Kubernetes allows."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST] or "unnamed"
