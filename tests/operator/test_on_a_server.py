"""Custom resources and the operator on a real kube-apiserver."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.datasets import small_dataset
from tests.kubernetes.cluster import SERVER, Cluster, lacking, new_namespace, started, stop
from tests.operator.places import Item, account, chain, project
from tests.operator.serving import OperatorPlace, defined
from tests.operator.test_crds import descriptions
from tests.serving import listening
from wanctl.language.schema import described
from wanctl.operator.crds import custom_kinds
from wanctl.operator.inventory import FINALIZER
from wanctl.sandbox import Sandbox

DEPLOY = Path(__file__).parents[2] / "deploy" / "kubernetes"
# a server's watches, and an operator's turns in real time
pytestmark = [pytest.mark.long, pytest.mark.kubernetes]


@pytest.fixture
def place(cluster: Cluster, tmp_path: Path) -> Iterator[OperatorPlace]:
    sandbox = Sandbox.open(tmp_path / "account", speed="instant", seed=1, strict=False, trains_at_once=50)
    with listening(sandbox.app) as url:
        yield defined(cluster, tmp_path, sandbox, url)
    sandbox.close()


def everything(place: OperatorPlace, **spec: Any) -> list[Item]:
    """A whole project, in an account that the test can look into."""
    where = place.namespace
    whole = project(where, **spec)
    del whole["spec"]["sandbox"]
    items = [account(where, base_url=place.url), whole, *chain(where)]
    for one in items:
        for key in ("generation", "uid"):
            del one["metadata"][key]
    return items


def test_kubectl_explains_every_key(place: OperatorPlace) -> None:
    for kind in custom_kinds():
        told = place.explain(f"{kind.plural}.spec")
        words = " ".join(told.split())
        for name, text in descriptions(kind.spec):
            if kind.kind in described() and not name.startswith("source."):
                assert f"{name} (" in words, (kind.kind, name)
                assert " ".join(text.split()) in words, (kind.kind, name)
        told = place.explain(f"{kind.plural}.status.conditions")
        assert "Since when status is what it is." in " ".join(told.split())


def test_the_server_keeps_unknown_keys_and_refuses_wrong_values(place: OperatorPlace) -> None:
    items = everything(place)
    items[3]["spec"]["hyper_parameters"]["n_epoch"] = 400
    place.apply(*items)
    kept = place.get("FineTune", "rain")
    assert kept is not None
    assert kept["spec"]["hyper_parameters"]["n_epoch"] == 400
    for name, wrong in (("n_epochs", 0), ("learning_rate", 0)):
        changed = yaml.safe_load(yaml.safe_dump(items[3]))
        changed["spec"]["hyper_parameters"] = {name: wrong}
        said = place.kubectl("apply", "-f", "-", text=yaml.safe_dump(changed), fails=True)
        assert f"spec.hyper_parameters.{name}" in said
    both = yaml.safe_load(yaml.safe_dump(items[5]))
    both["spec"]["finetune"] = "rain"
    assert "oneOf" in place.kubectl("apply", "-f", "-", text=yaml.safe_dump(both), fails=True)


def test_a_project_is_kept_and_nothing_is_written_while_nothing_changes(place: OperatorPlace) -> None:
    place.apply(*everything(place))
    with place.operating() as run:
        place.until_condition("WanProject", "rain", "Ready")
        for kind, name in (("Dataset", "train"), ("FineTune", "rain"), ("Deployment", "rain")):
            place.until_condition(kind, name, "Ready")
        assert place.condition("StudioAccount", "studio", "Ready")
        events = place.kubectl(
            "get", "events", "-o", "custom-columns=:.involvedObject.name,:.reason,:.message"
        )
        assert re.search(r"rain +Done +train done: ft-", events)
        listed = place.kubectl("get", "wanctl")
        assert re.search(r"wanproject.wanctl.dev/rain +rain +(<none>)? +True +converged", listed)
        time.sleep(3)
        before, turns = place.versions(), run.operator.turns if run.operator else 0
        time.sleep(12)
        assert place.versions() == before
        assert run.operator is not None
        assert run.operator.turns >= turns + 3
    assert len(place.jobs()) == 1


def test_an_unknown_key_stalls_the_project_and_trains_nothing(place: OperatorPlace) -> None:
    items = everything(place)
    items[3]["spec"]["hyper_parameters"]["n_epoch"] = 400
    place.apply(*items)
    with place.operating():
        stalled = place.until_condition("WanProject", "rain", "Stalled")
        assert stalled["reason"] == "InvalidSpecs"
        assert "FineTune/rain .spec.hyper_parameters.n_epoch: there is no key" in stalled["message"]
        assert place.jobs() == []
        del items[3]["spec"]["hyper_parameters"]["n_epoch"]
        place.apply(*items)
        place.until_condition("WanProject", "rain", "Ready")
    assert len(place.jobs()) == 1


def test_an_approval_is_a_patch_of_the_project(place: OperatorPlace) -> None:
    place.apply(*everything(place, requireApproval=["train"], approvals=[]))
    with place.operating():
        waiting = place.until_condition("WanProject", "rain", "WaitingForPerson")
        assert waiting["message"].startswith("FineTune/rain waits for a person")
        digest = place.kubectl("get", "wproj", "rain", "-o", "jsonpath={.status.toApprove[0].digest}")
        assert re.fullmatch("[0-9a-f]{64}", digest)
        assert place.jobs() == []
        patch = f'[{{"op": "add", "path": "/spec/approvals/-", "value": "{digest}"}}]'
        place.kubectl("patch", "wproj", "rain", "--type=json", f"-p={patch}")
        place.until_condition("WanProject", "rain", "Ready")
    assert len(place.jobs()) == 1


def test_a_deleted_object_goes_once_its_resource_is_gone(place: OperatorPlace) -> None:
    place.apply(*everything(place, deletionPolicy="Delete"))
    with place.operating():
        place.until_condition("WanProject", "rain", "Ready")
        held = place.get("Deployment", "rain")
        assert held is not None
        assert held["metadata"]["finalizers"] == [FINALIZER]
        place.kubectl("delete", "deployments.wanctl.dev", "rain", "--wait=false")
        place.until(lambda: place.get("Deployment", "rain") is None)
        assert place.sandbox_deployments() == []
        place.kubectl("delete", "wproj", "rain", "--wait=false")
        told = place.until(
            lambda: (
                (found := place.condition("WanProject", "rain", "WaitingForPerson"))
                and found["reason"] == "DocumentsRemain"
                and found
            )
        )
        assert "FineTune/rain" in told["message"]
        place.kubectl("delete", "wds,wft,wcp", "--all", "--wait=false")
        place.until(lambda: place.get("WanProject", "rain") is None)


def test_an_object_that_is_lost_ends_nothing(place: OperatorPlace) -> None:
    place.apply(*everything(place))
    with place.operating() as run:
        place.until_condition("WanProject", "rain", "Ready")
        place.kubectl("delete", "deployments.wanctl.dev", "rain")
        assert run.operator is not None
        turns = run.operator.turns
        place.until(lambda: run.operator is not None and run.operator.turns > turns + 2)
        assert len(place.sandbox_deployments()) == 1
        place.kubectl("delete", "wproj", "rain")
        assert place.get("WanProject", "rain") is None
        assert len(place.sandbox_deployments()) == 1


def test_a_lost_key_says_so_and_retain_lets_go(place: OperatorPlace) -> None:
    items = everything(place, deletionPolicy="Delete")
    place.apply(*items)
    with place.operating():
        place.until_condition("WanProject", "rain", "Ready")
        lost = {
            **items[0],
            "spec": {**items[0]["spec"], "provider": "model-studio", "secretRef": {"name": "no"}},
        }
        place.apply(lost)
        place.kubectl("delete", "wproj,wds,wft,wcp,deployments.wanctl.dev", "--all", "--wait=false")
        stalled = place.until_condition("Deployment", "rain", "Stalled")
        assert "set deletionPolicy: Retain" in stalled["message"]
        assert len(place.sandbox_deployments()) == 1
        place.kubectl("patch", "wproj", "rain", "--type=merge", '-p={"spec": {"deletionPolicy": "Retain"}}')
        place.until(
            lambda: place.get("WanProject", "rain") is None and place.get("Deployment", "rain") is None
        )
    assert len(place.sandbox_deployments()) == 1


def test_another_operator_goes_on_where_one_ended(place: OperatorPlace) -> None:
    place.apply(*everything(place))
    with place.operating():
        place.until(lambda: len(place.jobs()) == 1)
    place.sandbox.advance(timedelta(hours=20))
    with place.operating():
        place.until_condition("WanProject", "rain", "Ready")
    assert len(place.jobs()) == 1


def rules(*names: str) -> list[Item]:
    """What the roles of these names allow."""
    text = (DEPLOY / "roles.yaml").read_text(encoding="utf-8")
    return [
        rule for one in yaml.safe_load_all(text) if one["metadata"]["name"] in names for rule in one["rules"]
    ]


def test_the_operator_needs_no_more_than_its_roles(place: OperatorPlace) -> None:
    place.kubeconfig = place.cluster.kubeconfig_of("operator", rules("wanctl-operator"), place.root)
    place.apply(*everything(place, deletionPolicy="Delete"))
    with place.operating():
        place.until_condition("WanProject", "rain", "Ready")
        assert place.condition("StudioAccount", "studio", "Ready")
        assert "Done" in place.kubectl("get", "events", "-o", "custom-columns=:.reason")
        place.kubectl("delete", "deployments.wanctl.dev", "rain", "--wait=false")
        place.until(lambda: place.get("Deployment", "rain") is None)
    assert place.sandbox_deployments() == []


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("wanctl-viewer", ["get wproj"], ["patch wcp best", "patch wproj rain", "get secrets", "get wacc"]),
        (
            "wanctl-chooser",
            ["get wft", "patch wcp best"],
            ["patch wft rain", "patch wproj rain", "patch wds train", "delete wcp best", "get secrets"],
        ),
        (
            "wanctl-approver",
            ["patch wproj rain"],
            ["patch wcp best", "patch wft rain", "delete wproj rain", "get secrets", "get wacc"],
        ),
    ],
)
def test_people_may_do_what_their_role_says_and_no_more(
    place: OperatorPlace, role: str, may: list[str], may_not: list[str]
) -> None:
    place.apply(*everything(place))
    config = place.cluster.kubeconfig_of(role, rules(role), place.root)
    changes = {"wcp": '{"spec": {"checkpoint": "checkpoint-10"}}', "wproj": '{"spec": {"suspend": true}}'}
    for words, fails in [*((one, False) for one in may), *((one, True) for one in may_not)]:
        verb, kind, *name = words.split()
        patch = [f"-p={changes.get(kind, '{}')}", "--type=merge"] if verb == "patch" else []
        said = place.kubectl(f"--kubeconfig={config}", verb, kind, *name, *patch, fails=fails)
        assert not fails or "forbidden" in said.lower()


def test_two_operators_keep_twenty_projects_and_one_may_die(place: OperatorPlace) -> None:
    where, items = place.namespace, [account(place.namespace, base_url=place.url)]
    names = [f"rain-{number}" for number in range(20)]
    for name in names:
        clips = place.root / "volumes" / where / "clips" / name
        small_dataset(clips, clips=2, note=name)
        whole = project(where, name)
        del whole["spec"]["sandbox"]
        documents = chain(where, name, f"{name}-")
        documents[0]["spec"]["source"]["pvc"]["path"] = name
        items += [whole, *documents]
    for one in items:
        for key in ("generation", "uid"):
            del one["metadata"][key]
    place.apply(*items)
    with place.operating(interval=4) as run, place.process(interval=4) as other:
        place.until(lambda: len(place.jobs()) >= 5)
        other.kill()
        place.until(lambda: all(_ready(place, name) for name in names), patience=300)
        operator = run.operator
        assert operator is not None
        readings, turns = sum(operator.accounts.readings), operator.turns
        place.until(lambda: operator.turns >= turns + 60, advance=False)
        assert sum(operator.accounts.readings) - readings <= 12  # and not one for each turn
    assert len(place.jobs()) == 20
    assert len(place.sandbox_deployments()) == 20


def _ready(place: OperatorPlace, name: str) -> bool:
    found = place.condition("WanProject", name, "Ready")
    return found is not None and found["status"] == "True"


def test_an_operator_that_is_killed_again_and_again_pays_once(place: OperatorPlace) -> None:
    place.apply(*everything(place))
    for seconds in (3.5, 4.0, 4.5, 5.0, 6.0, 7.0):
        with place.process(interval=1) as operator:
            time.sleep(seconds)
            operator.kill()
        place.sandbox.advance(timedelta(hours=1))
    with place.operating():
        place.until_condition("WanProject", "rain", "Ready")
    assert len(place.jobs()) == 1
    assert len(place.sandbox_deployments()) == 1
    exports = [
        one for one in place.sandbox.requests() if one.method == "POST" and one.path.endswith("/export")
    ]
    assert len(exports) <= 1


def test_a_namespace_that_is_deleted_leaves_nothing_stuck(place: OperatorPlace, kubeconfig: Path) -> None:
    """Of its projects one keeps what is live, and the other has it deleted. Accounts are elsewhere."""
    films = new_namespace(kubeconfig)
    items = [account(place.namespace, base_url=place.url)]
    for name, policy in (("rain", "Delete"), ("snow", "Retain")):
        small_dataset(place.root / "volumes" / films.namespace / "clips" / name, clips=2, note=name)
        whole = project(films.namespace, name, deletionPolicy=policy)
        del whole["spec"]["sandbox"]
        documents = chain(films.namespace, name, f"{name}-")
        documents[0]["spec"]["source"]["pvc"]["path"] = name
        items += [whole, *documents]
    for one in items:
        for key in ("generation", "uid"):
            del one["metadata"][key]
    place.watched = films.namespace
    there = replace(place, cluster=films)
    place.apply(items[0])
    there.apply(*items[1:])
    with place.operating():
        for name in ("rain", "snow"):
            there.until_condition("WanProject", name, "Ready")
        assert len(place.sandbox_deployments()) == 2
        place.kubectl("delete", "namespace", films.namespace, "--wait=false")
        place.until(lambda: films.namespace not in place.kubectl("get", "namespaces", "-o", "name"))
    assert len(place.sandbox_deployments()) == 1
    assert len(place.jobs()) == 2


def test_a_server_that_starts_anew_is_watched_on(tmp_path: Path) -> None:
    """A server of its own, which is ended and started again: no interval brings the next look."""
    if reason := lacking():
        pytest.skip(reason)
    config = started(tmp_path)
    sandbox = Sandbox.open(tmp_path / "account", speed="instant", seed=1, strict=False, trains_at_once=50)
    try:
        with listening(sandbox.app) as url:
            place = defined(new_namespace(config), tmp_path, sandbox, url)
            place.apply(*everything(place, suspend=True))
            with place.operating(interval=3600):
                place.until(lambda: _reason(place) == "Suspended", advance=False)
                subprocess.run([str(SERVER), "restart", str(config.parent)], check=True)
                patch = '-p={"spec": {"suspend": false}}'
                place.kubectl("patch", "wproj", "rain", "--type=merge", patch)
                place.until(lambda: _reason(place) != "Suspended", advance=False)
                place.until(lambda: len(place.jobs()) == 1, advance=False)
    finally:
        stop(tmp_path)
        sandbox.close()


def _reason(place: OperatorPlace) -> str | None:
    found = place.condition("WanProject", "rain", "Ready")
    return str(found["reason"]) if found else None


def test_one_turn_of_each_project_can_be_asked_for(place: OperatorPlace) -> None:
    place.apply(*everything(place, requireApproval=["train"]))
    where = [f"--namespace={place.namespace}", f"--projects-in={place.namespace}"]
    folders = [f"--state={place.root / 'state'}", f"--volumes={place.root / 'volumes'}"]
    ended = subprocess.run(
        [sys.executable, "-m", "wanctl", "operator", "--once", *where, *folders],
        capture_output=True,
        text=True,
        env={**os.environ, "KUBECONFIG": str(place.cluster.kubeconfig), "DASHSCOPE_API_KEY": "sk-not-used"},
        check=True,
        timeout=120,
    )
    assert "1 project: 1 Reconciling" in ended.stderr or "1 WaitingForPerson" in ended.stderr, ended.stderr
    assert place.condition("WanProject", "rain", "Ready")
    assert place.jobs() == []
