"""The manifests in deploy/: they parse, and what they ask of wanctl is there."""

import configparser
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from starlette.routing import Route

from tests.watch.places import Place, environ
from wanctl.cli import watching
from wanctl.cli.app import app
from wanctl.engine.converge import GRACE
from wanctl.watch.notify import LAST_WORDS
from wanctl.watch.server import STOPPED_WITHIN, StatusEndpoints

DEPLOY = Path(__file__).parents[2] / "deploy"
ENDING = GRACE + LAST_WORDS + STOPPED_WITHIN  # seconds: calls under way, messages, connections


def documents(name: str) -> dict[str, Any]:
    text = (DEPLOY / "kubernetes" / name).read_text(encoding="utf-8")
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


def pod(name: str) -> Any:
    found = documents(name)
    if "CronJob" in found:
        return found["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return found["Deployment"]["spec"]["template"]["spec"]


def service() -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    unit.read(DEPLOY / "systemd" / "wanctl-watch.service", encoding="utf-8")
    return unit


def commands() -> dict[str, list[str]]:
    unit = shlex.split(service()["Service"]["ExecStart"])
    found = {name: list(pod(name)["containers"][0]["args"]) for name in ("watch.yaml", "cronjob.yaml")}
    return {**found, "wanctl-watch.service": unit[1:]}


@pytest.mark.parametrize(("name", "words"), commands().items())
def test_the_options_are_there_and_their_values_make_sense(name: str, words: list[str]) -> None:
    assert words[0] == "watch", name
    command: Any = typer.main.get_command(app)
    watch = command.commands["watch"]
    given = watch.make_context("watch", words[1:]).params
    assert watching.interval_of(given["interval"])
    assert watching._actions(given["require_approval"])
    assert watching.address_of(given["listen"])
    assert given["ref"] == "origin/main"


@pytest.mark.parametrize("name", ["watch.yaml", "cronjob.yaml"])
def test_the_pod_has_what_it_names(name: str) -> None:
    spec = pod(name)
    volumes = {volume["name"] for volume in spec["volumes"]}
    for container in (*spec["initContainers"], *spec["containers"]):
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert set(mounts) == volumes
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["terminationGracePeriodSeconds"] > ENDING + 10  # a slow line to the ledger
    assert "--directory=/work/repository/specs" in spec["containers"][0]["args"]


@pytest.mark.parametrize("name", ["watch.yaml", "cronjob.yaml"])
def test_the_pod_clones_once_whatever_an_attempt_has_left(name: str, place: Place) -> None:
    """After a restart of the node its first container runs again, in the same folder."""
    *shell, script = pod(name)["initContainers"][0]["command"]
    work = place.clone.parent / "volume"
    (work / "cloning").mkdir(parents=True)  # broken off
    (work / "cloning" / "left").touch()
    remote = f"file://{place.clone.parent}/remote.git"
    script = script.replace("https://github.com/OWNER/REPOSITORY.git", remote).replace("/work", str(work))
    for _ in range(2):
        subprocess.run([*shell, script], env=environ(), check=True, capture_output=True)
        assert (work / "repository" / "specs" / "wanctl.yaml").exists()
        assert not (work / "cloning").exists()


def test_the_deployment_is_one_and_is_probed_where_something_answers() -> None:
    found = documents("watch.yaml")
    deployment, service_ = found["Deployment"]["spec"], found["Service"]["spec"]
    assert deployment["replicas"] == 1
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels == service_["selector"]
    assert service_["publishNotReadyAddresses"]
    container = pod("watch.yaml")["containers"][0]
    port = container["ports"][0]
    assert f"--listen=0.0.0.0:{port['containerPort']}" in container["args"]
    assert service_["ports"][0]["targetPort"] == port["name"]
    paths = {route.path for route in _routes()}
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] in paths
        assert container[probe]["httpGet"]["port"] == port["name"]


def _routes() -> list[Route]:
    endpoints = StatusEndpoints(loop_status=lambda: None, metrics=None, now=None, ring=None, secret=None)  # type: ignore[arg-type,return-value]  # only its routes are looked at
    return [route for route in endpoints.application().routes if isinstance(route, Route)]


def test_the_unit_reloads_by_the_signal_that_calls_a_turn_and_leaves_time_to_end() -> None:
    unit = service()["Service"]
    assert unit["ExecReload"].endswith("-HUP $MAINPID")
    assert unit["KillSignal"] == "SIGTERM"
    assert int(unit["TimeoutStopSec"]) > ENDING + 10
    assert unit["KillMode"] == "mixed"  # or a push of the ledger would be ended before the loop is
    assert unit["ReadWritePaths"] in unit["ExecStart"]


def test_no_secret_stands_in_them() -> None:
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"sk-[0-9a-f]{8}|hooks\.slack\.com/services/T", text), path
