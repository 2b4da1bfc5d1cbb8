"""What the server shows, and who may ring: probes, page, metrics, signatures."""

import asyncio
import contextlib
import hashlib
import hmac
import re
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
import uvicorn
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from uvicorn.server import ServerState

from tests.plain_http import http
from tests.watch.statuses import NOON, STEPS, empty_status, iteration_of, loop_status_of, step
from wanctl import __version__
from wanctl.address import Address
from wanctl.engine.gates import OUTSIDE
from wanctl.finding import Finding, Severity
from wanctl.plan import Action, Change, FieldClass, Progress, When
from wanctl.watch.metrics import Metrics
from wanctl.watch.policy import APPROVALS_FILE, Policy
from wanctl.watch.server import LARGEST_BODY, HurriedProtocol, Server, StatusEndpoints, genuine
from wanctl.watch.status import LoopStatus

COMMIT = "abcdef0123456789"
SECRET = "the bell's secret"
BODY = b'{"ref": "refs/heads/main"}'


class Visit:
    """A server that shows one status, and counts the rings."""

    def __init__(
        self,
        loop_status: LoopStatus,
        secret: str | None = SECRET,
        *,
        local: bool = False,
        reviews: Path | None = None,
    ) -> None:
        self.rings = 0
        self.metrics = Metrics(lambda: loop_status, lambda: NOON)
        endpoints = StatusEndpoints(
            loop_status=lambda: loop_status,
            metrics=self.metrics,
            now=lambda: NOON + timedelta(minutes=1),
            ring=self.ring,
            secret=secret,
            local=local,
            reviews=reviews,
        )
        self.application = endpoints.application()
        self.client = TestClient(self.application, base_url="http://127.0.0.1")

    def ring(self) -> None:
        self.rings += 1

    def post(self, headers: dict[str, str], body: bytes = BODY) -> int:
        raw = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
        return self.client.post("/hook", content=body, headers=raw).status_code


def signed(body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}"}


@pytest.mark.parametrize(
    "headers",
    [
        signed(),
        {"X-Gitlab-Token": SECRET},
        {"X-Hub-Signature": signed()["X-Hub-Signature-256"]},  # Bitbucket
        {**signed(), "X-Hub-Signature": "sha1=00"},  # GitHub sends the old one, too
    ],
)
def test_who_knows_the_secret_rings(headers: dict[str, str]) -> None:
    visit = Visit(loop_status_of(*STEPS))
    assert visit.post(headers) == 202
    assert visit.rings == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(secret="another"),
        signed(body=b"another"),
        {"X-Hub-Signature-256": signed()["X-Hub-Signature-256"].removeprefix("sha256=")},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature": f"sha1={hmac.new(SECRET.encode(), BODY, 'sha1').hexdigest()}"},
        {"X-Gitlab-Token": ""},
        {"X-Gitlab-Token": SECRET[:-1]},
        {"X-Gitlab-Token": "schlüssel".encode().decode("latin-1")},
        {**signed(secret="another"), "X-Gitlab-Token": SECRET},  # a wrong signature is not made good
    ],
)
def test_nobody_else_does(headers: dict[str, str]) -> None:
    visit = Visit(loop_status_of(*STEPS))
    assert visit.post(headers) == 401
    assert visit.rings == 0


def test_without_a_secret_no_webhook_is_taken() -> None:
    for secret in (None, ""):
        visit = Visit(loop_status_of(*STEPS), secret)
        assert visit.post(signed(secret="")) == 403
        assert visit.post({"X-Gitlab-Token": ""}) == 403
        assert visit.rings == 0


def test_a_body_that_is_too_large_is_not_read_to_its_end() -> None:
    visit = Visit(loop_status_of(*STEPS))
    assert visit.post(signed(), b"x" * (LARGEST_BODY + 1)) == 413
    assert visit.rings == 0


def test_without_a_sign_of_the_secret_nothing_is_read() -> None:

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("read")
        yield b""

    assert not asyncio.run(genuine(SECRET, {}, never()))
    assert not asyncio.run(genuine(SECRET, {"x-gitlab-token": "another"}, never()))
    assert asyncio.run(genuine(SECRET, {"x-gitlab-token": SECRET}, never()))


@pytest.mark.parametrize("path", ["/", "/status.json", "/metrics"])
def test_a_page_of_this_machine_is_shown_under_its_own_names_alone(path: str) -> None:
    """A name of somebody else's that leads to 127.0.0.1 makes this page part of theirs, for a browser."""
    visit = Visit(loop_status_of(*STEPS), local=True)
    for host, code in (
        ("127.0.0.1:8788", 200),
        ("localhost", 200),
        ("[::1]:8788", 200),
        ("evil.example", 421),
    ):
        assert visit.client.get(path, headers={"Host": host}).status_code == code
    assert Visit(loop_status_of(*STEPS)).client.get(path, headers={"Host": "wanctl-watch"}).status_code == 200


