"""Posts news to webhooks, from a thread for each: neither the loop nor a receiver waits for another receiver.

The URL is a secret. It comes from the environment, goes to no log, and only over https or to this machine.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from wanctl.base.net import filter_http_logs, is_loopback
from wanctl.language.settings import Notification
from wanctl.watch.news import REPORTED_AFTER, News, Situation, news_between, situation_of
from wanctl.watch.status import LoopStatus

TRIES = 5
TIMEOUT = httpx.Timeout(10)
MOST_WAITING = 50  # news for one receiver; the oldest goes where there are more, and that is said
LAST_WORDS = 20.0  # seconds for what is still on its way when the loop ends
_THREAD = "notifications"


class _DeliveryError(Exception):
    """A fault that may pass; the message names no URL."""


class Notifier:
    """Guards the lines to the receivers, and what was reported last."""

    def __init__(
        self,
        environ: Mapping[str, str],
        reported: Path,
        tell: Callable[[str], None],
        *,
        patience: int = REPORTED_AFTER,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._environ, self._reported, self._tell = environ, reported, tell
        self._patience = patience
        self._lines: dict[str, _Line] = {}
        self._closing = threading.Event()
        self._sleep = sleep or self._nap
        self._known: Situation | None = None
        filter_http_logs(_FILTER)

    def completed(self, loop_status: LoopStatus) -> None:
        """After any round: what has changed is queued, and remembered as reported."""
        before = self._known or Situation.load(self._reported)
        after = situation_of(loop_status, before, self._patience)
        for news in news_between(before, after, loop_status):
            for one in loop_status.receivers:
                if news.occasion in one.on:
                    self._line_to(one).put(one, news)
        self._known = after  # also where it cannot be written down: or each round would report it again
        if after != before:
            after.save(self._reported)

    failed = completed

    def close(self, patience: float = LAST_WORDS) -> None:
        """Deliver what is queued, without another try for what fails."""
        self._closing.set()
        until = time.monotonic() + patience
        for line in self._lines.values():
            line.hang_up()
        for line in self._lines.values():
            line.join(max(until - time.monotonic(), 0.0))

    def _line_to(self, receiver: Notification) -> "_Line":
        if receiver.url_env not in self._lines:
            self._lines[receiver.url_env] = _Line(self._delivered_or_said, self._not_told)
        return self._lines[receiver.url_env]

    def _nap(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def _not_told(self, receiver: Notification, news: News, why: str) -> None:
        self._tell(f"{news.occasion.value} was not told to {receiver.url_env}: {why}")

    def _delivered_or_said(self, receiver: Notification, news: News) -> None:
        try:
            self._deliver(receiver, news)
        except Exception as error:  # noqa: BLE001 - a receiver's fault must not end the thread
            reason = str(error) if isinstance(error, _DeliveryError) else type(error).__name__
            self._not_told(receiver, news, reason)

    def _deliver(self, receiver: Notification, news: News) -> None:
        url = self._environ.get(receiver.url_env, "").strip()
        if fault := wrong_with(url):
            self._not_told(receiver, news, fault)
            return
        tries = Retrying(
            sleep=self._sleep,
            stop=stop_after_attempt(TRIES),
            wait=wait_random_exponential(multiplier=1, min=1, max=60),
            retry=lambda state: not self._closing.is_set() and _passing(state),
            reraise=True,
        )
        tries(_post, url, news.body(receiver.format))


class _Line:
    """The news on their way to one receiver, in order."""

    def __init__(
        self,
        deliver: Callable[[Notification, News], None],
        not_told: Callable[[Notification, News, str], None],
    ) -> None:
        self._deliver, self._not_told = deliver, not_told
        self._queue: queue.SimpleQueue[tuple[Notification, News] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._deliver_all, name=_THREAD, daemon=True)
        self._thread.start()

    def put(self, receiver: Notification, news: News) -> None:
        if self._queue.qsize() >= MOST_WAITING:
            with suppress(queue.Empty):  # it has just been taken
                if oldest := self._queue.get_nowait():
                    self._not_told(*oldest, f"{MOST_WAITING} later ones wait for it")
        self._queue.put((receiver, news))

    def hang_up(self) -> None:
        """After what is queued."""
        self._queue.put(None)

    def join(self, patience: float) -> None:
        self._thread.join(patience)

    def _deliver_all(self) -> None:
        while (queued := self._queue.get()) is not None:
            self._deliver(*queued)


_passing = retry_if_exception_type(_DeliveryError)


def wrong_with(url: str) -> str | None:
    """Why nothing is posted there; None if all is well. The URL is not repeated."""
    if not url:
        return "the variable is not set"
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http" and is_loopback(parts.hostname):
        return None
    return "it holds no https:// URL"


def _post(url: str, body: Mapping[str, object]) -> None:
    """What is said beside the status is not read, however much it is, and however slowly it comes."""
    env = url.startswith("https:")
    try:
        with httpx.stream("POST", url, json=body, timeout=TIMEOUT, trust_env=env) as answer:
            status, taken = answer.status_code, answer.is_success
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _DeliveryError(type(error).__name__) from None
    if not taken:
        raise _DeliveryError(f"status {status}")


class _WithoutUrls(logging.Filter):
    """The HTTP library logs each URL; from these threads none is written."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.threadName != _THREAD


_FILTER = _WithoutUrls()
