"""Temporary storage for local files of one call: a policy is asked for, then a form is posted.

What is stored serves the model that it was posted for, for two days. The form goes there without the key.
"""

from collections.abc import Callable
from itertools import count
from pathlib import PurePosixPath
from typing import BinaryIO

import httpx

from wanctl.studio.download import KeylessClient, allow_place
from wanctl.studio.errors import Refused, ServerError
from wanctl.studio.objects import RemoteObject
from wanctl.studio.pace import Family, Pace, retrying
from wanctl.studio.reading import parse
from wanctl.studio.verdict import Call, CallEffect
from wanctl.studio.wire import UPLOAD_TIMEOUT, StudioConnection, StudioRequest, broken_off

Opened = Callable[[], BinaryIO]


class UploadPolicy(RemoteObject):
    """The form that the store wants to see. All of it but the place is a credential."""

    policy: str
    signature: str
    upload_dir: str
    upload_host: str
    oss_access_key_id: str
    x_oss_object_acl: str = "private"
    x_oss_forbid_overwrite: str = "true"

    def __repr__(self) -> str:
        return f"UploadPolicy({self.upload_host})"


class TemporaryUploads(KeylessClient):
    """`studio.temporary`."""

    def __init__(
        self,
        wire: StudioConnection,
        transport: httpx.AsyncBaseTransport | None,
        pace: Pace,
        user_agent: str,
    ) -> None:
        super().__init__(wire.endpoint, transport, pace, user_agent)
        self._wire = wire

    async def upload(self, model: str, name: str, opened: Opened) -> str:
        """The oss:// address of a file that a call of this model may name."""
        store, policy, tries = self._opened(), await self._policy(model), count(1)

        async def attempt() -> str:
            # each try has a name of its own: what another one left behind is not overwritten
            key = f"{policy.upload_dir}/{next(tries)}-{PurePosixPath(name).name}"
            async with self._pace.turn(Family.UPLOADS):
                await self._post(store, policy, key, opened)
            return f"oss://{key}"

        return await retrying(attempt, self._pace)

    async def _policy(self, model: str) -> UploadPolicy:
        params = {"action": "getPolicy", "model": model}
        reply = await self._wire.call(StudioRequest("GET", "/uploads", params=params))
        return parse(UploadPolicy, reply.body.get("data"), reply)

    async def _post(self, store: httpx.AsyncClient, policy: UploadPolicy, key: str, opened: Opened) -> None:
        form = {
            "OSSAccessKeyId": policy.oss_access_key_id,
            "Signature": policy.signature,
            "policy": policy.policy,
            "key": key,
            "x-oss-object-acl": policy.x_oss_object_acl,
            "x-oss-forbid-overwrite": policy.x_oss_forbid_overwrite,
            "success_action_status": "200",
        }
        place = httpx.URL(policy.upload_host)
        allow_place(place, self._endpoint)
        shown = f"{place.scheme}://{place.host}"
        call = Call("POST", shown, CallEffect.READ)  # nothing is billed, and nobody sees it but our own call
        with opened() as file:
            try:
                answer = await store.post(
                    place, data=form, files={"file": (key, file)}, timeout=UPLOAD_TIMEOUT
                )
            except httpx.HTTPError as error:
                raise broken_off(call, error) from error
        if answer.status_code >= 500:
            raise ServerError("the store failed", method="POST", path=shown, status=answer.status_code)
        if answer.status_code >= 300:
            raise Refused(
                "the store did not take the file", method="POST", path=shown, status=answer.status_code
            )
