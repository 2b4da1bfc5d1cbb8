"""Each folder beside this file is a scenario: read its script and its golden output as documentation."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.render.reading import check_markdown, check_page, check_schema
from tests.scenarios.playing import play, quiet_surroundings
from wanctl.engine import converge, planner
from wanctl.plan import Plan
from wanctl.render.html.plan import plan_html
from wanctl.render.markdown.plan import plan_markdown

HERE = Path(__file__).parent
ONE_CALL_AT_A_TIME = {"splits"}  # uploads of unlike sizes, side by side, end in an order of their own
SCENARIOS = sorted(path.parent.name for path in HERE.glob("*/script"))


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    plans = recorded_plans(monkeypatch)
    if name in ONE_CALL_AT_A_TIME:
        monkeypatch.setattr(converge, "CALLS_AT_ONCE", 1)
    for key in list(os.environ):
        monkeypatch.delenv(key)
    for key, value in quiet_surroundings().items():
        monkeypatch.setenv(key, value)
    played = dict(zip(("output.golden", "requests.golden"), play(HERE / name, tmp_path / name), strict=True))
    for file, text in played.items():
        golden = HERE / name / file
        if request.config.getoption("--update"):
            golden.write_text(text, encoding="utf-8")
        assert text == golden.read_text(encoding="utf-8"), f"{golden} differs; --update rewrites it"
    for plan in plans.values():
        check_schema(plan)
        check_markdown(plan_markdown(plan))
        check_page(plan_html(plan))


def recorded_plans(monkeypatch: pytest.MonkeyPatch) -> dict[str, Plan]:
    """The plans that are made from now on, one of each sort: every output has to hold for all of them."""
    plans: dict[str, Plan] = {}

    def recording(**fields: Any) -> Plan:
        plan = Plan(**fields)
        plans.setdefault(f"{plan.status} {plan.digest}", plan)
        return plan

    monkeypatch.setattr(planner, "Plan", recording)
    return plans
