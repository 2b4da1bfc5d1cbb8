"""The Helm chart: rendered and checked by Helm's own code, which is a package, and by a real API server."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes.cluster import Cluster
from tests.scenarios.playing import run_wanctl
from wanctl.kubernetes.access import cluster_of_kubeconfig
from wanctl.kubernetes.client import KubernetesClient
from wanctl.kubernetes.errors import KubernetesError
from wanctl.kubernetes.resources import KubeObject, ResourceType

pytestmark = pytest.mark.kubernetes
CHART = Path(__file__).parents[2] / "deploy" / "helm" / "wanctl"
Rendered = Callable[..., list[KubeObject]]
EVERYTHING: dict[str, Any] = {
    "replicas": 2,
    "image": {"repository": "registry.example/wanctl", "digest": f"sha256:{'a' * 64}"},
    "imagePullSecrets": ["pull"],
    "projectsIn": "films",
    "ledger": "s3://team/{namespace}/{project}.json",
    "serviceAccount": {"annotations": {"a": "b"}},
    "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "envFrom": [{"secretRef": {"name": "bucket"}}],
    "podAnnotations": {"a": "b"},
    "podLabels": {"c": "d"},
    "nodeSelector": {"e": "f"},
    "tolerations": [{"key": "g", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "dataVolumes": [{"namespace": "films", "claim": "clips", "existingClaim": "clips-of-films"}],
    "priorityClassName": "high",
    "state": {"existingClaim": "state", "size": "20Gi"},
    "networkPolicy": {
        "metricsFrom": [{"matchLabels": {"name": "monitoring"}}],
        "egress": [{"ports": [{"port": 3128}]}],
    },
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
}


def helm() -> Any:
    """Helm's own code."""
    return pytest.importorskip("helm_python.chart", reason="needs Helm's code: pip install helm-python-sdk")


@pytest.fixture
def rendered() -> Rendered:
    charts = helm().Chart

    def render(values: dict[str, Any] | None = None, namespace: str = "ops") -> list[KubeObject]:
        files = charts.load(str(CHART)).render(values or {}, name="wanctl", namespace=namespace)
        texts = [text for name, text in files.items() if name.endswith(".yaml")]
        return [one for text in texts for one in yaml.safe_load_all(text) if one]

    return render


def of(kind: str, items: list[KubeObject], ends: str = "") -> KubeObject:
    (found,) = (one for one in items if one["kind"] == kind and one["metadata"]["name"].endswith(ends))
    return found


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_helm_finds_nothing_wrong(rendered: Rendered, values: dict[str, Any]) -> None:
    assert rendered(values)
    found = helm().lint(str(CHART), values, strict=True, namespace="ops")
    assert found["errors"] == []
    assert [one["error"] for one in found["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize(
    "values",
    [
        {"replica": 2},
        {"image": {"repository": ""}},
        {"image": {"repository": "a", "digest": "latest"}},
        {"interval": "soon"},
        {"ledger": "s3://team/one-for-all.json"},
        {"projectsIn": "Films"},
        {"networkPolicy": {"enabeld": False}},
        {"serviceMonitor": {"interval": 60}},
    ],
)
def test_values_that_are_none_are_refused(rendered: Rendered, values: dict[str, Any]) -> None:
    assert rendered()
    with pytest.raises(Exception, match=r"schema|values"):
        rendered(values)


def test_the_schema_and_the_documented_values_name_the_same_keys() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))

    def names(value: Any) -> Any:
        return {key: names(one) for key, one in value.items()} if isinstance(value, dict) else None

    def declared(part: Any) -> Any:
        inside = part.get("properties")
        return {key: declared(one) for key, one in inside.items()} if inside else None

    def cut(value: Any, to: Any) -> Any:
        """Where the schema is open, so are the values."""
        return (
            {key: cut(one, to[key]) for key, one in value.items()} if isinstance(to, dict) and value else None
        )

    wanted = declared(schema)
    wanted.pop("global")
    assert cut(names(values), wanted) == wanted


def test_each_value_is_documented() -> None:
    lines = (CHART / "values.yaml").read_text("utf-8").splitlines()
    assert sum("#" in line for line in lines) >= 20


def test_the_definitions_are_those_that_wanctl_prints() -> None:
    """A link, which Helm follows."""
    (definitions,) = helm().Chart.load(str(CHART)).crds
    printed = (CHART.parents[1] / "kubernetes" / "crds.yaml").read_text("utf-8")
    assert printed in {definitions.get(key) for key in definitions}


def test_projects_of_one_namespace_take_no_right_in_others(rendered: Rendered) -> None:
    items = rendered({"projectsIn": "films", "rolesForPeople": False})
    assert not [one for one in items if one["kind"].startswith("Cluster")]
    assert of("Role", items, "-projects")["metadata"]["namespace"] == "films"
    assert (
        "--projects-in=films" in of("Deployment", items)["spec"]["template"]["spec"]["containers"][0]["args"]
    )


def test_no_right_where_projects_are_makes_or_deletes_one_or_reads_a_secret(rendered: Rendered) -> None:
    items = rendered()
    for role in (one for one in items if one["kind"] == "ClusterRole"):
        for rule in role["rules"]:
            assert "secrets" not in rule["resources"]
            assert not {"delete", "deletecollection", "update", "*"} & set(rule["verbs"])
            assert "create" not in rule["verbs"] or rule["resources"] == ["events"]
    chooser = of("ClusterRole", items, "-chooser")
    assert [one["resources"] for one in chooser["rules"] if "patch" in one["verbs"]] == [["checkpoints"]]


def test_the_container_has_no_rights_on_its_node(rendered: Rendered) -> None:
    spec = of("Deployment", rendered())["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_disruption_budget_comes_with_the_second_replica(rendered: Rendered) -> None:
    assert not [one for one in rendered() if one["kind"] == "PodDisruptionBudget"]
    assert of("PodDisruptionBudget", rendered({"replicas": 2}))["spec"]["maxUnavailable"] == 1


def test_the_arguments_are_those_of_the_command(rendered: Rendered) -> None:
    told, code = run_wanctl("operator", "--help")
    assert code == 0, told
    known = set(re.findall(r"--[a-z-]+", told))
    (container,) = of("Deployment", rendered(EVERYTHING))["spec"]["template"]["spec"]["containers"]
    name, *options = container["args"]
    assert name == "operator"
    assert {one.partition("=")[0] for one in options} <= known


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_a_real_api_server_takes_all_of_it(
    cluster: Cluster, rendered: Rendered, values: dict[str, Any]
) -> None:
    values = {**values, "projectsIn": cluster.namespace if values else ""}
    refused: list[str] = []

    async def dry(client: KubernetesClient, item: KubeObject) -> None:
        group, _, version = item["apiVersion"].rpartition("/")
        namespaced = not item["kind"].startswith("Cluster")
        kind = item["kind"].lower()
        plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
        what = ResourceType(group, version, plural, item["kind"], namespaced)
        try:
            await client.apply(what, item, dry_run=True)
        except KubernetesError as error:
            refused.append(str(error))

    async def every() -> None:
        async with KubernetesClient(cluster_of_kubeconfig([cluster.kubeconfig])) as client:
            for item in rendered(values, cluster.namespace):
                if item["kind"] not in {"ServiceMonitor", "PodDisruptionBudget"}:
                    await dry(client, item)  # the first is of Prometheus, the second of a later server

    asyncio.run(every())
    assert refused == [], "\n".join(refused)
