"""A lease in a cluster whose holder's Pod is gone is taken over; of any other holder nobody is so sure."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.cluster import Cluster
from tests.ledger.in_a_cluster import documented_rules, opened
from tests.ledger.ledger_files import NOW, lease
from wanctl.kubernetes.access import ThisPod, cluster_of_kubeconfig
from wanctl.kubernetes.blocking import BlockingCluster
from wanctl.kubernetes.resources import PODS, KubeObject, name_of, uid_of
from wanctl.ledger.backends.kube import KubeBackend
from wanctl.ledger.lease import LEASE_TTL, HolderPod, Lease, LeaseHeld, LeaseLost
from wanctl.ledger.location import KubeLocation
from wanctl.ledger.store import FRESH, LedgerStore
from wanctl.project.host import Host
from wanctl.project.leasing import leased

pytestmark = pytest.mark.kubernetes


def pod(cluster: Cluster, name: str = "wanctl-0") -> HolderPod:
    """No node takes it, so it lives until it is deleted."""
    container = {"name": "wanctl", "image": "wanctl"}
    about = {"name": name, "namespace": cluster.namespace}
    made: KubeObject = {
        "metadata": about,
        "spec": {"containers": [container], "automountServiceAccountToken": False},
    }

    async def create(client: Any) -> KubeObject:
        for _ in range(100):  # the default account of a new namespace comes a moment later
            try:
                return await client.create(PODS, made)  # type: ignore[no-any-return]
            except Exception as error:
                if "serviceaccount" not in str(error):
                    raise
                await asyncio.sleep(0.1)
        raise AssertionError

    there = cluster.ask(create)
    return HolderPod(namespace=cluster.namespace, name=name_of(there), uid=uid_of(there) or "")


def delete(cluster: Cluster, gone: HolderPod) -> None:
    cluster.ask(lambda client: client.delete(PODS, gone.name, gone.namespace))


def ended(cluster: Cluster, gone: HolderPod) -> None:
    status: KubeObject = {"status": {"phase": "Failed"}}
    cluster.ask(lambda client: client.patch(PODS, gone.name, status, gone.namespace, part="status"))


def replaced(cluster: Cluster, gone: HolderPod) -> None:
    delete(cluster, gone)
    assert pod(cluster).uid != gone.uid


def held_in(gone: HolderPod | None) -> Lease:
    now = datetime.now(UTC)
    return Lease(token="theirs", holder="somebody", since=now, expires=now + LEASE_TTL, pod=gone)


def take(store: LedgerStore, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[float]]:
    told: list[str] = []
    waited: list[float] = []

    async def nap(seconds: float) -> None:
        waited.append(seconds)

    async def work() -> None:
        async with leased(store, Host({"USER": "robot"}, Path("/x")), told.append, heartbeat=999):
            pass

    with monkeypatch.context() as patched:
        patched.setattr("wanctl.project.leasing.asyncio.sleep", nap)
        asyncio.run(work())
    return told, waited


def containers(cluster: Cluster, holder: HolderPod, *states: tuple[KubeObject, KubeObject]) -> None:
    """What the node says of its containers, each with its state and the one before."""
    told = [
        {"name": f"c{number}", "state": now, "lastState": before, **_OTHERWISE}
        for number, (now, before) in enumerate(states)
    ]
    status: KubeObject = {"status": {"phase": "Running", "containerStatuses": told}}
    cluster.ask(lambda client: client.patch(PODS, holder.name, status, holder.namespace, part="status"))


_OTHERWISE = {"ready": True, "restartCount": 1, "image": "wanctl", "imageID": "wanctl"}


def running(after: int) -> KubeObject:
    """Since so many seconds after the lease was taken."""
    return {"running": {"startedAt": moment(after)}}


def terminated(after: int) -> KubeObject:
    return {"terminated": {"exitCode": 137, "startedAt": moment(-100), "finishedAt": moment(after)}}


def moment(after: int) -> str:
    return f"{NOW + timedelta(seconds=after):%Y-%m-%dT%H:%M:%SZ}"


CREATING: KubeObject = {"waiting": {"reason": "ContainerCreating"}}
CRASHED: KubeObject = {"waiting": {"reason": "CrashLoopBackOff"}}


@pytest.mark.parametrize(
    ("states", "gone"),
    [
        ([(running(5), terminated(4))], True),
        ([(CRASHED, terminated(4))], True),
        ([(terminated(4), {})], True),
        ([(running(5), terminated(4)), (running(9), {})], True),
        ([(running(-60), {})], False),
        ([(running(1), {})], False),  # in the very second
        ([(CREATING, {})], False),  # it may run by now
        ([(CREATING, terminated(-60))], False),
        ([(running(5), terminated(4)), (running(-60), {})], False),  # another container was its own, perhaps
        ([], False),
    ],
)
def test_a_pod_whose_containers_were_started_anew_holds_nothing(
    cluster: Cluster, tmp_path: Path, states: list[tuple[KubeObject, KubeObject]], gone: bool
) -> None:
    holder = pod(cluster)
    containers(cluster, holder, *states)
    if gone:
        done = {"name": "first", "state": terminated(-90), "lastState": {}, **_OTHERWISE}
        status: KubeObject = {"status": {"initContainerStatuses": [done]}}
        cluster.ask(lambda client: client.patch(PODS, holder.name, status, holder.namespace, part="status"))
    claim = lease("theirs").model_copy(update={"pod": holder})
    assert opened(cluster, tmp_path).holder_is_gone(claim) is gone


@pytest.mark.parametrize("lose", [delete, ended, replaced])
def test_the_lease_of_a_pod_that_is_gone_is_taken_over(
    cluster: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lose: Callable[[Cluster, HolderPod], None],
) -> None:
    store, holder = opened(cluster, tmp_path), pod(cluster)
    keeper = cluster.kubeconfig_of("keeper", documented_rules(), tmp_path)
    store.acquire(held_in(holder))
    with pytest.raises(LeaseHeld, match="somebody"):
        take(opened(cluster, tmp_path, keeper), monkeypatch)
    lose(cluster, holder)
    told, waited = take(opened(cluster, tmp_path, keeper), monkeypatch)
    assert f"its Pod {cluster.namespace}/wanctl-0 is gone, or was started anew" in told[0]
    assert FRESH.total_seconds() in waited, (
        "it may run on where its node is cut off, for so long as it is fresh"
    )
    with pytest.raises(LeaseLost):
        store.renew(held_in(holder))


def test_a_holder_outside_the_cluster_is_waited_for(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(cluster, tmp_path).acquire(held_in(None))
    with pytest.raises(LeaseHeld):
        take(opened(cluster, tmp_path), monkeypatch)


def test_who_may_not_look_at_pods_takes_nothing_over(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [one for one in documented_rules() if one["resources"] != ["pods"]]
    blind = cluster.kubeconfig_of("blind", rules, tmp_path)
    holder = pod(cluster)
    opened(cluster, tmp_path).acquire(held_in(holder))
    delete(cluster, holder)
    with pytest.raises(LeaseHeld):
        take(opened(cluster, tmp_path, blind), monkeypatch)


def test_a_run_in_a_pod_says_which_if_the_cluster_of_the_ledger_knows_it(cluster: Cluster) -> None:
    holder = pod(cluster)

    def here(name: str) -> HolderPod | None:
        location = KubeLocation(cluster.namespace, "rain")
        calling = BlockingCluster(lambda: cluster_of_kubeconfig([cluster.kubeconfig]))
        return KubeBackend(location, calling, ThisPod(cluster.namespace, name)).holder_here()

    assert here("wanctl-0") == holder
    assert here("of-another-cluster") is None
