"""What a call names: images, clips and sounds, inline, in temporary storage, or at an address.

Nothing is fetched: an address is left alone. What can be had is looked into, as the service would.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wanctl.sandbox.api.answers import bad_request
from wanctl.sandbox.bodies import Generate
from wanctl.sandbox.media.whole import whole
from wanctl.sandbox.service import Service

LARGEST_IMAGE, LARGEST_SOUND = 20 * 1024 * 1024, 15 * 1024 * 1024
FORMATS = {"BMP", "JPEG", "PNG", "WEBP"}
MOST_CLIP, MOST_VIDEO = 3.0, 5.0
TOLERANCE = 0.1  # seconds that a container may round up


@dataclass(frozen=True)
class InputProblem:
    """Why a task will fail: found when it is looked into, not when it is asked for."""

    code: str
    message: str


@dataclass(frozen=True)
class GivenMedia:
    """The names of what could be had in the store, by its field; and what is wrong with the first that is."""

    blobs: dict[str, str]
    problem: InputProblem | None = None


def receive(service: Service, asked: Generate, *, resolves_storage: bool) -> GivenMedia:
    """Look into everything that a call names."""
    blobs: dict[str, str] = {}
    for field, url in _named(asked):
        found = _received(service, field, url, asked.model, resolves_storage=resolves_storage)
        if isinstance(found, InputProblem):
            return GivenMedia(blobs, found)
        if found:
            blobs.setdefault(field, found)
    return GivenMedia(blobs)


_SINGLE = {
    "img_url": "image",
    "first_frame_url": "image",
    "last_frame_url": "last_image",
    "mask_image_url": "mask",
    "audio_url": "sound",
    "video_url": "video",
    "mask_video_url": "mask_video",
    "first_clip_url": "clip",
    "last_clip_url": "last_clip",
}
_MEDIA = {"first_frame": "image", "last_frame": "last_image", "driving_audio": "sound", "first_clip": "clip"}


def _named(asked: Generate) -> list[tuple[str, str]]:
    given = asked.input
    found = [(kind, url) for name, kind in _SINGLE.items() if (url := getattr(given, name))]
    found += [(_MEDIA.get(one.type, "media"), one.url) for one in given.media]
    found += [("reference", url) for url in (*given.reference_urls, *given.reference_video_urls)]
    return found + [("image", url) for url in given.ref_images_url]


def _received(
    service: Service, field: str, url: str, model: str, *, resolves_storage: bool
) -> str | InputProblem | None:
    if url.startswith("data:"):
        return _inline(service, field, url)
    if url.startswith("oss://"):
        if not resolves_storage:
            raise bad_request("An oss:// address needs the header X-DashScope-OssResourceResolve: enable")
        return _uploaded(service, field, url.removeprefix("oss://"), model)
    if url.startswith(("http://", "https://")):
        return None
    raise bad_request(f"The address of the {field} is invalid: {url[:60]}")


def _inline(service: Service, field: str, url: str) -> str | InputProblem:
    head, _, text = url.partition(",")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return InputProblem("InvalidImage.FileFormat", "The base64 of the image is broken.")
    if not head.startswith(("data:image/", "data:audio/", "data:video/")) or not head.endswith(";base64"):
        return InputProblem("InvalidImage.FileFormat", "It has to be given as data:image/…;base64,…")
    blob = f"frame-{hashlib.sha256(data).hexdigest()[:32]}"
    with whole(service.store.blobs / blob) as unfinished:  # another call may be reading the same picture
        unfinished.write_bytes(data)
    return _looked_at(service, field, blob)


def _uploaded(service: Service, field: str, key: str, model: str) -> str | InputProblem:
    """An upload serves the model that it was made for, for two days."""
    image = service.store.get("image", key)
    if image is None or service.now() > datetime.fromisoformat(image["until"]):
        return InputProblem(
            "InvalidImage.FileFormat", "The file is not in temporary storage, or not any more."
        )
    if image["model"] != model:
        return InputProblem("InvalidImage.FileFormat", f"The file was uploaded for {image['model']}.")
    return _looked_at(service, field, image["blob"])


def _looked_at(service: Service, field: str, blob: str) -> str | InputProblem:
    path = service.store.blobs / blob
    if field == "sound":
        return _sound_problem(path) or blob
    seconds = _clip_seconds(path) if field not in {"image", "last_image", "mask"} else None
    if seconds is None:
        moving = field in {"video", "mask_video", "clip", "last_clip"}
        problem = InputProblem("InvalidFile.Format", "The video cannot be read.") if moving else None
        return problem or _image_problem(path) or blob
    most = {"clip": MOST_CLIP, "last_clip": MOST_CLIP, "video": MOST_VIDEO}.get(field)
    if most is not None and seconds > most + TOLERANCE:
        return InputProblem("InvalidFile.Duration", f"The {field} is longer than {most:g} seconds.")
    return blob


def _image_problem(path: Path) -> InputProblem | None:
    from PIL import Image

    if path.stat().st_size > LARGEST_IMAGE:
        return InputProblem("InvalidImage.FileFormat", "The image is larger than 20 MB.")
    try:
        with Image.open(path) as image:
            if image.format not in FORMATS:
                return InputProblem("InvalidImage.FileFormat", f"The image is {image.format}.")
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return InputProblem("InvalidImage.FileFormat", "The image cannot be read.")
    return None


def _sound_problem(path: Path) -> InputProblem | None:
    """WAV or MP3, 3 to 30 seconds, 15 MB."""
    begin = path.open("rb").read(12)
    wav = begin[:4] == b"RIFF" and begin[8:] == b"WAVE"
    mp3 = begin[:3] == b"ID3" or (begin[:1] == b"\xff" and begin[1] & 0xE0 == 0xE0)
    if path.stat().st_size > LARGEST_SOUND:
        return InputProblem("InvalidFile.Size", "The audio is larger than 15 MB.")
    if not (wav or mp3):
        return InputProblem("InvalidFile.Format", "The audio is no WAV and no MP3.")
    seconds = _seconds(path, "wav" if wav else "mp3")
    if seconds is None or not 3 <= seconds <= 30:
        return InputProblem("InvalidFile.Duration", "The audio must last 3 to 30 seconds.")
    return None


def _clip_seconds(path: Path) -> float | None:
    """The length of an MP4 or MOV; None for anything else."""
    if path.open("rb").read(8)[4:] not in {b"ftyp", b"moov", b"mdat", b"wide", b"free"}:
        return None
    return _seconds(path, "mov")


def _seconds(path: Path, name: str) -> float | None:
    import av

    try:
        with av.open(str(path), mode="r", format=name) as container:
            return container.duration / av.time_base if container.duration else None
    except av.error.FFmpegError:
        return None
