"""Artifacts of Flux: a folder of a commit, fetched from the controller that keeps it, known by its digest.

What is fetched is checked against the digest before anything of it is unpacked, and unpacked once.
"""

import asyncio
import hashlib
import secrets
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from wanctl.base.errors import WanctlError
from wanctl.kubernetes.client import KubernetesClient
from wanctl.kubernetes.errors import NoSuchObjectError
from wanctl.kubernetes.resources import ResourceType

MOST_FETCHED = 2 * 1024**3  # bytes of an archive
MOST_UNPACKED = 8 * 1024**3
MOST_MEMBERS = 200_000
TIMEOUT = httpx.Timeout(connect=10, read=60, write=10, pool=None)
_GROUP, _VERSIONS = "source.toolkit.fluxcd.io", {"GitRepository": "v1", "OCIRepository": "v1", "Bucket": "v1"}
_PLURALS = {"GitRepository": "gitrepositories", "OCIRepository": "ocirepositories", "Bucket": "buckets"}


class ArtifactProblem(WanctlError):  # noqa: N818 - reads as what happened
    """An artifact cannot be had, or is not what it is said to be."""


@dataclass(frozen=True)
class Artifact:
    """What a source of Flux has now."""

    url: str
    digest: str  # sha256, in hex
    revision: str

    @classmethod
    def of(cls, source: Mapping[str, Any], shown: str) -> "Artifact":
        found = (source.get("status") or {}).get("artifact") or {}
        algorithm, _, digest = str(found.get("digest", "")).partition(":")
        url, revision = str(found.get("url", "")), str(found.get("revision", ""))
        if not url:
            raise ArtifactProblem(f"{shown} has no artifact yet")
        if algorithm != "sha256" or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ArtifactProblem(f"the artifact of {shown} has no sha256 digest")
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ArtifactProblem(f"the artifact of {shown} is at no address that can be fetched")
        return cls(url, digest, revision)


async def artifact_of(client: KubernetesClient, kind: str, name: str, namespace: str) -> Artifact:
    """The artifact of a source; ArtifactProblem says why there is none."""
    shown = f"{kind}/{name}"
    what = ResourceType(_GROUP, _VERSIONS[kind], _PLURALS[kind], kind)
    try:
        return Artifact.of(await client.get(what, name, namespace), shown)
    except NoSuchObjectError:
        raise ArtifactProblem(f"there is no {shown} in the namespace {namespace}") from None


async def fetched(artifact: Artifact, room: Path) -> Path:
    """The folder of the artifact on this machine."""
    folder = room / artifact.digest
    if await asyncio.to_thread(folder.is_dir):
        return folder
    await asyncio.to_thread(room.mkdir, parents=True, exist_ok=True)
    archive = room / f"{artifact.digest}.{secrets.token_hex(4)}.part"
    try:
        await _download(artifact, archive)
        await asyncio.to_thread(_unpack, archive, folder)
    finally:
        archive.unlink(missing_ok=True)
    return folder


async def _download(artifact: Artifact, to: Path) -> None:
    seen, size = hashlib.sha256(), 0
    try:
        async with (
            httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", artifact.url) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise ArtifactProblem(
                    f"the artifact {artifact.revision} cannot be fetched ({response.status_code})"
                )
            with to.open("wb") as stream:
                async for part in response.aiter_raw():
                    size += len(part)
                    if size > MOST_FETCHED:
                        raise ArtifactProblem(f"the artifact {artifact.revision} is larger than 2 GB")
                    seen.update(part)
                    stream.write(part)
    except httpx.HTTPError as error:
        raise ArtifactProblem(
            f"the artifact {artifact.revision} cannot be fetched ({type(error).__name__})"
        ) from None
    if seen.hexdigest() != artifact.digest:
        raise ArtifactProblem(f"the artifact {artifact.revision} is not what its digest says")


def _unpack(archive: Path, folder: Path) -> None:
    """Plain files and folders alone; whole, or not at all."""
    partial = archive.with_suffix(".unpacking")
    total = 0
    try:
        with tarfile.open(archive, "r:*") as tar:
            for number, member in enumerate(tar):
                total += member.size
                if number >= MOST_MEMBERS or total > MOST_UNPACKED:
                    raise ArtifactProblem("the artifact unpacks to more than 200,000 files, or 8 GB")
                if member.isfile() or member.isdir():
                    tar.extract(member, partial, filter="data")
        partial.mkdir(exist_ok=True)
        if not folder.is_dir():  # another project of the same artifact was first
            partial.rename(folder)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ArtifactProblem(f"the artifact cannot be unpacked ({type(error).__name__})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
