"""Who is told of what: on a change only, once, over a real socket, and never with the URL in a log."""

import contextlib
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.watch.statuses import NOON, SETTLED, STEPS, empty_status, iteration_of, loop_status_of, step
from wanctl.finding import Finding, Severity
from wanctl.language.settings import Notification, NotificationFormat, Occasion, Settings
from wanctl.plan import Action, When
from wanctl.rules import Rule
from wanctl.watch.checkout import Commit
from wanctl.watch.iteration import Observed
from wanctl.watch.news import News, Situation, news_between, situation_of
from wanctl.watch.notify import TRIES, Notifier, wrong_with
from wanctl.watch.status import LoopStatus

DRIFTED = step("Deployment/rain", When.PERSON, Action.SCALE, drift=True, reason="capacity is 2")
BLOCKED = step("Deployment/rain", When.BLOCKED, Action.DEPLOY, reason="DEPLOY_FAILED")


def stories(*loop_statuses: LoopStatus) -> list[list[tuple[str, list[str]]]]:
    """What is said after each status: occasions and addresses."""
    situation: Situation | None = None
    told = []
    for loop_status in loop_statuses:
        after = situation_of(loop_status, situation)
        told.append(
            [(news.occasion.value, list(news.items)) for news in news_between(situation, after, loop_status)]
        )
        situation = after
    return told


def test_only_changes_are_told() -> None:
    person, done = loop_status_of(*STEPS), loop_status_of(*SETTLED)
    assert stories(person, person, done, done, person) == [
        [("waiting", ["Checkpoint/best"])],
        [],
        [("converged", [])],
        [],
        [("waiting", ["Checkpoint/best"])],
    ]


def test_who_begins_to_watch_is_not_told_that_all_is_well() -> None:
    assert stories(loop_status_of(*SETTLED)) == [[]]


def test_drift_is_told_as_drift_and_not_as_a_wait() -> None:
    assert stories(loop_status_of(DRIFTED)) == [[("drift", ["Deployment/rain"])]]


def test_failures_are_blocked_steps_refused_calls_and_refused_plans() -> None:
    limit = Finding(Severity.ERROR, "over a limit", rule=Rule.FAILED)
    iteration = loop_status_of(*STEPS).iteration
    assert iteration
    refused = empty_status().with_iteration(
        replace(iteration, plan=replace(iteration.plan, findings=(limit,))), NOON
    )
    assert stories(loop_status_of(BLOCKED)) == [[("failed", ["Deployment/rain"])]]
    assert stories(loop_status_of(failures={"FineTune/rain": "429"})) == [[("failed", ["FineTune/rain"])]]
    assert stories(refused) == [[("failed", ["the plan"])]]


def test_a_plan_that_is_refused_for_another_reason_is_told_again() -> None:
    def refused(why: str) -> LoopStatus:
        iteration = iteration_of(*STEPS)
        plan = replace(iteration.plan, findings=(Finding(Severity.ERROR, why, rule=Rule.FAILED),))
        return empty_status().with_iteration(replace(iteration, plan=plan), NOON)

    told = stories(refused("2 trainings"), refused("2 trainings"), refused("no resource"))
    assert told == [[("failed", ["the plan"])], [], [("failed", ["the plan"])]]


def test_a_turn_that_fails_is_told_the_second_time_and_forgets_nothing() -> None:
    person = loop_status_of(*STEPS)
    once = person.with_errors(("the line is down",))
    twice = once.with_errors(("the line is still down",))
    thrice = twice.with_errors(("another error",))
    assert stories(person, once, twice, thrice, person) == [
        [("waiting", ["Checkpoint/best"])],
        [],
        [("failed", ["the loop"])],
        [],
        [],
    ]


def test_of_an_error_the_first_line_is_told() -> None:
    loop_status = empty_status().with_errors(("a.yaml:1:1: error: no\n  |\n1 | x", "1 error"))
    assert situation_of(loop_status, None, patience=1).failed == {"the loop": "a.yaml:1:1: error: no 1 error"}


def test_a_message_to_slack_calls_nobody() -> None:
    news = News(
        occasion=Occasion.FAILED,
        project="rain",
        environment="prod",
        commit="c0ffee",
        items={"Deployment/rain": "<!channel> & more", **{f"Dataset/{n}": "x" for n in range(30)}},
    )
    text = news.body(NotificationFormat.SLACK)["text"]
    assert text.startswith("rain / prod: something failed\n• Deployment/rain: &lt;!channel&gt; &amp; more\n")
    assert text.endswith("• and: 11 more")
    assert len(news.body(NotificationFormat.JSON)["items"]) == 31


