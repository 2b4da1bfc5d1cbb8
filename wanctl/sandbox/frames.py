"""The first frame that a call gives: inline, from temporary storage, or by an address that the sandbox, which
fetches nothing, leaves alone."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime

from wanctl.sandbox.answers import bad_request
from wanctl.sandbox.service import Service

LARGEST = 20 * 1024 * 1024
FORMATS = {"BMP", "JPEG", "PNG", "WEBP"}


@dataclass(frozen=True)
class Frame:
    """The name of its bytes in the store, if they can be had; why the task will fail, if it will."""

    blob: str | None = None
    problem: str | None = None


def receive(service: Service, url: str, model: str, *, resolves_storage: bool) -> Frame:
    """Keep what was given inline; find what was uploaded."""
    if url.startswith("data:"):
        return _inline(service, url)
    if url.startswith("oss://"):
        if not resolves_storage:
            raise bad_request("An oss:// address needs the header X-DashScope-OssResourceResolve: enable")
        return _uploaded(service, url.removeprefix("oss://"), model)
    if url.startswith(("http://", "https://")):
        return Frame()
    raise bad_request(f"The image address is invalid: {url[:60]}")


def _inline(service: Service, url: str) -> Frame:
    head, _, text = url.partition(",")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return Frame(problem="The base64 of the image is broken.")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        return Frame(problem="The image has to be given as data:image/…;base64,…")
    if len(data) > LARGEST:
        return Frame(problem="The image is larger than 20 MB.")
    blob = f"frame-{hashlib.sha256(data).hexdigest()[:32]}"
    (service.store.blobs / blob).write_bytes(data)
    return _looked_at(service, blob)


def _uploaded(service: Service, key: str, model: str) -> Frame:
    """An upload serves the model that it was made for, for two days."""
    image = service.store.get("image", key)
    if image is None or service.now() > datetime.fromisoformat(image["until"]):
        return Frame(problem="The image is not in temporary storage, or not any more.")
    if image["model"] != model:
        return Frame(problem=f"The image was uploaded for {image['model']}.")
    return _looked_at(service, image["blob"])


def _looked_at(service: Service, blob: str) -> Frame:
    from PIL import Image

    try:
        with Image.open(service.store.blobs / blob) as image:
            if image.format not in FORMATS:
                return Frame(problem=f"The image is {image.format}.")
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return Frame(problem="The image cannot be read.")
    return Frame(blob)
