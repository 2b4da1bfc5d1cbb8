"""Lists that are late, mixed up or on the move; what is read by its id never is."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.sandbox.conftest import DEPLOYMENTS, FILES, JOBS, Account
from tests.test_growth import steps_of

NATIVE_FILES = "/api/v1/files"


def undeployed(account: Account) -> str:
    """A model, trained before anything is rigged."""
    return f"wan2.6-i2v-{account.trained()}"


def listed(account: Account, path: str, **query: Any) -> list[str]:
    """The ids in a list."""
    body = account.ask("GET", path, params=query)
    found = body["data"] if "data" in body else body["output"]
    rows = found if isinstance(found, list) else found.get("jobs", found.get("deployments"))
    return [row.get("id") or row.get("job_id") or row["deployed_model"] for row in rows]


# what is made, how, and its list
KINDS: dict[str, tuple[str, Callable[[Account, str], str]]] = {
    "file": (FILES, lambda account, _: account.upload()),
    "job": (JOBS, lambda account, _: account.create()),
    "deployment": (
        DEPLOYMENTS,
        lambda account, model: str(account.deploying(model).json()["output"]["deployed_model"]),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_lag_in_time(account: Account, kind: str) -> None:
    path, make = KINDS[kind]
    model = undeployed(account)
    old = listed(account, path)
    account.rig(quirks={"list_lag": 60})
    account.pass_time(minutes=2)
    assert listed(account, path) == old  # only what is new is late
    made = make(account, model)
    account.pass_time(seconds=59)
    assert listed(account, path) == old
    assert account.http.get(f"{path}/{made}").status_code == 200
    account.pass_time(seconds=1)
    assert listed(account, path) == [made, *old]


@pytest.mark.parametrize("kind", KINDS)
def test_a_lag_in_calls(account: Account, kind: str) -> None:
    path, make = KINDS[kind]
    model = undeployed(account)
    old = listed(account, path)
    account.rig(quirks={"list_lag_calls": 2})
    assert listed(account, path) == old
    made = make(account, model)
    for other, _ in KINDS.values():
        if other != path:
            listed(account, other)  # lists of other kinds do not count
    assert listed(account, path) == old
    assert account.http.get(f"{path}/{made}").status_code == 200
    assert listed(account, path) == old
    assert listed(account, path) == listed(account, path) == [made, *old]


def test_a_lag_ends_with_its_quirk(account: Account) -> None:
    account.rig(quirks={"list_lag_calls": 5, "list_lag": 600})
    made = account.upload()
    assert listed(account, FILES) == []
    account.rig(quirks={"list_lag_calls": 0, "list_lag": 0})
    assert listed(account, FILES) == [made]


def test_a_mixed_order_is_one_order(account: Account) -> None:
    made = [account.upload(b"x") for _ in range(6)]
    account.rig(quirks={"list_order": "random"})
    mixed = listed(account, FILES)
    assert mixed not in (made, made[::-1])
    assert sorted(mixed) == sorted(made)
    assert listed(account, FILES) == mixed  # so that pages fit together
    first = listed(account, FILES, limit=4)
    assert first + listed(account, FILES, limit=4, after=first[-1]) == mixed


@pytest.mark.parametrize(
    ("shift", "second", "total"), [(0, [2, 3], 5), (1, [1, 2], 6), (-1, [3, 4], 4)], ids=str
)
@pytest.mark.parametrize("once", [False, True])
def test_pages_that_shift(account: Account, shift: int, second: list[int], total: int, once: bool) -> None:
    body = account.asking()
    jobs = [account.output("POST", JOBS, json=body)["job_id"] for _ in range(5)][::-1]
    account.rig(**({"next_list_shift": shift or None} if once else {"quirks": {"list_shift": shift}}))

    def page(number: int) -> Any:
        return account.output("GET", JOBS, params={"page_no": number, "page_size": 2})

    one, two = page(1), page(2)
    assert ([jobs.index(job["job_id"]) for job in one["jobs"]], one["total"]) == ([0, 1], 5)
    assert ([jobs.index(job["job_id"]) for job in two["jobs"]], two["total"]) == (second, total)
    again = page(2)
    assert [jobs.index(job["job_id"]) for job in again["jobs"]] == ([2, 3] if once else second)


@pytest.mark.parametrize("path", [JOBS, NATIVE_FILES])
def test_a_page_may_be_smaller_than_asked(account: Account, path: str) -> None:
    body = account.asking()
    for _ in range(3):
        account.upload(b"x")
        account.http.post(JOBS, json=body)
    account.rig(quirks={"largest_page": 2})
    found = account.ask("GET", path, params={"page_size": 50})
    found = found.get("output") or found["data"]
    assert (found["page_size"], len(found.get("jobs") or found["files"])) == (2, 2)


def test_a_word_that_nobody_documented(account: Account) -> None:
    """Jobs have it before RUNNING, deployments too, exports before PROCESSING; for a while, and in lists."""
    account.rig(quirks={"unknown_status": "REVIEWING"})
    seen = []
    job_id = account.create()
    for minutes in (0, 5, 15):
        account.pass_time(minutes=minutes)
        seen.append(account.job(job_id)["status"])
    assert seen == ["PENDING", "REVIEWING", "RUNNING"]
    account.pass_time(hours=7)
    seen, path = [], f"{JOBS}/{job_id}"
    account.output("GET", f"{path}/export/checkpoint-10?model_name=x")
    for seconds in (0, 40, 60, 120):
        account.pass_time(seconds=seconds)
        seen.append(account.output("GET", f"{path}/checkpoints")[-1]["status"])
    assert seen == ["PENDING", "REVIEWING", "PROCESSING", "SUCCEEDED"]
    seen, name = [], account.deploying(f"wan2.6-i2v-{job_id}").json()["output"]["deployed_model"]
    for _ in range(22):
        seen.append(account.output("GET", f"{DEPLOYMENTS}/{name}")["status"])
        found = account.output("GET", DEPLOYMENTS, params={"status": seen[-1]})["deployments"]
        assert [one["deployed_model"] for one in found] == [name]
        account.pass_time(seconds=30)
    assert list(dict.fromkeys(seen)) == ["PENDING", "REVIEWING", "RUNNING"]
    assert seen.count("REVIEWING") == 4


@pytest.mark.parametrize(
    "quirks",
    [
        {"list_lag": -1},
        {"list_lag_calls": -1},
        {"list_order": "oldest"},
        {"list_shift": 2},
        {"unknown_status": ""},
    ],
)
def test_what_is_no_quirk(account: Account, quirks: dict[str, Any]) -> None:
    assert account.http.post("/_sandbox/rig", json={"quirks": quirks}).status_code == 400


MANY = 2_000
KEYS = {"file": "id", "job": "job_id", "deployment": "deployed_model"}


def query_of(kind: str, page: int) -> dict[str, Any]:
    """Files go on after the last one of the page before."""
    if kind != "file":
        return {"page_no": page, "page_size": 100}
    return {"limit": 100, **({"after": f"file-{MANY - 100 * (page - 1) + 1}"} if page > 1 else {})}


def many(account: Account, kind: str) -> None:
    """As many as one, under other names."""
    one = KINDS[kind][1](account, undeployed(account))
    store = account.sandbox._store
    record = store.get(kind, one)
    assert record
    with store.write():
        store.delete(kind, one)
        for number in range(MANY):
            name = f"{kind}-{number + 1}"
            store.put(kind, name, {**record, KEYS[kind]: name})


@pytest.mark.parametrize("kind", KINDS)
def test_a_late_page_of_a_long_list_is_no_more_work_than_the_first(account: Account, kind: str) -> None:
    many(account, kind)
    path, last = KINDS[kind][0], MANY // 100

    def page(number: int) -> list[str]:
        return listed(account, path, **query_of(kind, number))

    pages = [page(number) for number in range(1, last + 1)]
    names = [name for one in pages for name in one if name.startswith(kind)]
    assert names == [f"{kind}-{number}" for number in range(MANY, 0, -1)]
    first, late = (steps_of(partial(page, number)) for number in (1, last - 1))
    assert late <= 1.3 * first, (first, late)
    assert first <= 100 * MANY, "the whole list is not read and written for one page"
