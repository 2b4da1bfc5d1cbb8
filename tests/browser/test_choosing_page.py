"""`wanctl review --serve` in a real browser: the button writes the choice, and nobody else can."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.reading import reading
from tests.plain_http import http
from tests.scenarios.playing import quiet_surroundings

PREPARE = """
import sys
from pathlib import Path
from tests.harness import Harness, dataset, finetune
harness = Harness.begun(Path(sys.argv[1]))
harness.write(dataset(), finetune())
(harness.specs / "choice.yaml").write_text(sys.argv[2], encoding="utf-8")
harness.apply()
"""
DOCUMENT = """# The choice is a person's.
kind: Checkpoint
name:   best   # of all
finetune: rain
"""
ROOT = Path(__file__).parents[2]


@dataclass
class Shown:
    """A gallery that a process of its own shows, and the specs that it writes."""

    specs: Path
    process: "subprocess.Popen[str]"
    address: str

    @property
    def text(self) -> str:
        return (self.specs / "choice.yaml").read_text(encoding="utf-8")

    def ended(self) -> tuple[str, int]:
        out, _ = self.process.communicate(timeout=60)
        return out, self.process.returncode


def environment() -> dict[str, str]:
    return {**quiet_surroundings(), "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    made = [sys.executable, "-c", PREPARE, str(folder), DOCUMENT]
    subprocess.run(made, cwd=ROOT, env=environment(), check=True)
    return folder / "specs"


@pytest.fixture
def shown(applied: Path) -> Iterator[Shown]:
    (applied / "choice.yaml").write_text(DOCUMENT, encoding="utf-8")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "wanctl",
            "review",
            "-C",
            str(applied),
            "rain",
            "--serve",
            "--serve-for",
            "2m",
        ],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    for line in process.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+/\S+/", line):
            break
    else:
        raise AssertionError("it shows nothing")
    try:
        yield Shown(applied, process, found[0])
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def test_the_button_writes_the_choice_and_nothing_else(browser: Browser, shown: Shown) -> None:
    with reading(browser, shown.address) as reader:
        assert reader.page.locator(".candidate h3").all_inner_texts() == [
            "checkpoint-10",
            "checkpoint-20",
            "checkpoint-30",
            "checkpoint-40",
        ]
        reader.until("document.querySelector('video').readyState > 0")
        reader.page.locator(".row").first.locator(".toggle").click()
        reader.until("document.querySelector('video').currentTime > 0.2")
        reader.page.locator(".note").nth(2).fill("the rain is even")
        reader.page.locator(".choose").nth(2).click()
        reader.until("!document.getElementById('chosen').hidden")
        said = reader.page.locator("#chosen .said").inner_text()
        diff = reader.page.locator("#chosen .diff").inner_text()
        assert reader.trouble() == []
    assert said.startswith("Checkpoint/best: checkpoint-30 is chosen")
    assert "+checkpoint: checkpoint-30" in diff
    printed, code = shown.ended()
    assert code == 0
    assert "+checkpoint: checkpoint-30" in printed
    added = [line for line in shown.text.splitlines() if line not in DOCUMENT.splitlines()]
    assert [line for line in shown.text.splitlines() if line not in added] == DOCUMENT.splitlines()
    assert added[0] == "checkpoint: checkpoint-30"
    assert re.fullmatch(r"of: '?[0-9a-f]{8}'?", added[1])
    assert [line for line in added if "notes" in line] == ["  notes: the rain is even"]
    assert not list(shown.specs.rglob("served.html"))


def post(shown: Shown, address: str | None = None, body: Any = None, **headers: str) -> httpx.Response:
    chosen = {"address": "Checkpoint/best", "column": 0, "notes": None} if body is None else body
    own = shown.address.rpartition("/")[0].rpartition("/")[0]
    sent = {"Origin": own, "Content-Type": "application/json", **headers}
    content = chosen if isinstance(chosen, str) else json.dumps(chosen)
    return http.post(f"{address or shown.address}choose", content=content, headers=sent)


def test_nobody_else_can_look_or_choose(shown: Shown) -> None:
    origin, token = re.fullmatch(r"(http://[^/]+)/([^/]+)/", shown.address).groups()  # type: ignore[union-attr]
    assert len(token) >= 32
    refused = [
        http.get(f"{origin}/"),
        http.get(f"{origin}/{token[:-1]}x/"),
        http.get(f"{origin}/x/media/a.mp4"),
        http.get(shown.address, headers={"Host": "evil.example"}),
        http.get(
            shown.address, headers={"Host": origin.removeprefix("http://").replace("127.0.0.1", "localhost")}
        ),
        http.get(f"{shown.address}media/..%2F..%2F..%2Fledger.json"),
        http.get(f"{shown.address}media/../../../ledger.json"),
        post(shown, f"{origin}/wrong/"),
        post(shown, Host="evil.example"),
        post(shown, Origin="https://evil.example"),
        post(shown, Origin="null"),
        post(shown, Origin=origin.replace("127.0.0.1", "localhost")),
        post(shown, **{"Content-Type": "text/plain"}),
        post(shown, body="{"),
        post(shown, body={"address": "Checkpoint/best", "column": -1}),
        post(shown, body={"address": "Checkpoint/best", "column": True}),
        post(shown, body={"address": "Checkpoint/best", "column": 99}),
        post(shown, body={"address": "FineTune/rain", "column": 0}),
        post(shown, body={"address": "../../x", "column": 0}),
        post(shown, body="x" * 300_000),
        http.get(f"{shown.address}choose"),
    ]
    statuses = [one.status_code for one in refused]
    assert all(400 <= status < 500 for status in statuses), statuses
    assert all("checkpoint-10" not in one.text for one in refused)
    without = http.post(f"{shown.address}choose", json={"address": "Checkpoint/best", "column": 0})
    assert without.status_code == 403
    assert shown.text == DOCUMENT
    assert shown.process.poll() is None, "it still shows the page"


def test_another_site_in_the_same_browser_cannot_choose(browser: Browser, shown: Shown) -> None:
    with reading(browser, "data:text/html,<p>another site</p>", own="") as reader:
        sent = reader.page.evaluate(
            """async (place) => {
              const body = JSON.stringify({ address: "Checkpoint/best", column: 0, notes: null });
              const tries = [
                { method: "POST", body, headers: { "Content-Type": "application/json" } },
                { method: "POST", body, mode: "no-cors", headers: { "Content-Type": "text/plain" } },
              ];
              const said = [];
              for (const one of tries) {
                try { said.push((await fetch(place, one)).type); } catch (error) { said.push("refused"); }
              }
              return said;
            }""",
            f"{shown.address}choose",
        )
    assert sent[0] == "refused"
    assert shown.text == DOCUMENT
    assert shown.process.poll() is None


def test_it_ends_when_nobody_looks_any_more(applied: Path) -> None:
    (applied / "choice.yaml").write_text(DOCUMENT, encoding="utf-8")
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "wanctl",
            "review",
            "-C",
            str(applied),
            "rain",
            "--serve",
            "--serve-for",
            "1s",
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0
    assert "nothing was chosen" in ended.stderr
    assert (applied / "choice.yaml").read_text(encoding="utf-8") == DOCUMENT