def test_probes_and_hooks_may_call_it_as_they_like() -> None:
    visit = Visit(loop_status_of(*STEPS), local=True)
    assert visit.client.get("/healthz", headers={"Host": "10.1.2.3:8788"}).status_code == 200
    assert visit.post({**signed(), "Host": "hooks.example"}) == 202


def test_who_comes_slowly_is_sent_away_and_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wanctl.watch.server.REQUEST_PATIENCE", 0.5)
    monkeypatch.setattr("wanctl.watch.server.MOST_CONNECTIONS", 20)
    visit = Visit(loop_status_of(*STEPS))
    server = Server(visit.application, "127.0.0.1", 0)
    server.start()
    place = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    slow = []
    try:
        for _ in range(60):
            slow.append(socket.create_connection(place))
            slow[-1].sendall(b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n")
        assert http.get(f"{server.url}/healthz", timeout=5).status_code == 200
        for one in slow:
            one.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                assert one.recv(1) == b""  # ended, the first for want of places, the others by the clock
    finally:
        for one in slow:
            one.close()
        server.stop()


def test_a_burst_of_connections_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come faster than the ends of the others are heard of."""
    monkeypatch.setattr("wanctl.watch.server.MOST_CONNECTIONS", 3)
    ended: list[object] = []

    class Line(asyncio.Transport):
        def abort(self) -> None:
            ended.append(self)

        def get_extra_info(self, name: str, default: object = None) -> object:  # noqa: ARG002 - no socket
            return default

    async def burst() -> None:
        config = uvicorn.Config(Visit(empty_status()).application, log_level="error")
        config.load()
        state = ServerState()
        for _ in range(10):
            protocol = HurriedProtocol(config, state, {})
            protocol.connection_made(Line())
        assert len(state.connections) == 3

    asyncio.run(burst())
    assert len(set(map(id, ended))) == 7


def test_healthz_says_what_the_loop_does() -> None:
    status = replace(loop_status_of(*STEPS), began=NOON, next_iteration=None)
    said = Visit(status).client.get("/healthz").text
    assert said.startswith("ok\na round is under way, for 1 min; the last plan was made at ")
    pausing = replace(status, next_iteration=NOON + timedelta(minutes=5)).with_errors(("down",))
    said = Visit(pausing).client.get("/healthz").text
    assert "the next round begins at 12:05:00" in said
    assert said.endswith("; 1 round in a row failed\n")
    assert "no round has come to a plan yet" in Visit(empty_status()).client.get("/healthz").text


def test_nothing_but_the_hook_takes_a_post() -> None:
    visit = Visit(loop_status_of(*STEPS))
    for path in ("/", "/status.json", "/metrics", "/healthz", "/readyz"):
        assert visit.client.post(path).status_code == 405
    assert visit.client.get("/hook").status_code == 405


def test_the_probes() -> None:
    for loop_status, ready in (
        (empty_status(), 503),
        (loop_status_of(*STEPS), 200),
        (loop_status_of(*STEPS).with_errors(("down",)), 503),
    ):
        visit = Visit(loop_status)
        assert visit.client.get("/healthz").status_code == 200
        assert visit.client.get("/readyz").status_code == ready


def test_the_metrics_are_what_prometheus_reads() -> None:
    drifted = step("Deployment/other", When.PERSON, Action.SCALE, drift=True)
    loop_status = loop_status_of(*STEPS, drifted)
    visit = Visit(loop_status)
    visit.metrics.completed(loop_status)
    visit.metrics.failed(loop_status)
    visit.metrics.on_call("/api/v1/fine-tunes/ft-1/logs?line=1", 200)
    visit.metrics.on_call("/api/v1/deployments", 429)
    visit.metrics.on_call("/compatible-mode/v1/files", None)
    answer = visit.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    expected = {
        ("wanctl_ready",): 1,
        ("wanctl_build_info", __version__): 1,
        (
            "wanctl_commit_info",
            *sorted([loop_status.project, loop_status.environment or "", loop_status.ref, COMMIT]),
        ): 1,
        ("wanctl_resources", "FineTune", "waiting_on_service"): 1,
        ("wanctl_resources", "Dataset", "done"): 1,
        ("wanctl_drifted_resources",): 1,
        ("wanctl_ledger_serial",): 7,
        ("wanctl_last_success_timestamp_seconds",): NOON.timestamp(),
        ("wanctl_oldest_wait_seconds", "person"): 0,
        ("wanctl_training_tokens", "FineTune/rain", "billed"): 150,
        ("wanctl_training_tokens", "FineTune/rain", "estimate_high"): 200,
        ("wanctl_training_cost", "FineTune/rain", "USD", "billed"): 12.5,
        ("wanctl_training_cost", "FineTune/rain", "USD", "estimate_low"): 8,
        ("wanctl_api_calls_total", "200", "fine-tunes"): 1,
        ("wanctl_api_calls_total", "429", "deployments"): 1,
        ("wanctl_api_calls_total", "files", "none"): 1,
        ("wanctl_turns_total", "planned"): 1,
        ("wanctl_turns_total", "failed"): 1,
        ("wanctl_plan_duration_seconds_count",): 1,
        ("wanctl_apply_duration_seconds_sum",): 4.0,
    }
    found = {key: samples.get((key[0], *sorted(key[1:]))) for key in expected}
    assert found == expected


def test_the_metrics_before_the_first_turn() -> None:
    assert 'wanctl_turns_total{result="failed"} 0.0' in Visit(empty_status()).client.get("/metrics").text
    assert "wanctl_ready 0.0" in Visit(empty_status()).client.get("/metrics").text


def test_the_status_as_json() -> None:
    data = Visit(replace(loop_status_of(*STEPS), next_iteration=NOON)).client.get("/status.json").json()
    assert data["commit"] == {"id": "abcdef0123456789", "subject": "Make it rain"}
    assert data["plan"]["status"] == "in_progress"
    assert (data["ready"], data["ledger_serial"], data["next_turn"]) == (True, 7, NOON.isoformat())
    assert data["history"][0]["address"] == "Dataset/train"


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br", "wbr", "path", "rect"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize(
    "loop_status",
    [
        empty_status(),
        empty_status().with_errors(("<script>alert(1)</script>",)),
        replace(loop_status_of(*STEPS), next_iteration=NOON + timedelta(minutes=5)),
        loop_status_of(*STEPS, failures={"Deployment/rain": "429 <img src=x>"}, held_by="ci").with_errors(
            ("down",)
        ),
    ],
)
def test_the_page_is_well_formed_loads_nothing_and_escapes(loop_status: LoopStatus) -> None:
    answer = Visit(loop_status).client.get("/")
    page = _Page(answer.text)
    assert page.open == []
    names = [tag for tag, _ in page.tags]
    assert not {"script", "img", "form", "input", "iframe", "a", "b"} & set(names)
    assert not any(
        key.startswith("on") or key == "style" for _, attributes in page.tags for key in attributes
    )
    assert all((attributes.get("href") or "data:,") == "data:," for _, attributes in page.tags)
    assert ("meta", {"http-equiv": "refresh", "content": "15"}) in page.tags
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_policy_lets_the_page_have_its_own_style_alone() -> None:
    answer = Visit(loop_status_of(*STEPS)).client.get("/")
    policy = answer.headers["content-security-policy"]
    found = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert found
    digest = b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_tells_what_stands_and_whose_turn_it_is() -> None:
    loop_status = replace(loop_status_of(*STEPS), next_iteration=NOON + timedelta(minutes=5))
    page = _Page(Visit(loop_status).client.get("/").text)
    text = " ".join(" ".join(page.texts).split())
    for expected in (
        "Make it rain",
        "61 %",
        "choose one",
        "wanctl choose",
        "in 4 min",
        "serial 7",
        "<b>ann</b>",
    ):
        assert expected in text
    assert ("progress", {"max": "1", "value": "0.61", "aria-label": "FineTune/rain"}) in page.tags
    assert "svg" in [tag for tag, _ in page.tags]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (Policy(), "reports drift and does not correct it"),
        (Policy(self_heal=True), "corrects drift"),
        (
            Policy(needs_approval=frozenset({Action.TRAIN, Action.DELETE})),
            "reports drift and does not correct it; delete, train wait for a line in git",
        ),
        (Policy(True, frozenset(Action)), "corrects drift; everything waits for a line in git"),
    ],
)
def test_the_page_says_what_the_loop_may_do_by_itself(policy: Policy, said: str) -> None:
    client = Visit(replace(loop_status_of(*STEPS), policy=policy)).client
    text = " ".join(" ".join(_Page(client.get("/").text).texts).split())
    assert f"The loop {said} Last plan" in text
    data = client.get("/status.json").json()
    assert data["self_heal"] is policy.self_heal
    assert data["require_approval"] == sorted(policy.needs_approval)


def test_the_page_says_at_its_top_which_window_is_closed() -> None:
    """Or a change that is not begun looks forgotten."""
    closed = Finding(Severity.WARNING, "nothing may be applied now: a window denies it", rule=OUTSIDE)
    iteration = iteration_of(*STEPS)
    loop_status = empty_status().with_iteration(
        replace(iteration, plan=replace(iteration.plan, findings=(closed,))), NOON
    )
    text = " ".join(" ".join(_Page(Visit(loop_status).client.get("/").text).texts).split())
    assert "Frozen nothing may be applied now: a window denies it" in text.partition("Resources")[0]


TRAINING, CHOICE = Address.parse("FineTune/rain"), Address.parse("Checkpoint/best")


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A gallery, and what is none of anybody's business beside it."""
    for name, text in (
        ("ft-1/index.html", "<p>previews</p>"),
        ("ft-1/media/0a1b2c.mp4", "a video"),
        ("ft-1/media/notes.txt", "mine"),
        ("ft-2/index.html", "of a training that is not here any more"),
        ("secret", "mine"),
    ):
        file = tmp_path / "reviews" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "reviews"


def looked_at() -> LoopStatus:
    trained = replace(STEPS[1], action=Action.NOTHING, when=When.DONE, reason="trained")
    references = {CHOICE: (TRAINING,)}
    return loop_status_of(trained, *STEPS[2:], references=references, galleries={TRAINING: "ft-1"})


def test_who_sits_at_this_machine_is_led_to_the_previews(reviews: Path) -> None:
    visit = Visit(looked_at(), local=True, reviews=reviews)
    assert visit.client.get("/").text.count('href="/reviews/ft-1/index.html"') == 2
    page = visit.client.get("/reviews/ft-1/index.html")
    assert (page.text, page.headers["X-Content-Type-Options"]) == ("<p>previews</p>", "nosniff")
    assert page.headers["Cache-Control"] == "no-store"
    assert visit.client.get("/reviews/ft-1/media/0a1b2c.mp4").text == "a video"
    assert visit.client.get("/reviews/ft-1/index.html", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "path",
    [
        "ft-2/index.html",
        "ft-1/media/notes.txt",
        "ft-1/media/%2e%2e%2findex.html",
        "ft-1/media/..%2f..%2fsecret",
        "..%2freviews/index.html",
        "secret",
        "ft-1/",
    ],
)
def test_of_the_galleries_nothing_else_is_shown(reviews: Path, path: str) -> None:
    visit = Visit(looked_at(), local=True, reviews=reviews)
    assert visit.client.get(f"/reviews/{path}").status_code == 404


def test_from_elsewhere_nobody_sees_a_preview(reviews: Path) -> None:
    visit = Visit(looked_at(), local=False, reviews=reviews)
    assert "reviews" not in visit.client.get("/").text
    assert visit.client.get("/reviews/ft-1/index.html").status_code == 404


def test_the_page_shows_what_is_chosen_and_the_whole_of_what_is_to_be_approved() -> None:
    chosen = step("Checkpoint/best", reason="exported", summary="checkpoint-160")
    prompt = Change("aigc_config.prompt", None, "Describe " + "the picture " * 9, FieldClass.WRITE_ONLY)
    held = step(
        "Deployment/rain",
        When.PERSON,
        Action.DEPLOY,
        reason="not deployed yet; it waits for approval",
        hints=(f"commit to {APPROVALS_FILE}: abc  # deploy Deployment/rain",),
        changes=(prompt,),
    )
    ahead = replace(held, when=When.LATER, address=Address.parse("Deployment/snow"), after=(CHOICE,))
    text = Visit(loop_status_of(chosen, held, ahead)).client.get("/").text
    said = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    assert "exported checkpoint-160" in said
    assert said.count("+ Describe the picture") == 2
    assert said.count(f"commit to {APPROVALS_FILE}: abc") == 2
    assert '<details class="ahead" open>' in text, "what can be approved ahead"


def test_the_page_leads_to_the_commit_where_there_is_one() -> None:
    status = loop_status_of(*STEPS)
    assert status.iteration
    assert "<a " not in Visit(status).client.get("/").text
    commit = replace(status.iteration.commit, page="https://github.com/ann/rain/commit/abc")
    linked = replace(status, iteration=replace(status.iteration, commit=commit))
    assert '<a href="https://github.com/ann/rain/commit/abc">' in Visit(linked).client.get("/").text


def test_the_page_says_how_long_it_takes() -> None:
    progress = Progress("RUNNING", 0.4, "", None, timedelta(hours=2), timedelta(minutes=174))
    running = replace(STEPS[1], progress=progress)
    done = replace(STEPS[1], action=Action.NOTHING, when=When.DONE, reason="trained", took=timedelta(hours=3))
    assert "2 h so far, about 2 h 54 min left" in Visit(loop_status_of(running)).client.get("/").text
    assert "trained in 3 h" in Visit(loop_status_of(done)).client.get("/").text
