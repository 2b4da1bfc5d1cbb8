"""The client against a real API server: objects, versions, pages, watches, rights."""

import asyncio
import os
import subprocess
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.cluster import SERVER, Cluster, new_namespace
from wanctl.kubernetes.access import cluster_of_kubeconfig
from wanctl.kubernetes.client import FoundObjects, KubernetesClient
from wanctl.kubernetes.errors import (
    AccessRefusedError,
    NoSuchObjectError,
    ObjectExistsError,
    ObjectTooLargeError,
    RejectedObjectError,
    StaleVersionError,
)
from wanctl.kubernetes.resources import (
    CONFIG_MAPS,
    NAMESPACES,
    SECRETS,
    KubeObject,
    name_of,
    uid_of,
    version_of,
)
from wanctl.kubernetes.watching import WatchedObjects, follow

pytestmark = pytest.mark.kubernetes


def config_map(cluster: Cluster, name: str = "rain", **data: str) -> KubeObject:
    return {"metadata": {"name": name, "namespace": cluster.namespace}, "data": data}


def test_an_object_is_made_read_replaced_and_deleted(cluster: Cluster) -> None:
    made = cluster.ask(lambda client: client.create(CONFIG_MAPS, config_map(cluster, a="1")))
    read = cluster.ask(lambda client: client.get(CONFIG_MAPS, "rain", cluster.namespace))
    assert read == made
    changed = cluster.ask(lambda client: client.replace(CONFIG_MAPS, {**read, "data": {"a": "2"}}))
    assert version_of(changed) != version_of(read)
    with pytest.raises(StaleVersionError, match=r"update ConfigMap .*/rain: .* the object has been modified"):
        cluster.ask(lambda client: client.replace(CONFIG_MAPS, {**read, "data": {"a": "3"}}))
    with pytest.raises(ObjectExistsError):
        cluster.ask(lambda client: client.create(CONFIG_MAPS, config_map(cluster)))
    cluster.ask(lambda client: client.delete(CONFIG_MAPS, "rain", cluster.namespace))
    with pytest.raises(NoSuchObjectError, match='configmaps "rain" not found'):
        cluster.ask(lambda client: client.get(CONFIG_MAPS, "rain", cluster.namespace))


def test_a_merge_patch_changes_what_it_names(cluster: Cluster) -> None:
    made = cluster.ask(lambda client: client.create(CONFIG_MAPS, config_map(cluster, a="1", b="2")))
    patch: KubeObject = {"data": {"a": None, "c": "3"}}
    namespace = cluster.namespace
    changed = cluster.ask(lambda client: client.patch(CONFIG_MAPS, "rain", patch, namespace))
    assert changed["data"] == {"b": "2", "c": "3"}
    stale: KubeObject = {**patch, "metadata": {"resourceVersion": version_of(made)}}
    with pytest.raises(StaleVersionError):
        cluster.ask(lambda client: client.patch(CONFIG_MAPS, "rain", stale, namespace))


def test_an_apply_keeps_what_others_have_and_refuses_to_take_it(cluster: Cluster) -> None:
    typed: KubeObject = {"apiVersion": "v1", "kind": "ConfigMap", **config_map(cluster, a="1")}
    made = cluster.ask(lambda client: client.apply(CONFIG_MAPS, typed))
    assert made["data"] == {"a": "1"}
    again = cluster.ask(lambda client: client.apply(CONFIG_MAPS, typed))
    assert version_of(again) == version_of(made), "what is as it should be is not written"

    async def by_another(**data: str) -> KubeObject:
        async with KubernetesClient(cluster_of_kubeconfig([cluster.kubeconfig]), manager="another") as client:
            return await client.apply(CONFIG_MAPS, config_map(cluster, **data), force=True)

    asyncio.run(by_another(a="2", b="3"))
    with pytest.raises(StaleVersionError, match="conflict with"):
        cluster.ask(lambda client: client.apply(CONFIG_MAPS, typed))
    taken = cluster.ask(lambda client: client.apply(CONFIG_MAPS, typed, force=True))
    assert taken["data"] == {"a": "1", "b": "3"}


def test_another_object_of_this_name_is_not_deleted(cluster: Cluster) -> None:
    made = cluster.ask(lambda client: client.create(CONFIG_MAPS, config_map(cluster)))
    with pytest.raises(StaleVersionError):
        cluster.ask(lambda client: client.delete(CONFIG_MAPS, "rain", cluster.namespace, uid="another"))
    uid = uid_of(made)
    cluster.ask(lambda client: client.delete(CONFIG_MAPS, "rain", cluster.namespace, uid=uid))


