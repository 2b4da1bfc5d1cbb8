"""What the operator writes to the cluster: status where it differs, finalizers, Events for what happened."""

import logging
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wanctl.address import Address
from wanctl.kubernetes.client import KubernetesClient
from wanctl.kubernetes.errors import KubernetesError, NoSuchObjectError, StaleVersionError
from wanctl.kubernetes.resources import EVENTS, ResourceType
from wanctl.operator.conditions import Turn, document_status, project_status
from wanctl.operator.custom_resources import (
    API_VERSION,
    GROUP,
    VERSION,
    KubernetesModel,
    dumped,
)
from wanctl.operator.documents import KubeObject, name_of
from wanctl.operator.inventory import (
    FINALIZER,
    address_of,
    finalizers_of,
    generation_of,
    is_leaving,
    kind_name,
    namespace_of,
    status_of,
)
from wanctl.project.events import Done, Event, Failed, Settled, Started

_log = logging.getLogger("wanctl.operator")

MOST_EVENTS = 200  # that wait to be written; older ones are dropped
_LONGEST_NOTE = 1000  # characters, as the API allows


def custom_type(kind: str) -> ResourceType:
    """A kind of ours, as the API names it."""
    return ResourceType(GROUP, VERSION, f"{kind.lower()}s", kind)


def told_now() -> str:
    """The time as objects of Kubernetes write it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class Note:
    """Something that happened to a resource."""

    address: Address
    reason: str
    message: str
    warning: bool = False


@dataclass
class Notes:
    """Hears of a project's rounds, and keeps what happened until it is written."""

    kept: deque[Note] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))

    def hear(self, event: Event) -> None:
        """What a turn waits for, or could not read, the next one tells."""
        match event:
            case Started():
                self._note(event.address, "Started", f"{event.action} begins")
            case Done():
                made = f": {event.remote_id}" if event.remote_id else ""
                self._note(event.address, "Done", f"{event.action} done{made}")
            case Failed():
                self._note(event.address, "Failed", f"{event.action} failed: {event.error}", warning=True)
            case Settled():
                self._note(event.step.address, "Settled", f"the service is done: {event.step.action}")

    def taken(self) -> list[Note]:
        found = [*self.kept]
        self.kept.clear()
        return found

    def _note(self, address: Address, reason: str, message: str, *, warning: bool = False) -> None:
        self.kept.append(Note(address, reason, message, warning))


@dataclass(frozen=True)
class Desk:
    """Writes for one operator. What cannot be written now is written after the next turn."""

    client: KubernetesClient
    name: str  # of the operator, as Events tell it
    seen: Callable[[KubeObject], object]  # takes each object as it is after a write

    async def report(self, project: KubeObject, documents: tuple[KubeObject, ...], turn: Turn) -> int:
        """The status of the project and its documents, each where it differs; how many were written."""
        now = told_now()
        written = await self.write_status(
            project, project_status(turn, generation_of(project), status_of(project), now)
        )
        for one in documents:
            if (address := address_of(one)) is not None:
                status = document_status(address, turn, generation_of(one), status_of(one), now)
                written += await self.write_status(one, status)
        return written

    async def write_status(self, one: KubeObject, status: KubernetesModel) -> int:
        wanted = dumped(status)
        if wanted == status_of(one):
            return 0
        metadata = {"name": name_of(one), "namespace": namespace_of(one)}
        what = custom_type(kind_name(one))
        body = {"apiVersion": API_VERSION, "kind": what.kind, "metadata": metadata, "status": wanted}
        try:
            self.seen(await self.client.apply(what, body, part="status", force=True))
        except NoSuchObjectError:
            return 0  # it was deleted meanwhile
        return 1

    async def hold(self, one: KubeObject) -> None:
        """Its deletion waits for us."""
        await self._finalizers(one, [*finalizers_of(one), FINALIZER])

    async def release(self, one: KubeObject) -> None:
        """Nothing of ours holds it any more."""
        await self._finalizers(one, [name for name in finalizers_of(one) if name != FINALIZER])

    async def _finalizers(self, one: KubeObject, wanted: list[str]) -> None:
        if wanted == finalizers_of(one):
            return
        changes: dict[str, Any] = {
            "metadata": {
                "finalizers": wanted,
                "resourceVersion": one["metadata"].get("resourceVersion"),
                "uid": one["metadata"].get("uid"),
            }
        }
        try:
            what = custom_type(kind_name(one))
            after = await self.client.patch(what, name_of(one), changes, namespace_of(one))
            if FINALIZER in wanted or not is_leaving(one):
                self.seen(after)  # else it is gone by now, as the watch will tell
        except (StaleVersionError, NoSuchObjectError) as error:
            _log.info("%s", error)  # what changed is heard of, and looked at again

    async def tell(
        self, notes: list[Note], objects: Mapping[Address, KubeObject], project: KubeObject
    ) -> None:
        """An Event for each note, at its object, or at the project where that has none."""
        for note in notes:
            about = objects.get(note.address, project)
            message = note.message if note.address in objects else f"{note.address}: {note.message}"
            try:
                await self.client.create(EVENTS, self._event(about, note, message))
            except KubernetesError as error:  # Events are a courtesy: a full or closing namespace takes none
                _log.warning("no Event could be written: %s", error)
                return

    def _event(self, about: KubeObject, note: Note, message: str) -> dict[str, Any]:
        now = told_now()
        namespace, name = namespace_of(about), name_of(about)
        return {
            "metadata": {"name": f"{name[:200]}.{secrets.token_hex(8)}", "namespace": namespace},
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": kind_name(about),
                "name": name,
                "namespace": namespace,
                "uid": about["metadata"].get("uid"),
            },
            "type": "Warning" if note.warning else "Normal",
            "reason": note.reason,
            "message": message[:_LONGEST_NOTE],
            "source": {"component": self.name},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
