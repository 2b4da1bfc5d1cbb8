"""kubectl wanctl: by kubectl itself, against a real API server, with the rights of a person."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.cluster import Cluster
from tests.operator.places import Item, chain, project
from tests.operator.serving import OperatorPlace, defined
from wanctl.operator.custom_resources import API_VERSION
from wanctl.operator.reporting import custom_type
from wanctl.sandbox import Sandbox

TRAIN, WHOLE = "sha256:" + "3fa9c21b" * 8, "sha256:" + "77aa00ee" * 8
WAITING = "Waits for approval of a training that costs about 12 USD"


class Person:
    """Somebody with kubectl, and our plugin in the PATH."""

    def __init__(self, place: OperatorPlace, kubeconfig: Path) -> None:
        self._place, self._kubeconfig = place, kubeconfig
        program = place.root / "bin" / "kubectl-wanctl"
        program.parent.mkdir(exist_ok=True)
        start = "from wanctl.cli.kubectl import main; main()"
        program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{start}' \"$@\"\n", encoding="utf-8")
        program.chmod(0o755)
        self._path = f"{program.parent}:{os.environ['PATH']}"

    def __call__(self, *words: str, fails: bool = False) -> str:
        environ = {**os.environ, "PATH": self._path, "KUBECONFIG": str(self._kubeconfig), "COLUMNS": "300"}
        command = ["kubectl", "wanctl", *words, "--namespace", self._place.namespace]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environ, timeout=120)
        assert bool(ended.returncode) is fails, ended.stderr + ended.stdout
        return ended.stderr if fails else ended.stdout


@pytest.fixture
def place(cluster: Cluster, tmp_path: Path) -> OperatorPlace:
    """A project that was looked at, and waits for approval and for a choice."""
    sandbox = Sandbox.open(tmp_path / "account", speed="instant", seed=1)
    place = defined(cluster, tmp_path, sandbox, "http://127.0.0.1:9")
    sandbox.close()
    items = [project(place.namespace, requireApproval=["train"]), *chain(place.namespace)]
    for one in items:
        for key in ("generation", "uid"):
            del one["metadata"][key]
    place.apply(*items)
    waits = {"state": "waiting_for_person", "conditions": [condition(WAITING)]}
    step = {"address": "FineTune/rain", "action": "train", "digest": TRAIN}
    say(place, "WanProject", "rain", {**waits, "planDigest": WHOLE, "toApprove": [step]})
    say(place, "FineTune", "rain", {**waits, "action": "train", "digest": TRAIN})
    return place


def condition(message: str) -> Item:
    now = "2026-03-18T09:00:00Z"
    told = {"type": "WaitingForPerson", "status": "True", "reason": "Approval", "message": message}
    return {**told, "observedGeneration": 1, "lastTransitionTime": now}


def say(place: OperatorPlace, kind: str, name: str, status: dict[str, Any]) -> None:
    """As the operator writes it."""
    about = {"name": name, "namespace": place.namespace}
    item = {"apiVersion": API_VERSION, "kind": kind, "metadata": about, "status": status}
    place.cluster.ask(lambda client: client.apply(custom_type(kind), item, part="status"))


@pytest.fixture
def person(place: OperatorPlace) -> Person:
    return Person(place, place.cluster.kubeconfig)


def spec(place: OperatorPlace, kind: str, name: str) -> Item:
    found = place.get(kind, name)
    assert found
    return dict(found["spec"])


def test_it_is_seen_what_waits_chosen_and_approved(place: OperatorPlace, person: Person) -> None:
    told = person("plan").splitlines()
    assert told[0] == "WanProject/rain: waiting for person"
    assert told[1] == f"  WaitingForPerson: {WAITING}"
    assert "  Dataset/train: not looked at yet" in told
    assert "  FineTune/rain: train" in told or "  FineTune/rain: train waiting for person" in told
    assert "  to approve: train FineTune/rain: kubectl wanctl approve rain 3fa9c21b3fa9" in told
    assert told[-1] == "  to approve: the whole plan: kubectl wanctl approve rain 77aa00ee77aa"
    assert person("plan", "rain").splitlines() == told

    assert person("choose", "best", "checkpoint-40", "--of", "3fa9c21b") == (
        "Checkpoint/best: checkpoint-20 → checkpoint-40\n"
    )
    chosen = spec(place, "Checkpoint", "best")
    assert (chosen["checkpoint"], chosen["of"], chosen["finetune"]) == ("checkpoint-40", "3fa9c21b", "rain")
    person("choose", "best", "checkpoint-20")
    assert "of" not in spec(place, "Checkpoint", "best"), "it was of the choice before"

    assert person("approve", "rain", "3fa9c21b3fa9") == "approved: train FineTune/rain\n"
    assert spec(place, "WanProject", "rain")["approvals"] == [TRAIN]
    person("approve", "rain", TRAIN, WHOLE)
    assert spec(place, "WanProject", "rain")["approvals"] == [TRAIN, WHOLE]


def test_nothing_is_approved_that_nobody_was_asked_about(place: OperatorPlace, person: Person) -> None:
    told = person("approve", "rain", "deadbeefdeadbeef", fails=True)
    assert "WanProject/rain waits for no approval of deadbeefdeadbeef; kubectl wanctl plan rain shows" in told
    assert "3fa9 is too short: at least 8 digits" in person("approve", "rain", "3fa9", fails=True)
    assert "approvals" not in spec(place, "WanProject", "rain")
    assert 'checkpoints.wanctl.dev "none" not found' in person("choose", "none", "checkpoint-20", fails=True)


def test_a_chooser_approves_nothing(place: OperatorPlace, tmp_path: Path) -> None:
    """With the rights of the role for choosers."""
    kinds = ["wanprojects", "datasets", "finetunes", "checkpoints", "deployments"]
    rules: list[dict[str, Any]] = [
        {"apiGroups": ["wanctl.dev"], "resources": kinds, "verbs": ["get", "list"]},
        {"apiGroups": ["wanctl.dev"], "resources": ["checkpoints"], "verbs": ["patch"]},
    ]
    chooser = Person(place, place.cluster.kubeconfig_of("chooser", rules, tmp_path))
    assert "checkpoint-20 → checkpoint-40" in chooser("choose", "best", "checkpoint-40")
    told = chooser("approve", "rain", "3fa9c21b3fa9", fails=True)
    assert 'wanprojects.wanctl.dev "rain" is forbidden' in told
