"""How a job goes through time: its statuses, its log, what it costs, and who waits for whom."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import JOBS, Account
from wanctl.sandbox import Sandbox
from wanctl.sandbox.state.training import total_tokens


def statuses(account: Account, *jobs: str) -> list[str]:
    return [account.job(job_id)["status"] for job_id in jobs]


def log(account: Account, job_id: str, query: str = "") -> list[str]:
    return list(account.output("GET", f"{JOBS}/{job_id}/logs{query}")["logs"])


def test_a_job_takes_hours_and_then_some_minutes(account: Account) -> None:
    job_id = account.create()
    seen = [statuses(account, job_id)[0]]
    for _ in range(7 * 12):
        account.pass_time(minutes=5)
        seen.append(statuses(account, job_id)[0])
    assert list(dict.fromkeys(seen)) == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert 90 <= seen.count("RUNNING") * 5 <= 6 * 60 + 20
    done = account.job(job_id)
    assert done["end_time"] > done["create_time"]
    assert (done["output_cnt"], done["max_output_cnt"]) == (4, 4)


@pytest.fixture
def widened(tmp_path: Path, account: Account) -> Iterator[Callable[[int], Account]]:
    """The same account, opened once more, with so many that train at once."""
    with ExitStack() as opened:

        def widen(at_once: int) -> Account:
            sandbox = Sandbox.open(tmp_path / "account", trains_at_once=at_once)
            opened.callback(sandbox.close)
            return Account(sandbox, account.data)

        yield widen


@pytest.mark.parametrize("at_once", [1, 2, 3, 5])
def test_so_many_train_at_once_and_the_others_wait(widened: Callable[[int], Account], at_once: int) -> None:
    account = widened(at_once)
    jobs = [account.create() for _ in range(5)]
    account.pass_time(minutes=2)
    assert statuses(account, *jobs) == ["RUNNING"] * at_once + ["QUEUING"] * (5 - at_once)
    hours = 0
    while (seen := statuses(account, *jobs)) != ["SUCCEEDED"] * 5:
        assert seen.count("RUNNING") <= at_once
        account.pass_time(hours=1)
        hours += 1
    rounds = -(-5 // at_once)
    assert rounds * 1.75 <= hours + 1 <= rounds * 7 + 2  # each takes that long


def test_another_number_counts_for_what_comes_later(
    account: Account, widened: Callable[[int], Account]
) -> None:
    first, second = account.create(), account.create()
    account.pass_time(minutes=2)
    wide = widened(3)
    third = wide.create()
    wide.pass_time(minutes=2)
    assert statuses(wide, first, second, third) == ["RUNNING", "QUEUING", "RUNNING"]


def test_one_trains_at_least(widened: Callable[[int], Account]) -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        widened(0)


def test_a_canceled_one_leaves_its_place(widened: Callable[[int], Account]) -> None:
    wide = widened(2)
    jobs = [wide.create() for _ in range(3)]
    wide.pass_time(minutes=5)
    wide.output("POST", f"{JOBS}/{jobs[0]}/cancel")
    wide.pass_time(minutes=5)
    assert statuses(wide, *jobs) == ["CANCELED", "RUNNING", "RUNNING"]


def test_the_log_grows(account: Account) -> None:
    job_id = account.create(hyper_parameters={"n_epochs": 100})
    lengths = []
    for _ in range(8):
        lengths.append(len(log(account, job_id)))
        account.pass_time(minutes=25)
    assert lengths == sorted(lengths)
    assert lengths[0] == 0
    assert len(set(lengths)) > 4
    lines = log(account, job_id)
    assert [line.rpartition(" - ")[2] for line in lines if " - " in line] == [
        "data process succeeded, start to fine-tune",
        "fine-tuned output got, start to transfer it for inference",
        "transfer for inference succeeded, start to deliver it for inference",
        "start to save checkpoint",
        "finetune-job succeeded",
        "##FT_COMPLETE##",
    ]
    consumed = [int(line.split()[-2]) for line in lines if "consumed" in line]
    assert consumed == [total_tokens_of(account, job_id) * epoch // 100 for epoch in (20, 40, 60, 80)]


def total_tokens_of(account: Account, job_id: str) -> int:
    return int(account.job(job_id)["usage"])


def test_the_log_is_read_in_pieces(account: Account) -> None:
    job_id = account.trained(hyper_parameters={"n_epochs": 100})
    lines = log(account, job_id)
    assert log(account, job_id, "?offset=2&line=3") == lines[2:5]
    assert log(account, job_id, "?offset=500") == []
    assert account.http.get(f"{JOBS}/{job_id}/logs?line=1001").status_code == 400


@pytest.mark.parametrize(
    ("model", "seconds", "billed"),
    [
        ("wan2.6-i2v", [3.4, 6.5, 12.0], 3 + 6 + 10),
        ("wan2.2-i2v-flash", [3.4, 6.5, 12.0], 3 + 5 + 5),
    ],
)
def test_tokens(model: str, seconds: list[float], billed: int) -> None:
    job: dict[str, Any] = {"model": model, "seconds": seconds}
    job["hyper_parameters"] = {"max_pixels": 36864, "n_epochs": 400}
    assert total_tokens(job) == billed * 36 * 400


def test_usage_is_of_the_clips_that_are_trained_on(account: Account) -> None:
    """Three clips of two seconds: one is held back, unless there is a validation set."""
    assert account.job(account.trained())["usage"] == 4 * 36 * 40
    whole = account.trained(validation_file_ids=[account.upload()])
    assert account.job(whole)["usage"] == 6 * 36 * 40


def test_one_trains_at_a_time_and_a_deleted_one_gives_nothing_back(account: Account) -> None:
    first, second, third = (account.create() for _ in range(3))
    account.pass_time(minutes=30)
    assert statuses(account, first, second, third) == ["RUNNING", "QUEUING", "QUEUING"]
    account.ask("POST", f"{JOBS}/{second}/cancel")
    assert statuses(account, second) == ["CANCELED"]
    account.pass_time(hours=1.5)
    assert statuses(account, first, third) == ["SUCCEEDED", "RUNNING"]
    before = log(account, third)
    account.ask("DELETE", f"{JOBS}/{first}")
    account.ask("DELETE", f"{JOBS}/{second}")
    assert log(account, third) == before  # it did not begin any earlier for it
    assert [job["job_id"] for job in account.output("GET", JOBS)["jobs"]] == [third]


def test_a_canceled_job_costs_what_it_used(account: Account) -> None:
    job_id = account.create(hyper_parameters={"n_epochs": 100})
    account.pass_time(minutes=46)  # of about ninety
    lines, used = log(account, job_id), account.sandbox.status()["jobs"][0]["progress"]
    account.ask("POST", f"{JOBS}/{job_id}/cancel")
    assert statuses(account, job_id) == ["CANCELING"]
    account.pass_time(minutes=30)
    done = account.job(job_id)
    assert done["status"] == "CANCELED"
    assert done["usage"] == pytest.approx(4 * 36 * 100 * used, rel=0.002)
    assert done["usage"] == pytest.approx(4 * 36 * 100 / 2, rel=0.05)
    assert log(account, job_id)[:-1] == lines
    assert log(account, job_id)[-1].endswith("finetune-job canceled")
    assert account.output("GET", f"{JOBS}/{job_id}/checkpoints") == []


@pytest.mark.parametrize("ended", ["SUCCEEDED", "FAILED", "CANCELED"])
def test_what_has_ended_is_not_canceled(account: Account, ended: str) -> None:
    if ended == "FAILED":
        account.rig(next_job="FAILED")
    job_id = account.create()
    if ended == "CANCELED":
        account.ask("POST", f"{JOBS}/{job_id}/cancel")
    account.pass_time(hours=7)
    assert statuses(account, job_id) == [ended]
    refused = account.http.post(f"{JOBS}/{job_id}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (400, "UnsupportedOperation")


def test_a_job_in_training_is_not_deleted(account: Account) -> None:
    refused = account.http.delete(f"{JOBS}/{account.create()}")
    assert (refused.status_code, refused.json()["code"]) == (400, "UnsupportedOperation")


def test_the_last_checkpoints_are_kept(account: Account) -> None:
    hyper = {"n_epochs": 45, "eval_epochs": 10, "save_total_limit": 3}
    job_id = account.trained(hyper_parameters=hyper)
    rows = account.output("GET", f"{JOBS}/{job_id}/checkpoints")
    assert [row["checkpoint"] for row in rows] == ["checkpoint-45", "checkpoint-40", "checkpoint-30"]
    assert rows[0]["model_name"] == account.job(job_id)["finetuned_output"]
    assert rows[0]["create_time"] > rows[1]["create_time"] > rows[2]["create_time"]


def test_an_export_takes_minutes(account: Account) -> None:
    base = f"{JOBS}/{account.trained()}"

    def row() -> dict[str, str]:
        return dict(account.output("GET", f"{base}/checkpoints")[2])

    assert row()["status"] == "PENDING"
    assert account.output("GET", f"{base}/export/checkpoint-20?model_name=one") is True
    seen = []
    for _ in range(5):
        seen.append(row()["status"])
        account.pass_time(minutes=1)
    assert list(dict.fromkeys(seen)) == ["PENDING", "PROCESSING", "SUCCEEDED"]
    assert row()["model_name"].endswith("-c20")
    assert account.deploying(row()["model_name"]).status_code == 200


def test_jobs_are_listed_by_pages_model_and_status(account: Account) -> None:
    first, second = account.create(), account.create(model="wan2.5-i2v-preview")
    for query, expected in {
        "?page_size=1": [second],
        "?page_size=1&page_no=2": [first],
        "?model=wan2.6-i2v": [first],
        "?status=RUNNING": [],
    }.items():
        assert [job["job_id"] for job in account.output("GET", JOBS + query)["jobs"]] == expected
    assert account.http.get(f"{JOBS}?page_size=101").status_code == 400
