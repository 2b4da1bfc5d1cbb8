"""From `ledger:` to a Store. Each kind of place is imported only where it is used."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from wanctl.base.net import on_this_machine
from wanctl.ledger.backends.backend import Backend
from wanctl.ledger.backends.file import FileBackend
from wanctl.ledger.errors import LedgerError
from wanctl.ledger.location import (
    FileLocation,
    GitLocation,
    KubeLocation,
    Location,
    ObjectLocation,
    own_location,
    parse_location,
)
from wanctl.ledger.store import LedgerStore

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

EXTRA = "pip install 'wanctl[object-stores]'"
_LEDGER_FILE = "ledger.json"


@dataclass(frozen=True)
class LedgerOwner:
    """Whose ledger it is, and from where it is opened."""

    project: str
    environment: str | None
    directory: Path  # relative paths start here; for git, a folder of the clone
    environ: Mapping[str, str] = field(repr=False)  # it may hold keys
    shown: Callable[[Path], str] = str  # a path in a message


def open_store(text: str, owner: LedgerOwner) -> LedgerStore:
    """The store at this location. Nothing is read yet."""
    try:
        location = parse_location(text)
    except ValueError as error:
        raise LedgerError(f"ledger: {error}") from error
    return LedgerStore(_backend(location, owner))


def _backend(location: Location, owner: LedgerOwner) -> Backend:
    if isinstance(location, FileLocation):
        path = owner.directory / location.path
        return FileBackend(path, owner.shown(path))
    if isinstance(location, GitLocation):
        from wanctl.ledger.backends.git import GitBackend

        name = own_location(_LEDGER_FILE, owner.environment) if owner.environment else _LEDGER_FILE
        return GitBackend(location, owner.directory, f"{owner.project}/{name}", owner.environ)
    if isinstance(location, KubeLocation):
        return _kube(location, owner.environ)
    try:
        import obstore  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise LedgerError(f"ledger: {location} needs the package obstore: {EXTRA}") from error
    if location.scheme == "oss":
        return _oss(location, owner.environ)
    from wanctl.ledger.backends.object import ObjectBackend

    return ObjectBackend(location, _objects(location, owner.environ))


def _kube(location: KubeLocation, environ: Mapping[str, str]) -> Backend:
    """The cluster is found as kubectl finds it, when it is first called."""
    from wanctl.kubernetes.access import find_cluster, this_pod
    from wanctl.kubernetes.blocking import BlockingCluster
    from wanctl.ledger.backends.kube import KubeBackend

    home = Path(environ.get("HOME") or os.devnull)
    cluster = BlockingCluster(lambda: find_cluster(environ, home, location.context))
    return KubeBackend(location, cluster, this_pod(environ) if location.context is None else None)


def _objects(location: ObjectLocation, environ: Mapping[str, str]) -> "ObjectStore":
    """The client, which finds its credentials where each provider's own tools do."""
    from obstore.store import AzureStore, GCSStore, S3Store

    if location.scheme == "gs":
        return GCSStore(location.bucket, client_options=_patience(), retry_config=_retries())
    if location.scheme == "az":
        return AzureStore(location.bucket, client_options=_patience(), retry_config=_retries())
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    options = _patience()
    if on_this_machine(endpoint):
        options["allow_http"] = True
    return S3Store(location.bucket, client_options=options, retry_config=_retries())


def _oss(location: ObjectLocation, environ: Mapping[str, str]) -> Backend:
    """OSS by its S3 protocol, with the variables of OSS's own tools."""
    from obstore.store import S3Store

    from wanctl.ledger.backends.object import FORBID_OVERWRITE, OssBackend

    region = environ.get("OSS_REGION", "").removeprefix("oss-")
    endpoint = environ.get("OSS_ENDPOINT") or (f"https://s3.oss-{region}.aliyuncs.com" if region else "")
    if "://" not in endpoint:
        endpoint = f"https://{endpoint}" if endpoint else ""
    key, secret = environ.get("OSS_ACCESS_KEY_ID"), environ.get("OSS_ACCESS_KEY_SECRET")
    if not (endpoint and key and secret):
        raise LedgerError(
            f"ledger: {location} needs OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, and OSS_REGION (such as "
            "ap-southeast-1) or OSS_ENDPOINT in the environment."
        )
    here = on_this_machine(endpoint)
    host = urlsplit(endpoint).netloc
    config: dict[str, Any] = {
        "endpoint": endpoint if here else f"https://{location.bucket}.{host}",
        "virtual_hosted_style_request": not here,
        "region": region or "oss",
        "access_key_id": key,
        "secret_access_key": secret,
    }
    if token := environ.get("OSS_SESSION_TOKEN"):
        config["session_token"] = token

    def client(headers: dict[str, str]) -> "ObjectStore":
        options: ClientConfig = {**_patience(), "allow_http": here, "default_headers": headers}
        return S3Store(location.bucket, client_options=options, retry_config=_retries(), **config)

    return OssBackend(location, client({}), client(FORBID_OVERWRITE))


def _patience() -> "ClientConfig":
    return {"connect_timeout": "5s", "timeout": "30s"}


def _retries() -> "RetryConfig":
    from datetime import timedelta

    return {"max_retries": 3, "retry_timeout": timedelta(seconds=45)}
