"""The pages that are looked at: those of plans and of the loop as texts, and those that commands write."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.browser.plans import BUSY, GALLERIES, REFERENCES, busy_status, held_status, settled_plan
from tests.browser.plans import TEXTS as PROMPTS
from tests.dataset.filming import Scene, film
from tests.scenarios.playing import quiet_surroundings
from tests.watch.statuses import NOON, STEPS, empty_status, loop_status_of
from wanctl.finding import Finding, Place, Severity
from wanctl.plan import Plan
from wanctl.render.html.plan import plan_html
from wanctl.render.made import PlanFailure
from wanctl.render.options import RenderOptions
from wanctl.rules import Rule
from wanctl.watch.page import REFRESH, watch_html
from wanctl.watch.status import LoopStatus

ROOT = Path(__file__).parents[2]
_MISTAKES = (
    Finding(
        Severity.ERROR,
        "no hyper-parameter is called n_epoch (hyper_parameters.n_epoch)",
        hint="did you mean n_epochs?",
        place=Place("specs/money-rain.yaml:22:3"),
        rule=Rule.FAILED,
    ),
    Finding(
        Severity.ERROR,
        "there is no FineTune/money-rian",
        hint="did you mean FineTune/money-rain?",
        place=Place("specs/money-rain.yaml:31:11"),
        rule=Rule.FAILED,
    ),
    Finding(
        Severity.WARNING,
        "the prompt ends without the trigger",
        place=Place("specs/money-rain.yaml:40:5"),
        rule=Rule.FAILED,
    ),
)


def _refused() -> Plan:
    return replace(BUSY, findings=(*_MISTAKES, *BUSY.findings))


def _shown(loop_status: LoopStatus, *, local: bool = False) -> str:
    """It does not read itself again while it is measured, which takes a while on a busy machine."""
    page = watch_html(loop_status, NOON + timedelta(minutes=1), local=local)
    return page.replace(f'"refresh" content="{REFRESH}"', '"refresh" content="3600"')


TEXTS: dict[str, Callable[[], str]] = {
    "plan": lambda: plan_html(BUSY, RenderOptions(REFERENCES)),
    "plan-refused": lambda: plan_html(_refused(), RenderOptions(REFERENCES)),
    "plan-converged": lambda: plan_html(settled_plan(), RenderOptions(REFERENCES, texts=PROMPTS)),
    "plan-with-galleries": lambda: plan_html(
        BUSY, RenderOptions(REFERENCES, texts=PROMPTS, galleries=GALLERIES)
    ),
    "plan-failed": lambda: plan_html(PlanFailure("effects", "prod", _MISTAKES)),
    "watch": lambda: _shown(busy_status()),
    "watch-approvals": lambda: _shown(held_status(), local=True),
    "watch-starting": lambda: _shown(empty_status()),
    "watch-failing": lambda: _shown(
        loop_status_of(*STEPS, held_by="ci-runner-7f9c").with_errors(
            ("origin/main cannot be fetched: Could not resolve host: git.example.invalid",)
        )
    ),
}
WRITTEN = ("example-plan", "example-dataset", "example-prepared")
PAGES = (*TEXTS, *WRITTEN)
LINKED = ("plan-with-galleries", "watch-approvals")  # they lead to galleries, and to a commit


def write_example(folder: Path) -> Path:
    """The project of `specs/` with its data, and the pages that the commands make of it."""
    for name in ("specs", "examples/data"):
        place = folder / "work" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        copy = ["cp", "-r", str(ROOT / name), str(place)]
        subprocess.run(copy, check=True)
    (folder / "work" / ".git").mkdir()  # the project's root: the data is inside it
    _wanctl(folder, "plan", "--out-html", "../example-plan.html")
    _wanctl(folder, "dataset", "inspect", "train", "--html", "../example-dataset.html")
    footage = folder / "work" / "footage"
    film(footage / "first.mp4", [Scene(2, 1), Scene(1, 2), Scene(2, 3)])
    (footage / "notes.mp4").write_text("not a video", encoding="utf-8")
    _wanctl(folder, "dataset", "prepare", "footage", "--to", "clips", "--page", "../example-prepared.html")
    drawn = _wanctl(folder, "graph", "--format", "svg")
    (folder / "example-graph.svg").write_text(drawn, encoding="utf-8")
    return folder


def _wanctl(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "wanctl", *words],
        cwd=folder / "work",
        env=quiet_surroundings(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
