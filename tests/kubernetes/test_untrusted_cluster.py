"""Answers that nobody can arrange on a real cluster: faults, lost answers, tokens that are replaced."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest

from wanctl.kubernetes import client as client_module
from wanctl.kubernetes.access import ClusterAccess, TokenSource
from wanctl.kubernetes.blocking import BlockingCluster
from wanctl.kubernetes.client import FoundObjects, KubernetesClient
from wanctl.kubernetes.errors import (
    AccessRefusedError,
    ClusterBusyError,
    ClusterConfigError,
    ClusterUnreachableError,
    KubernetesError,
    NoAnswerError,
    ObjectTooLargeError,
    RejectedObjectError,
    VersionGoneError,
)
from wanctl.kubernetes.resources import PODS, SECRETS, KubeObject
from wanctl.kubernetes.watching import WatchedObjects, follow

_Result = TypeVar("_Result")
Answer = tuple[int, Any] | None  # None: the connection ends without one
POD: KubeObject = {"metadata": {"name": "a", "namespace": "n", "resourceVersion": "7"}}


@dataclass
class Cluster:
    """Answers what it is told to, in turn; the last answer again and again."""

    answers: list[Answer]
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, authorization
    address: str = ""

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def client(self, token: TokenSource | None = None) -> KubernetesClient:
        return KubernetesClient(self.access(token), sleep=no_sleep)

    def access(self, token: TokenSource | None = None) -> ClusterAccess:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return ClusterAccess(self.address, trust, token or TokenSource())

    def ask(
        self,
        call: Callable[[KubernetesClient], Coroutine[Any, Any, _Result]],
        token: TokenSource | None = None,
    ) -> _Result:
        async def asked() -> _Result:
            async with self.client(token) as client:
                return await call(client)

        return asyncio.run(asked())


async def no_sleep(seconds: float) -> None:
    assert 0 <= seconds <= client_module.PATIENCE


@contextmanager
def answering(*answers: Answer, **headers: str) -> Iterator[Cluster]:
    cluster = Cluster(list(answers), headers)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            cluster.asked.append((self.command, self.path, self.headers.get("Authorization")))
            told = cluster.next()
            if told is None:
                return
            status, body = told
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in cluster.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - names of the standard library

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    cluster.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield cluster
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def status(code: int, reason: str, message: str = "words", **more: Any) -> Answer:
    return code, {
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        **more,
    }


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (status(403, "Forbidden", 'secrets "a" is forbidden'), AccessRefusedError, "docs/kubernetes.md"),
        (status(401, "Unauthorized"), AccessRefusedError, "get Pod n/a: words"),
        (status(413, "RequestEntityTooLarge"), ObjectTooLargeError, "words"),
        (status(500, "", "etcdserver: request is too large"), ObjectTooLargeError, "too large"),
        (
            status(422, "Invalid", "data: Too long: must have at most 1048576 bytes"),
            ObjectTooLargeError,
            "long",
        ),
        (status(403, "Forbidden", "x because it is being terminated"), RejectedObjectError, "terminated"),
        ((400, b"<html>no"), RejectedObjectError, "<html>no"),
        (status(410, "Expired"), VersionGoneError, "words"),
        ((302, b""), RejectedObjectError, "status 302"),
    ],
)
def test_what_it_refuses_is_asked_once(answer: Answer, error: type[KubernetesError], says: str) -> None:
    with answering(answer) as cluster, pytest.raises(error, match=says):
        cluster.ask(lambda client: client.get(PODS, "a", "n"))
    assert len(cluster.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [status(500, "InternalError"), status(503, "ServiceUnavailable"), None, (200, b"<html>"), (200, [])],
)
def test_a_read_is_tried_again(answer: Answer) -> None:
    with answering(answer, (200, POD)) as cluster:
        found = cluster.ask(lambda client: client.get(PODS, "a", "n"))
    assert found["metadata"]["resourceVersion"] == "7"
    assert [path for _, path, _ in cluster.asked] == ["/api/v1/namespaces/n/pods/a"] * 2


def test_a_read_is_not_tried_for_ever() -> None:
    with answering(status(503, "ServiceUnavailable")) as cluster, pytest.raises(ClusterBusyError):
        cluster.ask(lambda client: client.get(PODS, "a", "n"))
    assert len(cluster.asked) == client_module.TRIES


WRITES: list[Callable[[KubernetesClient], Coroutine[Any, Any, KubeObject]]] = [
    lambda client: client.create(SECRETS, POD),
    lambda client: client.replace(SECRETS, POD),
    lambda client: client.patch(SECRETS, "a", {}, "n"),
    lambda client: client.apply(SECRETS, POD),
    lambda client: client.delete(SECRETS, "a", "n"),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_write_whose_answer_is_lost_is_sent_once(
    write: Callable[[KubernetesClient], Coroutine[Any, Any, KubeObject]],
) -> None:
    with answering(None, (200, POD)) as cluster, pytest.raises(NoAnswerError, match="no usable answer"):
        cluster.ask(write)
    assert len(cluster.asked) == 1


@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_is_turned_away_is_sent_again(
    write: Callable[[KubernetesClient], Coroutine[Any, Any, KubeObject]],
) -> None:
    """429 says that nothing was begun."""
    with answering(status(429, "TooManyRequests"), (200, POD), Retry_After="3") as cluster:
        assert cluster.ask(write) == POD
    assert len(cluster.asked) == 2


def test_a_write_that_failed_inside_is_not_sent_again() -> None:
    with answering(status(500, "InternalError")) as cluster, pytest.raises(ClusterBusyError):
        cluster.ask(lambda client: client.create(SECRETS, POD))
    assert len(cluster.asked) == 1


def test_an_object_without_a_version_replaces_nothing() -> None:
    with answering((200, POD)) as cluster, pytest.raises(ClusterConfigError, match="no resourceVersion"):
        cluster.ask(lambda client: client.replace(SECRETS, {"metadata": {"name": "a"}}))
    assert not cluster.asked


@pytest.mark.parametrize("name", ["", "..", ".", "a/b"])
def test_a_name_does_not_climb(name: str) -> None:
    with answering((200, POD)) as cluster, pytest.raises(ClusterConfigError, match="no name of an object"):
        cluster.ask(lambda client: client.get(PODS, name, "n"))
    assert not cluster.asked


def test_a_cluster_that_is_not_there_says_so() -> None:
    with answering((200, POD)) as cluster:
        pass
    with pytest.raises(ClusterUnreachableError, match="create Secret n/a: the cluster cannot be reached"):
        cluster.ask(lambda client: client.create(SECRETS, POD))


def test_a_token_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first-token", encoding="ascii")
    source = TokenSource(file=path)
    assert source.current()
    path.write_text("second-token", encoding="ascii")
    with answering(status(401, "Unauthorized"), (200, POD)) as cluster:
        cluster.ask(lambda client: client.get(PODS, "a", "n"), source)
    assert [said for _, _, said in cluster.asked] == ["Bearer first-token", "Bearer second-token"]


def test_a_token_that_is_refused_and_the_same_is_sent_once(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("only-token-of-all", encoding="ascii")
    answer = status(401, "Unauthorized", "only-token-of-all?")
    with answering(answer) as cluster, pytest.raises(AccessRefusedError) as refused:
        cluster.ask(lambda client: client.get(PODS, "a", "n"), TokenSource(file=path))
    assert len(cluster.asked) == 1
    assert "only-token-of-all" not in str(refused.value)


def page(*names: str, goes_on: str = "") -> Answer:
    items = [{"metadata": {"name": name}} for name in names]
    return 200, {"metadata": {"resourceVersion": "9", "continue": goes_on}, "items": items}


def test_a_list_is_read_page_by_page() -> None:
    with answering(page("a", goes_on="x"), page("b")) as cluster:
        found = cluster.ask(lambda client: client.list(PODS, "n", labels="a=b"))
    assert [one["metadata"]["name"] for one in found.items] == ["a", "b"]
    assert found.version == "9"
    assert {one["kind"] for one in found.items} == {"Pod"}
    first, second = (path for _, path, _ in cluster.asked)
    assert first == "/api/v1/namespaces/n/pods?labelSelector=a%3Db&limit=500"
    assert second == f"{first}&continue=x"


def test_a_list_whose_pages_are_forgotten_is_read_anew_in_one_piece() -> None:
    with answering(page("a", goes_on="x"), status(410, "Expired"), page("a", "b")) as cluster:
        found = cluster.ask(lambda client: client.list(PODS))
    assert len(found.items) == 2
    assert "limit" not in cluster.asked[-1][1]


def events(*told: tuple[str, KubeObject]) -> Answer:
    lines = [json.dumps({"type": kind, "object": item}) for kind, item in told]
    return 200, "\n".join([*lines, ""]).encode()


def pod(name: str, version: str) -> KubeObject:
    return {"metadata": {"name": name, "namespace": "n", "resourceVersion": version}}


def followed(cluster: Cluster, count: int, **options: Any) -> list[Any]:
    """The first of what a watch tells."""

    async def read(client: KubernetesClient) -> list[Any]:
        told: list[Any] = []
        news = follow(client, WatchedObjects(PODS, "n"), **options)
        async for one in news:
            told.append(
                len(one.items)
                if isinstance(one, FoundObjects)
                else (one.what.value, one.item["metadata"]["name"])
            )
            if len(told) == count:
                break
        await news.aclose()
        return told

    return cluster.ask(read)


def versions(cluster: Cluster) -> list[str]:
    """The versions that watches began from."""
    watches = [path for _, path, _ in cluster.asked if "watch=true" in path]
    return [path.partition("resourceVersion=")[2].partition("&")[0] for path in watches]


def test_a_watch_that_ends_goes_on_from_what_was_seen_last() -> None:
    first = events(("ADDED", pod("a", "10")), ("BOOKMARK", pod("", "15")))
    with answering(page(), first, None, events(("DELETED", pod("a", "16")))) as cluster:
        assert followed(cluster, 3) == [0, ("ADDED", "a"), ("DELETED", "a")]
    assert versions(cluster) == ["9", "15", "15"]


@pytest.mark.parametrize(
    "gone",
    [status(410, "Expired"), events(("ERROR", {"code": 410, "reason": "Expired", "message": "too old"}))],
    ids=["as the answer", "in the middle"],
)
def test_what_the_cluster_has_forgotten_is_listed_anew(gone: Answer) -> None:
    with answering(page("a"), gone, page("b", "c"), events(("MODIFIED", pod("b", "20")))) as cluster:
        assert followed(cluster, 3) == [1, 2, ("MODIFIED", "b")]


@pytest.mark.parametrize("line", [b"?\n", b"[]\n"])
def test_a_line_that_is_none_is_no_change(line: bytes) -> None:
    with answering(page(), (200, line), events(("ADDED", pod("a", "10")))) as cluster:
        assert followed(cluster, 2) == [0, ("ADDED", "a")]


def test_a_watch_that_is_refused_says_so() -> None:
    answers, says = (page(), status(403, "Forbidden", "pods is forbidden")), "watch Pod n: pods is forbidden"
    with answering(*answers) as cluster, pytest.raises(AccessRefusedError, match=says):
        followed(cluster, 2)


def test_a_cluster_that_stays_away_is_waited_for_as_long_as_was_said() -> None:
    with answering(page(), status(503, "ServiceUnavailable")) as cluster, pytest.raises(ClusterBusyError):
        followed(cluster, 2, patience=0.0)
    assert 1 <= len(versions(cluster)) <= 3


def test_a_blocking_call_may_come_from_within_a_loop() -> None:
    with answering((200, POD)) as cluster:
        blocking = BlockingCluster(cluster.access)

        async def busy(blocking: BlockingCluster) -> KubeObject:
            return blocking.ask(lambda client: client.get(PODS, "a", "n"))

        assert asyncio.run(busy(blocking)) == asyncio.run(busy(blocking)) == POD
        assert blocking.ask(lambda client: client.get(PODS, "a", "n")) == POD
        (thread,) = (one for one in threading.enumerate() if one.name == "wanctl-kubernetes")
        del blocking
        thread.join(10)
        assert not thread.is_alive()


def test_a_blocking_call_raises_what_the_call_raised() -> None:
    with answering(status(403, "Forbidden")) as cluster:
        blocking = BlockingCluster(cluster.access)
        with pytest.raises(AccessRefusedError):
            blocking.ask(lambda client: client.get(PODS, "a", "n"))