def test_what_is_no_object_or_too_much_is_rejected(cluster: Cluster) -> None:
    with pytest.raises(RejectedObjectError, match="Invalid value"):
        cluster.ask(lambda client: client.create(CONFIG_MAPS, config_map(cluster, "Rain")))
    large = {**config_map(cluster), "data": {"a": "x" * (1024 * 1024 + 1)}}
    with pytest.raises(ObjectTooLargeError):
        cluster.ask(lambda client: client.create(CONFIG_MAPS, large))


def test_a_list_comes_in_pages_and_by_label(cluster: Cluster) -> None:
    async def all_of_them(client: KubernetesClient) -> tuple[FoundObjects, FoundObjects]:
        for number in range(5):
            item = config_map(cluster, f"rain-{number}")
            item["metadata"]["labels"] = {"even": str(number % 2 == 0).lower()}
            await client.create(CONFIG_MAPS, item)
        every = await client.list(
            CONFIG_MAPS, cluster.namespace, fields="metadata.name!=kube-root-ca.crt", page=2
        )
        return every, await client.list(CONFIG_MAPS, cluster.namespace, labels="even=true")

    every, even = cluster.ask(all_of_them)
    assert [name_of(one) for one in every.items] == [f"rain-{number}" for number in range(5)]
    assert len(even.items) == 3
    assert every.items[0]["kind"] == "ConfigMap"


def test_a_watch_tells_what_there_is_and_what_becomes_of_it(cluster: Cluster) -> None:
    async def watched(client: KubernetesClient) -> list[Any]:
        await client.create(CONFIG_MAPS, config_map(cluster, a="1"))
        told: list[Any] = []
        only = WatchedObjects(CONFIG_MAPS, cluster.namespace, fields="metadata.name=rain")
        async with asyncio.timeout(60), aclosing(follow(client, only)) as news:
            async for one in news:
                told.append(
                    [name_of(item) for item in one.items] if isinstance(one, FoundObjects) else one.what
                )
                if len(told) == 1:
                    await client.patch(CONFIG_MAPS, "rain", {"data": {"a": "2"}}, cluster.namespace)
                if len(told) == 2:
                    await client.delete(CONFIG_MAPS, "rain", cluster.namespace)
                if len(told) == 3:
                    return told
        raise AssertionError

    assert cluster.ask(watched) == [["rain"], "MODIFIED", "DELETED"]


@pytest.mark.usefixtures("kubeconfig")
def test_what_changes_after_the_server_was_started_anew_is_seen(tmp_path: Path) -> None:
    """A server of this test alone: the others go on with theirs."""
    folder = tmp_path / "own"
    subprocess.run([SERVER, "start", str(folder), str(os.getpid())], check=True, capture_output=True)
    try:
        cluster = new_namespace(folder / "kubeconfig")

        async def watched(client: KubernetesClient) -> str:
            await client.create(CONFIG_MAPS, config_map(cluster, a="1"))
            only = WatchedObjects(CONFIG_MAPS, cluster.namespace, fields="metadata.name=rain")
            async with asyncio.timeout(120), aclosing(follow(client, only)) as news:
                async for one in news:
                    if not isinstance(one, FoundObjects):
                        return str(one.item["data"]["a"])
                    restarted = await asyncio.create_subprocess_exec(SERVER, "restart", folder)
                    assert await restarted.wait() == 0
                    await client.patch(CONFIG_MAPS, "rain", {"data": {"a": "2"}}, cluster.namespace)
            raise AssertionError

        assert cluster.ask(watched) == "2"
    finally:
        subprocess.run([SERVER, "stop", str(folder)], check=True)


def test_an_account_may_do_what_its_role_says(cluster: Cluster, tmp_path: Path) -> None:
    rules: list[KubeObject] = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get"]}]
    path = cluster.kubeconfig_of("reader", rules, tmp_path)

    async def as_account() -> None:
        async with KubernetesClient(cluster_of_kubeconfig([path])) as client:
            await client.create(CONFIG_MAPS, config_map(cluster))
            assert await client.get(CONFIG_MAPS, "rain"), "the namespace is that of the context"
            await client.list(SECRETS, cluster.namespace)

    says = r"list Secret \S+: secrets is forbidden: User .*reader.*; give this account the role"
    with pytest.raises(AccessRefusedError, match=says):
        asyncio.run(as_account())


def test_a_namespace_that_is_deleted_goes_with_all_that_is_in_it(kubeconfig: Path) -> None:
    cluster = new_namespace(kubeconfig)
    cluster.ask(lambda client: client.create(CONFIG_MAPS, config_map(cluster)))
    cluster.ask(lambda client: client.delete(NAMESPACES, cluster.namespace))
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            cluster.ask(lambda client: client.get(NAMESPACES, cluster.namespace))
        except NoSuchObjectError:
            return
        time.sleep(0.5)
    pytest.fail("it is still there")
