"""Every kind of store, empty: what a test asks of `stores` must hold for each of them."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.fixtures import cluster as cluster
from tests.kubernetes.fixtures import kubeconfig as kubeconfig
from tests.ledger.blob_servers import AZURE_ACCOUNT, azure, gcs, gcs_account
from tests.ledger.ledger_files import clone, owner, remote_with_one_commit
from tests.ledger.servers import KEYS, OSS_KEYS, s3, serving, with_conditions_of_oss
from tests.plain_http import http
from wanctl.ledger import opening
from wanctl.ledger.opening import open_store
from wanctl.ledger.store import LedgerStore

KINDS = ("file", "git", "s3", "oss", "gs", "az", pytest.param("kube", marks=pytest.mark.kubernetes))
_numbers = itertools.count()


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    with serving(s3()) as address:
        yield address


@pytest.fixture(scope="session")
def oss_address() -> Iterator[str]:
    with serving(with_conditions_of_oss(s3())) as address:
        yield address


@pytest.fixture
def bucket(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for key, value in {**KEYS, "AWS_ENDPOINT_URL": s3_address}.items():
        monkeypatch.setenv(key, value)  # obstore reads them itself
    return new_bucket(s3_address)


@pytest.fixture
def oss_bucket(oss_address: str) -> str:
    return new_bucket(oss_address)


@pytest.fixture
def gcs_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """GCS has no variable that lets its client speak without TLS, so that is let here."""
    with serving(gcs()) as address:
        monkeypatch.setattr(opening, "_patience", lambda: {"allow_http": True})
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(gcs_account(tmp_path, address)))
        yield "bucket"


@pytest.fixture
def azure_container(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with serving(azure()) as address:
        monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", AZURE_ACCOUNT)
        monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", address)
        yield "container"


def new_bucket(address: str) -> str:
    name = f"bucket-{next(_numbers)}"
    signature = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260318/us-east-1/s3/aws4_request"}
    http.put(f"{address}/{name}", headers=signature).raise_for_status()
    return name


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], LedgerStore]:
    """Opens the same empty place again and again, as another run would."""
    kind: str = request.param
    if kind == "file":
        return lambda: open_store("state/ledger.json", owner(tmp_path))
    if kind == "git":
        bare = remote_with_one_commit(tmp_path)
        clones = (clone(bare, f"clone-{number}") for number in itertools.count())
        return lambda: open_store("git:wanctl-ledger", owner(next(clones)))
    if kind == "s3":
        bucket, address = request.getfixturevalue("bucket"), request.getfixturevalue("s3_address")
        return lambda: open_store(f"s3://{bucket}/a/ledger.json", owner(tmp_path, AWS_ENDPOINT_URL=address))
    if kind in {"gs", "az"}:
        bucket = request.getfixturevalue("gcs_bucket" if kind == "gs" else "azure_container")
        return lambda: open_store(f"{kind}://{bucket}/a/ledger.json", owner(tmp_path))
    if kind == "kube":
        cluster: Cluster = request.getfixturevalue("cluster")
        return lambda: open_store(cluster.ledger(), owner(tmp_path, KUBECONFIG=str(cluster.kubeconfig)))
    bucket, address = request.getfixturevalue("oss_bucket"), request.getfixturevalue("oss_address")
    return lambda: open_store(
        f"oss://{bucket}/a/ledger.json", owner(tmp_path, OSS_ENDPOINT=address, **OSS_KEYS)
    )


@pytest.fixture
def store(stores: Callable[[], LedgerStore]) -> LedgerStore:
    return stores()