@pytest.mark.parametrize(
    ("url", "sound"),
    [
        ("https://hooks.example/T0/secret", True),
        ("http://127.0.0.1:8000/x", True),
        ("http://[::1]/x", True),
        ("http://hooks.example/secret", False),
        ("http://127.0.0.1.example/secret", False),
        ("https://", False),
        ("file:///etc/passwd", False),
        ("secret", False),
        ("", False),
    ],
)
def test_where_news_may_go(url: str, sound: bool) -> None:
    fault = wrong_with(url)
    assert (fault is None) is sound
    assert "secret" not in (fault or "")


class Receiver:
    """A server on this machine that answers with these statuses in turn, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.bodies: list[dict[str, Any]] = []
        left = list(statuses)
        outer = self

        class ReceiverHandler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.bodies.append(json.loads(body))
                self.send_response(left.pop(0) if left else 200)
                self.end_headers()
                outer.answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
                """Silence."""

        self._server = HTTPServer(("127.0.0.1", 0), ReceiverHandler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/secret"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """What it says beside its status."""

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receivers() -> Iterator[list[Receiver]]:
    opened: list[Receiver] = []
    yield opened
    for one in opened:
        one.close()


def notifying(loop_status: LoopStatus, *on: str, format_: str = "json") -> LoopStatus:
    settings = Settings.model_validate(
        {
            "version": 1,
            "project": "rain",
            "notifications": [{"url_env": "WANCTL_NOTIFY_URL", "format": format_, "on": on}],
        }
    )
    assert loop_status.iteration
    return empty_status().with_iteration(replace(loop_status.iteration, settings=settings), NOON)


def notifier(folder: Path, url: str, said: list[str]) -> Notifier:
    return Notifier({"WANCTL_NOTIFY_URL": url}, folder / "told.json", said.append, sleep=lambda _: None)


def test_it_is_posted_tried_again_and_not_repeated_after_a_restart(
    tmp_path: Path, receivers: list[Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver(503, 500)
    receivers.append(receiver)
    said: list[str] = []
    loop_status = notifying(loop_status_of(*STEPS), "waiting")
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            one = notifier(tmp_path, receiver.url, said)
            one.completed(loop_status)
            _settle(receiver, 3)
            one.close()
    assert [body["event"] for body in receiver.bodies] == ["waiting"] * 3  # the last one arrived
    assert receiver.bodies[-1]["items"] == [
        {"address": "Checkpoint/best", "text": "choose one → wanctl choose"}
    ]
    assert said == []
    assert "secret" not in caplog.text


class _Endless(Receiver):
    """Says more and more, until nobody listens."""

    def __init__(self) -> None:
        super().__init__()
        self.unheard = threading.Event()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(b"x" * 65_536)
        self.unheard.set()


def test_a_receiver_that_says_more_and_more_is_not_listened_to(
    tmp_path: Path, receivers: list[Receiver]
) -> None:
    receiver = _Endless()
    receivers.append(receiver)
    said: list[str] = []
    one = notifier(tmp_path, receiver.url, said)
    one.completed(notifying(loop_status_of(*STEPS), "waiting"))
    one.close()
    assert receiver.unheard.wait(30)
    assert (len(receiver.bodies), said) == (1, [])


def test_where_it_cannot_be_written_down_it_is_not_told_with_each_turn(
    tmp_path: Path, receivers: list[Receiver]
) -> None:
    receiver = Receiver()
    receivers.append(receiver)
    (tmp_path / "told.new").mkdir()  # a full disk
    one = notifier(tmp_path, receiver.url, [])
    for _ in range(3):
        with contextlib.suppress(OSError):
            one.completed(notifying(loop_status_of(*STEPS), "waiting"))
    one.close()
    assert len(receiver.bodies) == 1


def test_who_is_to_be_told_is_known_before_the_first_plan(tmp_path: Path, receivers: list[Receiver]) -> None:
    """A key that is refused from the start, say."""
    receiver = Receiver()
    receivers.append(receiver)
    asked = notifying(loop_status_of(*STEPS), "failed")
    assert asked.iteration
    seen = Observed(Commit("c0ffee"), asked.iteration.settings)
    once = empty_status().with_errors(("401",), seen)
    one = notifier(tmp_path, receiver.url, [])
    one.failed(once)
    one.failed(once.with_errors(("401",), seen))
    one.close()
    assert [(body["event"], body["commit"]) for body in receiver.bodies] == [("failed", "c0ffee")]


def _settle(receiver: Receiver, count: int) -> None:
    waited = threading.Event()
    for _ in range(500):
        if len(receiver.bodies) >= count:
            return
        waited.wait(0.01)


def test_only_what_is_asked_for_is_posted(tmp_path: Path, receivers: list[Receiver]) -> None:
    receiver = Receiver()
    receivers.append(receiver)
    one = notifier(tmp_path, receiver.url, [])
    one.completed(notifying(loop_status_of(*STEPS), "converged", format_="slack"))
    one.completed(notifying(loop_status_of(*SETTLED), "converged", format_="slack"))
    one.close()
    assert receiver.bodies == [{"text": "rain: everything is as the specs say"}]


def test_a_receiver_that_is_away_blocks_nothing_and_is_told_without_its_url(tmp_path: Path) -> None:
    said: list[str] = []
    one = notifier(tmp_path, "http://127.0.0.1:9/secret", said)
    one.completed(notifying(loop_status_of(*STEPS), "waiting"))
    one.close()
    assert said == ["waiting was not told to WANCTL_NOTIFY_URL: ConnectError"]


def test_a_receiver_that_is_away_keeps_the_news_from_no_other(
    tmp_path: Path, receivers: list[Receiver]
) -> None:
    """Its tries, and the waits between them, are its own."""
    receiver = Receiver()
    receivers.append(receiver)
    stuck, environ = threading.Event(), {"WANCTL_NOTIFY_AWAY": "http://127.0.0.1:9/secret"}
    environ["WANCTL_NOTIFY_URL"] = receiver.url

    def sleep(_: float) -> None:
        stuck.wait(30)

    one = Notifier(environ, tmp_path / "told.json", print, sleep=sleep)
    away = Notification(url_env="WANCTL_NOTIFY_AWAY", on=(Occasion.WAITING,))
    well = Notification(url_env="WANCTL_NOTIFY_URL", on=(Occasion.WAITING,))
    loop_status = notifying(loop_status_of(*STEPS), "waiting")
    try:
        one.completed(replace(loop_status, receivers=(away, well)))
        _settle(receiver, 1)
        assert [body["event"] for body in receiver.bodies] == ["waiting"]
    finally:
        stuck.set()
        one.close()


def test_news_for_a_receiver_that_is_away_do_not_pile_up(
    tmp_path: Path, receivers: list[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest goes, and is said not to have been told; the newest arrives."""
    monkeypatch.setattr("wanctl.watch.notify.MOST_WAITING", 3)
    receiver = Receiver(503)
    receivers.append(receiver)
    away, said = threading.Event(), list[str]()

    def sleep(_: float) -> None:
        away.wait(30)

    one = Notifier({"WANCTL_NOTIFY_URL": receiver.url}, tmp_path / "told.json", said.append, sleep=sleep)
    one.completed(notifying(loop_status_of(*STEPS), "waiting", "converged"))
    _settle(receiver, 1)
    for _ in range(3):
        one.completed(notifying(loop_status_of(*SETTLED), "waiting", "converged"))
        one.completed(notifying(loop_status_of(*STEPS), "waiting", "converged"))
    assert said == [
        f"{event} was not told to WANCTL_NOTIFY_URL: 3 later ones wait for it"
        for event in ("converged", "waiting", "converged")
    ]
    away.set()
    _settle(receiver, 5)
    one.close()
    assert [body["event"] for body in receiver.bodies[1:]] == ["waiting", "waiting", "converged", "waiting"]


def test_a_variable_that_is_not_set_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    one = notifier(tmp_path, "", said)
    one.completed(notifying(loop_status_of(*STEPS), "waiting"))
    one.close()
    assert said == ["waiting was not told to WANCTL_NOTIFY_URL: the variable is not set"]


def test_it_gives_up_after_some_tries(tmp_path: Path, receivers: list[Receiver]) -> None:
    receiver = Receiver(*[500] * 20)
    receivers.append(receiver)
    said: list[str] = []
    one = notifier(tmp_path, receiver.url, said)
    one.completed(notifying(loop_status_of(*STEPS), "waiting"))
    _settle(receiver, TRIES)
    one.close()
    assert len(receiver.bodies) == TRIES
    assert said == ["waiting was not told to WANCTL_NOTIFY_URL: status 500"]
