"""What a fleet shows: in the terminal, as JSON, on its page, in its metrics; and what its hook does."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.fleet.places import CHAIN, FleetPlace, fleet_place
from tests.scenarios.playing import run_wanctl
from tests.watch.places import TRAIN, TUNE
from wanctl.fleet.keeping import Bell
from wanctl.fleet.running import Crew

COUNTS = {"failing": 1, "waiting_for_person": 1, "in_progress": 1, "converged": 1}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetPlace]:
    with fleet_place(tmp_path_factory.mktemp("shown")) as made:
        yield made


@pytest.fixture(scope="module")
def crew(shown: FleetPlace) -> Crew:
    """One that trains, one that waits for a choice, one that is done, one that is broken."""
    place = shown
    best = {"kind": "Checkpoint", "name": "best", "finetune": "rain"}
    place.project("training", TRAIN, TUNE)
    place.project("waiting", TRAIN, TUNE, best)
    place.project("done", TRAIN)
    place.project("broken", {**TUNE, "training": ["trian"]})
    place.push()
    crew = place.crew()
    place.rounds(crew, 3)
    place.project("training", TRAIN, {**TUNE, "hyper_parameters": {"n_epochs": 50, "eval_epochs": 10}})
    place.push()
    place.rounds(crew, hours=0)
    return crew


@pytest.mark.usefixtures("crew")
def test_the_terminal_says_what_trains_and_what_waits_for_whom(
    shown: FleetPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shown.clone)
    printed, code = run_wanctl("fleet", "status", "--root", ".")
    lines = printed.splitlines()
    assert code == 1  # one is broken
    assert lines[0].startswith("teams/broken    failing")
    assert "trian" in lines[0]
    assert any(
        line.startswith("teams/waiting   waiting for a person  Checkpoint/best waits for a person:")
        for line in lines
    )
    assert any(
        line.startswith("teams/training  in progress") and "FineTune/rain trains" in line for line in lines
    )
    assert any(line == "teams/done      converged" for line in lines)
    assert lines[-1].startswith("4 projects: 1 failing, 1 waiting for a person, 1 in progress, 1 converged.")

    printed, code = run_wanctl("fleet", "status", "--state", "waiting_for_person", "--format", "json")
    document = json.loads(printed)
    (only,) = document["projects"]
    assert (only["folder"], only["waiting"][0]["address"]) == ("teams/waiting", "Checkpoint/best")
    assert document["counts"] == COUNTS

    printed, code = run_wanctl("fleet", "status", "--state", "asleep")
    assert code == 1
    assert "there are failing, error, blocked" in printed


@pytest.mark.usefixtures("crew")
def test_a_look_changes_nothing_and_reads_each_list_once(
    shown: FleetPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shown.clone)
    before, lists = len(shown.sandbox.requests()), shown.calls()
    run_wanctl("fleet", "status")
    asked = shown.sandbox.requests()[before:]
    assert {one.method for one in asked} == {"GET"}
    assert shown.calls() - lists == 3


@pytest.fixture
def client(crew: Crew) -> TestClient:
    endpoints = crew.endpoints(Bell())
    return TestClient(endpoints.application(), base_url="http://127.0.0.1")


def test_the_page_lists_filters_and_leads_to_each_project(client: TestClient) -> None:
    page = client.get("/").text
    assert "4 projects: 1 failing, 1 waiting for a person, 1 in progress, 1 converged" in page
    assert "trian" in page
    narrowed = client.get("/", params={"state": "in_progress", "text": "train"}).text
    assert "teams/training" in narrowed
    assert "teams/waiting" not in narrowed
    assert "No project is like that" in client.get("/", params={"text": "nobody"}).text
    own = client.get("/project", params={"name": "teams/waiting"})
    assert "Checkpoint/" in own.text
    assert client.get("/project", params={"name": "../etc"}).status_code == 404


def test_the_metrics_are_by_project_and_a_scrape_holds_no_ghosts(client: TestClient, crew: Crew) -> None:
    text = client.get("/metrics").text
    assert 'wanctl_project_ready{environment="",folder="teams/done"} 1.0' in text
    assert 'wanctl_project_ready{environment="",folder="teams/broken"} 0.0' in text
    assert 'wanctl_fleet_projects{state="converged"} 1.0' in text
    assert "wanctl_api_calls_total" in text
    assert "wanctl_account_readings_total" in text
    members = crew.fleet.members
    crew.fleet.members = {name: one for name, one in members.items() if name.folder != "teams/done"}
    assert "teams/done" not in client.get("/metrics").text
    crew.fleet.members = members


def test_probes_say_whether_the_loop_comes_round(client: TestClient, crew: Crew) -> None:
    assert client.get("/readyz").status_code == 200
    assert crew.fleet.begun is not None
    crew.fleet.begun -= timedelta(days=1)
    assert client.get("/readyz").status_code == 503
    crew.fleet.begun += timedelta(days=1)
    assert client.get("/status.json").json()["counts"] == COUNTS
    assert client.post("/hook").status_code == 403
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421


def test_one_round_for_a_scheduler(
    place: FleetPlace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place.project("rain", *CHAIN)
    place.project("snow", TRAIN)
    place.push()
    monkeypatch.chdir(place.clone)
    printed, code = run_wanctl("watch", "--root", ".", "--once")
    assert code == 0, printed
    assert "teams/rain: Dataset/train  uploaded" in printed
    assert "note: 2 projects: 1 in progress, 1 converged" in printed
    printed, code = run_wanctl("watch", "--root", ".", "--fleet", "x.yaml", "--once")
    assert code == 1
    assert "exclude each other" in printed
    printed, code = run_wanctl("watch", "--fleet", str(tmp_path / "none.yaml"), "--once")
    assert code == 1
    assert "cannot be read" in printed
