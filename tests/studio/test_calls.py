"""What each call sends, what it makes of the answer, and how lists are read whole."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.studio.service import SECRET, Service, job, native, native_error, serve
from wanctl.studio.client import Studio
from wanctl.studio.errors import (
    AuthError,
    LostAnswer,
    Misconfigured,
    NotFound,
    Refused,
    ServerError,
    UntrustedEndpoint,
)


def pages(name: str, rows: list[Any], size: int, total: int | None = -1) -> Service:
    """A service that hands out the rows in numbered pages of this size, whatever is asked for."""

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["page_no"])
        part = rows[(number - 1) * size : number * size]
        said = {} if total is None else {"total": len(rows) if total < 0 else total}
        return native({"page_no": number, name: part, **said})

    return Service(answer)


def test_calls_carry_the_key_the_workspace_and_a_name() -> None:
    service = serve(native(job()))
    service.ask(lambda studio: studio.jobs.get("ft-1"), workspace="llm-abc")
    headers = service.requests[0].headers
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert headers["x-dashscope-workspace"] == "llm-abc"
    assert headers["user-agent"] == "wanctl"


def test_a_workspace_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(Misconfigured):
        serve(native(job())).ask(lambda studio: studio.jobs.get("ft-1"), workspace="a\r\nX-Evil: 1")


def test_the_key_is_not_sent_to_a_host_that_the_specs_name() -> None:
    service = serve(native(job()))
    with pytest.raises(UntrustedEndpoint):
        service.ask(lambda studio: studio.jobs.get("ft-1"), base="https://evil.example")
    assert service.requests == []


@pytest.mark.parametrize("name", ["../files", "a/b", "..", ".", "a b?c#d", "ключ"])
def test_a_name_is_one_segment_of_the_path(name: str) -> None:
    service = serve(native(job()))
    service.ask(lambda studio: studio.jobs.get(name))
    path = service.requests[0].url.raw_path.decode()
    assert re.fullmatch(r"/api/v1/fine-tunes/[A-Za-z0-9%._-]+", path)
    assert not path.endswith(("/.", "/.."))


def test_creating_a_job_gives_it_and_the_request_id() -> None:
    service = serve(native(job("ft-9", status="PENDING")))
    body = {"model": "wan2.6-i2v", "hyper_parameters": {"n_epochs": 400}}
    answer = service.ask(lambda studio: studio.jobs.create(body))
    assert (answer.value.job_id, answer.request_id) == ("ft-9", "req-1")
    assert service.calls == ["POST /api/v1/fine-tunes"]
    assert service.body() == body


def test_cancel_and_delete_of_a_job() -> None:
    service = serve(native({"status": "success"}))
    assert service.ask(lambda studio: studio.jobs.cancel("ft-1")).request_id == "req-1"
    assert service.ask(lambda studio: studio.jobs.delete("ft-1")).request_id == "req-1"
    assert service.calls == ["POST /api/v1/fine-tunes/ft-1/cancel", "DELETE /api/v1/fine-tunes/ft-1"]


def test_what_is_not_there_is_deleted_already() -> None:
    service = serve(native_error(404, "NotFound", "Not found!"))

    async def delete_all(studio: Studio) -> list[Any]:
        return [
            await studio.jobs.delete("ft-1"),
            await studio.files.delete("file-ft-1"),
            await studio.deployments.delete("wan-x"),
        ]

    assert [answer.value for answer in service.ask(delete_all)] == [None, None, None]


def test_a_wrong_workspace_does_not_look_like_something_deleted() -> None:
    service = serve(native_error(404, "WorkSpaceNotFound", "WorkSpace not found."))
    with pytest.raises(AuthError):
        service.ask(lambda studio: studio.deployments.delete("wan-x"))


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_all_jobs_are_read_each_once(count: int) -> None:
    service = pages("jobs", [job(f"ft-{number}") for number in range(count)], 100)
    found = service.ask(lambda studio: studio.jobs.list())
    assert [one.job_id for one in found] == [f"ft-{number}" for number in range(count)]
    assert len(service.requests) == max(1, -(-count // 100))
    assert "page_size=100" in service.calls[0]


def test_a_service_that_gives_smaller_pages_is_read_whole() -> None:
    service = pages("jobs", [job(f"ft-{number}") for number in range(35)], 10)
    assert len(service.ask(lambda studio: studio.jobs.list())) == 35


def test_a_list_without_a_total_ends_with_a_page_that_brings_nothing() -> None:
    service = pages("deployments", [{"deployed_model": f"m{n}"} for n in range(15)], 10, total=None)
    assert len(service.ask(lambda studio: studio.deployments.list())) == 15


def test_a_list_that_never_adds_up_is_an_error_and_not_a_short_list() -> None:
    service = pages("jobs", [job(f"ft-{number}") for number in range(35)], 10, total=40)
    with pytest.raises(ServerError, match="read it whole"):
        service.ask(lambda studio: studio.jobs.list())


def test_a_list_that_moves_while_it_is_read_is_read_again() -> None:
    jobs = [job(f"ft-{number}") for number in range(150)]
    started = job("ft-new")

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["page_no"])
        if number == 2 and started not in jobs:
            jobs.insert(0, started)
        return native({"total": len(jobs), "jobs": jobs[(number - 1) * 100 : number * 100]})

    found = Service(answer).ask(lambda studio: studio.jobs.list())
    assert len(found) == 151
    assert found[0].job_id == "ft-new"


@pytest.mark.parametrize(
    "output",
    [{}, {"total": 3}, {"jobs": None, "total": 1}, {"jobs": {}}, {"errors": [{}]}, [{}], "nothing", None],
)
def test_a_missing_list_is_not_an_empty_one(output: Any) -> None:
    with pytest.raises(ServerError):
        serve(native(output)).ask(lambda studio: studio.jobs.list())


@pytest.mark.parametrize("output", [{}, {"deployed_models": []}, {"a": [{"id": "x"}], "b": [{"id": "y"}]}])
def test_a_list_of_deployments_or_files_in_another_container_is_an_error(output: Any) -> None:
    with pytest.raises(ServerError):
        serve(native(output)).ask(lambda studio: studio.deployments.list())
    with pytest.raises(ServerError):
        serve(native(output)).ask(lambda studio: studio.files.list())


def test_a_list_is_known_by_its_rows_whatever_it_is_called() -> None:
    for output in ([job()], {"data": [job()]}, {"page_no": 1, "items": [job()], "total": 1}):
        assert len(serve(native(output)).ask(lambda studio: studio.jobs.list())) == 1
    deployed = {"deployed_models": [{"deployed_model": "m"}], "total": 1}
    assert len(serve(native(deployed)).ask(lambda studio: studio.deployments.list())) == 1


def test_a_list_that_does_not_end_is_an_error_and_not_a_long_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wanctl.studio.reading.MOST_PAGES", 3)
    service = pages("jobs", [job(f"ft-{number}") for number in range(35)], 10, total=None)
    with pytest.raises(ServerError, match="does not end"):
        service.ask(lambda studio: studio.jobs.list())


@pytest.mark.parametrize("total", ["²", "1" * 5000, -1, 0.5, {}])
def test_a_total_that_is_no_number_is_none(total: Any) -> None:
    answers = native({"total": total, "jobs": [job()]}), native({"total": total, "jobs": []})
    assert len(serve(*answers).ask(lambda studio: studio.jobs.list())) == 1


def test_a_list_of_nothing_is_empty() -> None:
    assert serve(native({"total": 0})).ask(lambda studio: studio.jobs.list()) == ()


def test_a_page_that_fails_fails_the_list() -> None:
    first = native({"total": 150, "jobs": [job(f"ft-{number}") for number in range(100)]})
    with pytest.raises(ServerError):
        serve(first, httpx.Response(500)).ask(lambda studio: studio.jobs.list())


def cursor(names: list[str], size: int, *, inclusive: bool = False, endless: bool = False) -> Service:
    def answer(request: httpx.Request) -> httpx.Response:
        after = request.url.params.get("after")
        start = 0 if after is None or endless else names.index(after) + (0 if inclusive else 1)
        part = names[start : start + size]
        more = endless or inclusive or start + size < len(names)
        return httpx.Response(200, json={"data": [{"id": name} for name in part], "has_more": more})

    return Service(answer)


def test_all_files_are_read_by_cursor() -> None:
    service = cursor([f"file-{number}" for number in range(25)], 10)
    assert len(service.ask(lambda studio: studio.files.list())) == 25
    assert service.calls == [
        "GET /compatible-mode/v1/files?purpose=fine-tune&limit=1000",
        "GET /compatible-mode/v1/files?purpose=fine-tune&limit=1000&after=file-9",
        "GET /compatible-mode/v1/files?purpose=fine-tune&limit=1000&after=file-19",
    ]


def test_a_cursor_that_repeats_the_last_file_ends() -> None:
    service = cursor([f"file-{number}" for number in range(25)], 10, inclusive=True)
    assert len(service.ask(lambda studio: studio.files.list())) == 25


def test_a_list_of_files_that_repeats_itself_is_an_error() -> None:
    service = cursor([f"file-{number}" for number in range(1000)], 1000, endless=True)
    with pytest.raises(ServerError, match="does not end"):
        service.ask(lambda studio: studio.files.list())


@pytest.mark.parametrize("more", [True, 1, "true", "True", "1"])
def test_however_it_is_said_that_more_files_follow_they_are_read(more: Any) -> None:
    first = httpx.Response(200, json={"data": [{"id": "f1"}], "has_more": more})
    last = httpx.Response(200, json={"data": [{"id": "f2"}], "has_more": False})
    assert len(serve(first, last).ask(lambda studio: studio.files.list())) == 2


def test_where_it_is_not_said_whether_more_files_follow_they_are_asked_for() -> None:
    first, last = (httpx.Response(200, json={"data": [{"id": name}]}) for name in ("f1", "f2"))
    assert len(serve(first, last).ask(lambda studio: studio.files.list())) == 2


@pytest.mark.parametrize("more", ["perhaps", 2, [], {}])
def test_what_nobody_understands_of_more_files_is_an_error(more: Any) -> None:
    with pytest.raises(ServerError, match="whether more follow"):
        serve(httpx.Response(200, json={"data": [{"id": "f1"}], "has_more": more})).ask(
            lambda studio: studio.files.list()
        )


def test_a_cursor_that_is_not_heeded_is_an_error() -> None:
    page = httpx.Response(200, json={"data": [{"id": "f1"}, {"id": "f2"}], "has_more": True})
    with pytest.raises(ServerError, match="does not end"):
        serve(page).ask(lambda studio: studio.files.list())


def test_files_are_found_by_the_begin_of_their_name() -> None:
    data = [{"id": "f1", "filename": "ours--x.zip"}, {"id": "f2", "filename": "theirs.zip"}]
    service = serve(httpx.Response(200, json={"data": data, "has_more": False}))
    assert [file.id for file in service.ask(lambda studio: studio.files.list("ours--"))] == ["f1"]


def test_the_whole_log_is_read_from_its_first_line() -> None:
    lines = [f"line {number}" for number in range(2345)]

    def answer(request: httpx.Request) -> httpx.Response:
        offset, count = int(request.url.params["offset"]), int(request.url.params["line"])
        return native({"total": len(lines), "logs": lines[offset : offset + count]})

    service = Service(answer)
    assert service.ask(lambda studio: studio.jobs.logs("ft-1")).logs == tuple(lines)
    assert len(service.requests) == 3


def test_checkpoints_sort_by_their_number() -> None:
    rows = [{"checkpoint": f"checkpoint-{number}"} for number in (160, 20, 40)]
    wanted = ["checkpoint-20", "checkpoint-40", "checkpoint-160"]
    for output in (rows, {"checkpoints": rows, "total": 3}):
        service = serve(native(output))
        assert list(service.ask(lambda studio: studio.jobs.validated("ft-1"))) == wanted
        listed = service.ask(lambda studio: studio.checkpoints.list("ft-1"))
        assert [row.checkpoint for row in listed] == wanted


def test_all_previews_are_read_though_their_links_are_new_each_time() -> None:
    rows = [{"video_path": f"https://oss.example/{n}.mp4?Signature=S{n}"} for n in range(12)]
    service = pages("list", rows, 10)
    found = service.ask(lambda studio: studio.jobs.previews("ft-1", "checkpoint-20"))
    assert [preview.video_path for preview in found] == [row["video_path"] for row in rows]
    assert "Signature" not in repr(found)


def test_an_export_is_asked_for_once_and_false_is_a_refusal() -> None:
    async def export(studio: Studio) -> Any:
        return await studio.checkpoints.export("ft-1", "checkpoint-160", "my name")

    service = serve(native(True))
    assert service.ask(export).request_id == "req-1"
    assert service.calls == ["GET /api/v1/fine-tunes/ft-1/export/checkpoint-160?model_name=my+name"]
    for answer, expected in (
        (native(False), Refused),
        (native({}), LostAnswer),
        (httpx.Response(500), LostAnswer),
        (httpx.ReadTimeout("slow"), LostAnswer),
    ):
        service = serve(answer)
        with pytest.raises(expected):
            service.ask(export)
        assert len(service.requests) == 1


def test_deployments_are_made_read_scaled_and_deleted() -> None:
    service = serve(native({"deployed_model": "m-1", "status": "DELETING", "capacity": "2"}))

    async def through_its_life(studio: Studio) -> list[Any]:
        return [
            await studio.deployments.create({"model_name": "m", "aigc_config": {"prompt": "p"}}),
            await studio.deployments.scale("m-1", 2),
            await studio.deployments.delete("m-1"),
        ]

    created, scaled, deleted = service.ask(through_its_life)
    assert created.value.deployed_model == "m-1"
    assert scaled.value.capacity == 2
    assert deleted.value.leaving
    assert service.calls == [
        "POST /api/v1/deployments",
        "PUT /api/v1/deployments/m-1/scale",
        "DELETE /api/v1/deployments/m-1",
    ]
    assert service.body(1) == {"capacity": 2}


def test_an_empty_answer_to_a_delete_is_a_good_one() -> None:
    answer = serve(httpx.Response(204)).ask(lambda studio: studio.deployments.delete("m-1"))
    assert answer.value is not None
    assert answer.value.deployed_model == "m-1"


def test_a_read_of_what_is_not_there_raises() -> None:
    with pytest.raises(NotFound):
        serve(native_error(404, "NotFound", "Not found!")).ask(lambda studio: studio.deployments.get("m"))


def test_an_upload_has_the_parts_that_the_service_wants(tmp_path: Path) -> None:
    archive = tmp_path / "archive.zip"
    archive.write_bytes(b"z" * 200_000)
    told: list[int] = []
    service = serve(httpx.Response(200, json={"id": "file-ft-1"}, headers={"x-request-id": "req-7"}))
    answer = service.ask(lambda studio: studio.files.upload(archive, "p--n--d.zip", progress=told.append))
    assert (answer.value.id, answer.request_id) == ("file-ft-1", "req-7")
    request = service.requests[0]
    assert service.calls == ["POST /compatible-mode/v1/files"]
    assert int(request.headers["content-length"]) == len(request.content)
    parts = re.findall(rb'name="(\w+)"(?:; filename="([^"]+)")?', request.content)
    assert parts == [(b"purpose", b""), (b"file", b"p--n--d.zip")]
    assert b"\r\n\r\nfine-tune\r\n" in request.content
    assert told[-1] == 200_000
    assert told == sorted(told)


def test_an_upload_is_never_repeated(tmp_path: Path) -> None:
    archive = tmp_path / "archive.zip"
    archive.write_bytes(b"z")
    for answer in (httpx.Response(500), httpx.ReadTimeout("slow"), httpx.Response(200, text="")):
        service = serve(answer)
        with pytest.raises(LostAnswer):
            service.ask(lambda studio: studio.files.upload(archive, "x.zip"))
        assert len(service.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"data": None},
        {"data": None, "has_more": False},
        {"has_more": False},
        {"data": None, "has_more": True},
        {"data": [], "has_more": True},
        {"data": [], "has_more": "1"},
        {"data": [], "has_more": False, "total": 3},
        {"data": [{"id": "f1"}], "has_more": False, "total": 3},
        {"output": []},
        {"output": [], "data": [{"id": "f1"}], "has_more": False},
        {"output": {"data": None}, "has_more": False},
        {"output": None},
    ],
)
def test_that_there_are_no_files_has_to_be_said(body: dict[str, Any]) -> None:
    """Or else a data set would be uploaded again, once the ledger is lost."""
    with pytest.raises(ServerError):
        serve(httpx.Response(200, json=body)).ask(lambda studio: studio.files.list())


@pytest.mark.parametrize(
    "answer",
    [
        native([]),
        native([], has_more=False),
        native({"jobs": [], "deployments": [], "has_more": True}),
        native({"jobs": [], "deployments": []}, has_more=True),
        native({"jobs": [job()], "deployments": [{"deployed_model": "m"}], "has_more": True}),
        native({"jobs": None, "deployments": None, "has_more": False}),
        native({"jobs": [], "deployments": [], "total": 2}),
        native([], total=2),
    ],
)
def test_that_there_are_no_jobs_or_deployments_has_to_be_said(answer: httpx.Response) -> None:
    for ask in (lambda studio: studio.jobs.list(), lambda studio: studio.deployments.list()):
        with pytest.raises(ServerError):
            serve(answer).ask(ask)


def test_an_empty_list_is_one_that_says_so() -> None:
    bodies: list[dict[str, Any]] = [{"data": []}, {"data": [], "has_more": False}]
    for body in (*bodies, {"data": None, "total": 0}, {"total": "0"}):
        assert serve(httpx.Response(200, json=body)).ask(lambda studio: studio.files.list()) == ()
    for answer in (native({"jobs": []}), native([], total=0), native({"jobs": None, "total": 0})):
        assert serve(answer).ask(lambda studio: studio.jobs.list()) == ()


def test_checkpoints_and_previews_are_documented_as_bare_lists() -> None:
    nothings: list[list[str] | None] = [None, []]
    for nothing in nothings:
        assert serve(native(nothing)).ask(lambda studio: studio.jobs.validated("ft-1")) == ()
        assert serve(native(nothing)).ask(lambda studio: studio.checkpoints.list("ft-1")) == ()
    with pytest.raises(ServerError):
        serve(native([], has_more=True)).ask(lambda studio: studio.checkpoints.list("ft-1"))
