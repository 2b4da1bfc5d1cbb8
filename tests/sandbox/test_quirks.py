"""Every quirk is a switch: what is seen as it comes, and what after it was turned."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import CONFIG, DEPLOYMENTS, FILES, JOBS, Account
from wanctl.sandbox.faults.rules import FaultKind, FaultRule
from wanctl.sandbox.faults.setup import Quirks, WantedFaults

FULL = {"n_epochs": 40, "eval_epochs": 10, "max_pixels": 16384, "learning_rate": 2e-5}


def created(account: Account, **more: Any) -> dict[str, Any]:
    return dict(account.output("POST", JOBS, json=account.asking(**more)))


def echo(account: Account) -> dict[str, Any]:
    return dict(created(account, hyper_parameters=FULL)["hyper_parameters"])


def exports(account: Account) -> list[bool]:
    """Two checkpoints under one name."""
    base = f"{JOBS}/{account.trained()}/export"
    return [account.output("GET", f"{base}/checkpoint-{epoch}?model_name=one") for epoch in (10, 20)]


def labels(account: Account, hours: float) -> list[str]:
    job_id = account.create(hyper_parameters={"n_epochs": 120, "eval_epochs": 40})
    account.pass_time(hours=hours)
    rows = account.output("GET", f"{JOBS}/{job_id}/validation-results")
    return [row["checkpoint"].removeprefix("checkpoint-") for row in rows]


def preview_with_a_key(account: Account) -> int:
    path = f"{JOBS}/{account.trained()}/validation-details/checkpoint-40"
    link = account.output("GET", path)["list"][0]["first_frame_path"]
    return account.link(link, authorization="Bearer any").status_code


def named(account: Account) -> str:
    answer = account.http.post(JOBS, json=account.asking(job_name="mine"))
    return (
        str(answer.json()["output"]["job_name"][:4]) if answer.status_code == 200 else answer.json()["code"]
    )


def deployment_fields(account: Account) -> Any:
    account.deploying(f"wan2.6-i2v-{account.trained()}")
    return account.output("GET", DEPLOYMENTS)["deployments"][0].get("aigc_config")


def last_status(account: Account) -> str:
    return str(account.output("GET", f"{JOBS}/{account.trained()}/checkpoints")[0]["status"])


def file_status(account: Account) -> str:
    return str(account.ask("GET", f"{FILES}/{account.upload()}")["status"])


def jobs_of_two(account: Account) -> list[int]:
    return [account.http.post(JOBS, json=account.asking()).status_code for _ in range(2)]


def deleting(account: Account) -> int:
    return account.http.delete(f"{JOBS}/{account.trained()}").status_code


def names(account: Account, uploads: int = 4) -> str:
    """The files that were uploaded, one letter each, as the list has them."""
    for letter in "abcdefgh"[:uploads]:
        account.upload(b"x", letter)
    return "".join(row["filename"] for row in account.ask("GET", FILES)["data"])


def pages(account: Account) -> list[str]:
    """The same by numbered pages of two."""
    names(account)
    paged = [account.ask("GET", "/api/v1/files", params={"page_no": n, "page_size": 2}) for n in (1, 2)]
    return ["".join(row["name"] for row in one["data"]["files"]) for one in paged]


def early_status(account: Account) -> str:
    job_id = account.create()
    account.pass_time(minutes=5)
    return str(account.job(job_id)["status"])


def scaling(account: Account) -> int:
    """A deployment of plan lora in a strict account."""
    name = account.deployed(f"wan2.6-i2v-{account.trained()}")
    account.rig(quirks={"strict": True})
    return account.http.put(f"{DEPLOYMENTS}/{name}/scale", json={"capacity": 2}).status_code


def deleting_deployment(account: Account) -> int:
    name = account.deployed(f"wan2.6-i2v-{account.trained()}")
    return account.http.delete(f"{DEPLOYMENTS}/{name}").status_code


# quirk → how it is turned, how it is seen, what is seen before and after.
SWITCHES: dict[str, tuple[Any, Callable[[Account], Any], Any, Any]] = {
    "echo_file_ids": (False, lambda a: len(created(a)["training_file_ids"]), 1, 0),
    "echo_config": (True, deployment_fields, None, CONFIG),
    "echo_all_parameters": (
        True,
        lambda a: (len(echo(a)), echo(a).get("max_pixels")),
        (3, None),
        (10, 16384),
    ),
    "numbers_as_text": (True, lambda a: echo(a)["learning_rate"], 2e-5, "2e-05"),
    "keep_job_name": (False, named, "mine", "ft-2"),
    "keep_ended_jobs": (True, deleting, 200, 400),
    "job_quota": (1, jobs_of_two, [200, 200], [200, 429]),
    "export_last": (False, last_status, "SUCCEEDED", "PENDING"),
    "unique_display_names": (False, exports, [True, False], [True, True]),
    "labels_as_text": (False, lambda a: labels(a, 7), ["120", "40", "80"], ["40", "80", "120"]),
    "early_previews": (True, lambda a: labels(a, 1), [], ["40"]),
    "links_refuse_keys": (False, preview_with_a_key, 403, 200),
    "processing_seconds": (30.0, file_status, "processed", "processing"),
    "list_lag": (30.0, names, "dcba", ""),
    "list_lag_calls": (1, names, "dcba", ""),
    "list_order": ("random", names, "dcba", "abdc"),
    "list_shift": (1, pages, ["dc", "ba"], ["dc", "cb"]),
    "largest_page": (3, names, "dcba", "dcb"),
    "strict": (True, jobs_of_two, [200, 200], [400, 400]),
    "newer_answers": (True, lambda a: "training_datasets" in created(a), False, True),
    "failed_previews": (["*-40", "*-80"], lambda a: labels(a, 7), ["120", "40", "80"], ["120"]),
    "scalable": (True, scaling, 400, 200),
    "delete_running": (False, deleting_deployment, 200, 400),
    "unknown_status": ("REVIEWING", early_status, "RUNNING", "REVIEWING"),
}


def test_every_quirk_is_here() -> None:
    assert set(SWITCHES) == {field.name for field in fields(Quirks)}


def test_what_can_be_arranged_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    words = {*SWITCHES, *WantedFaults.model_fields, *FaultKind, *map(str, FaultRule.model_fields)}
    assert [word for word in sorted(words) if word not in page] == []


@pytest.mark.parametrize("name", SWITCHES)
def test_as_it_comes(account: Account, name: str) -> None:
    _, look, before, _ = SWITCHES[name]
    assert look(account) == before


@pytest.mark.parametrize("name", SWITCHES)
def test_turned(account: Account, name: str) -> None:
    value, look, _, after = SWITCHES[name]
    account.rig(quirks={name: value})
    assert look(account) == after


def test_a_name_can_be_refused(account: Account) -> None:
    account.rig(quirks={"keep_job_name": "reject"})
    assert named(account) == "InvalidParameter"


def test_an_upload_is_ready_in_time(account: Account) -> None:
    account.rig(quirks={"processing_seconds": 30})
    identifier = account.upload()
    account.pass_time(seconds=31)
    assert account.ask("GET", f"{FILES}/{identifier}")["status"] == "processed"


def test_the_quota_counts_what_trains_or_has_trained(account: Account) -> None:
    account.rig(job_quota=1)
    first = account.create()
    full = account.http.post(JOBS, json=account.asking())
    message = "Only 1 fine-tune job in running or succeeded allowed per user."
    assert (full.status_code, full.json()["code"], full.json()["message"]) == (429, "Throttling", message)
    account.pass_time(days=30)
    assert account.http.post(JOBS, json=account.asking()).status_code == 429
    account.ask("DELETE", f"{JOBS}/{first}")
    assert account.http.post(JOBS, json=account.asking()).status_code == 200


def test_the_twentieth_job_is_the_last(account: Account) -> None:
    body = account.asking()
    codes = [account.http.post(JOBS, json=body) for _ in range(21)]
    assert [answer.status_code for answer in codes] == [200] * 20 + [429]
    assert "Only 20 fine-tune job in running or succeeded" in codes[-1].json()["message"]


def test_an_export_that_is_refused_or_fails(account: Account) -> None:
    base = f"{JOBS}/{account.trained()}"

    def export() -> bool:
        return bool(account.output("GET", f"{base}/export/checkpoint-10?model_name=one"))

    def status() -> str:
        account.pass_time(minutes=5)
        return str(account.output("GET", f"{base}/checkpoints")[-1]["status"])

    account.rig(next_export="REFUSED")
    assert (export(), status()) == (False, "PENDING")
    account.rig(next_export="FAILED")
    assert (export(), status()) == (True, "FAILED")
    assert (export(), status()) == (True, "SUCCEEDED")  # its own name is still its own
    assert (export(), status()) == (True, "SUCCEEDED")


def test_what_cannot_be_exported(account: Account) -> None:
    running, done = account.create(), account.create()
    path = f"{JOBS}/{running}/export/checkpoint-10?model_name="
    assert account.output("GET", f"{path}one") is False
    account.pass_time(hours=9)
    assert account.http.get(path).status_code == 400
    assert account.http.get(f"{path}a%20b").status_code == 400
    assert account.output("GET", f"{path}名-a_1") is True
    assert account.http.get(f"{JOBS}/{done}/export/checkpoint-11?model_name=x").status_code == 404


def test_a_job_that_fails(account: Account) -> None:
    account.rig(next_job="FAILED", message="a node was lost")
    failing, next_one = account.create(), account.create()
    account.pass_time(hours=7)
    job = account.job(failing)
    assert (job["status"], job["code"], job["message"]) == ("FAILED", "TrainingFailed", "a node was lost")
    assert account.job(next_one)["status"] == "SUCCEEDED"


def test_a_deployment_that_fails_and_one_in_arrears(account: Account) -> None:
    model = f"wan2.6-i2v-{account.trained()}"
    account.rig(next_deployment="FAILED")
    name = account.deployed(model)

    def status() -> str:
        return str(account.output("GET", f"{DEPLOYMENTS}/{name}")["status"])

    assert status() == "FAILED"
    account.rig(deployment=name, status="RUNNING")
    assert status() == "RUNNING"
    account.rig(deployment=name, status="ARREARS_DOWN")
    assert status() == "ARREARS_DOWN"
    assert account.output("GET", f"{DEPLOYMENTS}?status=RUNNING")["total"] == 0
    account.rig(deployment=name, status=None)
    assert status() == "RUNNING"


def test_scaling(account: Account) -> None:
    name = account.deployed(f"wan2.6-i2v-{account.trained()}")
    path = f"{DEPLOYMENTS}/{name}"
    assert "capacity" not in account.output("PUT", f"{path}/scale", json={"capacity": 2})
    assert account.output("GET", path)["status"] == "UPDATING"
    assert account.sandbox.status()["deployments"][0]["capacity"] == 2
    account.pass_time(minutes=3)
    assert account.output("PUT", f"{path}/update", json={"rpm_limit": 60})["status"] == "RUNNING"
    assert account.http.put(f"{path}/update", json={}).status_code == 400


@pytest.mark.parametrize(
    ("outage", "codes"),
    [
        ({"status": 502, "after": 1, "count": 2}, [200, 502, 502, 200, 200]),
        ({"after": 2}, [200, 200, 503, 503, 503]),
        ({"count": 0}, [200] * 5),
    ],
)
def test_an_outage(account: Account, outage: dict[str, int], codes: list[int]) -> None:
    account.rig(outage=outage)
    answers = [account.http.get(DEPLOYMENTS) for _ in range(5)]
    assert [answer.status_code for answer in answers] == codes
    down = [answer for answer in answers if answer.status_code != 200]
    assert all(answer.headers["content-type"].startswith("text/html") for answer in down)
    account.rig(outage=None)
    assert account.http.get(DEPLOYMENTS).status_code == 200


@pytest.mark.parametrize(
    "arranged",
    [
        {"next_jbo": "FAILED"},
        {"next_job": "SUCCEEDED"},
        {"next_export": True},
        {"outage": 503},
        {"outage": {"status": 200}},
        {"outage": {"cuont": 1}},
        {"job_quota": "many"},
        {"quirks": {"echo": False}},
        {"quirks": {"echo_file_ids": "no"}},
        {"quirks": {"echo_file_ids": False, "job_quota": 1.5}},
    ],
)
def test_what_cannot_be_arranged_changes_nothing(account: Account, arranged: dict[str, Any]) -> None:
    answer = account.http.post("/_sandbox/rig", json=arranged)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert all(name in answer.json()["message"] for name in WantedFaults.model_fields)
    assert len(created(account)["training_file_ids"]) == 1


def test_only_a_deployment_that_is_there_has_a_status(account: Account) -> None:
    answer = account.http.post("/_sandbox/rig", json={"deployment": "nobody", "status": "FAILED"})
    assert answer.status_code == 404
