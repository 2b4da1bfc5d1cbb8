"""The Python API in a plain script."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import wanctl
from tests.scenarios.playing import run_wanctl
from wanctl.base.git import Git

ROOT = Path(__file__).parents[2]
KEY = "sk-0123456789abcdef"


@pytest.mark.usefixtures("specs")
def test_from_specs_to_a_name_for_callers() -> None:
    project = wanctl.open("specs")
    assert project.validate().valid
    plan = project.plan()
    heard: list[wanctl.Event] = []
    result = project.apply(approve=plan.digest, wait=timedelta(days=30), on_event=heard.append)
    assert result.ok, result.to_text()
    assert result.converged
    assert project.status().converged
    name = project.output()
    assert str(name) == name.value == project.output("Deployment/rain-0").value
    assert name.to_dict()["deployed_model"] == name.value
    done = [event.action.value for event in heard if isinstance(event, wanctl.Done)]
    assert done == ["upload", "train", "export", "deploy"]
    assert any(isinstance(event, wanctl.Waiting) for event in heard)
    assert all(str(event) for event in heard)
    assert all(one.state and one.remote_id for one in project.status().resources)


def test_what_is_not_waited_for_is_begun(specs: Path) -> None:
    project = wanctl.open(specs)
    result = project.apply(approve=project.plan())
    assert result.ok
    assert not result.converged
    assert "In progress at the service." in result.to_text()
    assert repr(result) == "<wanctl.ApplyResult in_progress: 2 calls made, 0 failed>"


def test_nothing_is_applied_that_nobody_approved(specs: Path) -> None:
    project = wanctl.open(specs)
    with pytest.raises(wanctl.Error, match=r"apply\(approve=plan\.digest\)") as raised:
        project.apply()
    assert raised.value.remedy is not None


@pytest.mark.parametrize("digest", ["*", "", "all", "sha256:*", "0" * 64, "0" * 12])
def test_there_is_no_word_that_approves_any_plan(specs: Path, digest: str) -> None:
    project = wanctl.open(specs)
    before = project.plan()
    with pytest.raises(wanctl.Error):
        project.apply(approve=digest)
    assert project.plan().digest == before.digest
    assert project.record().history == ()


def test_a_plan_that_was_looked_at_approves_itself_alone(specs: Path) -> None:
    old = wanctl.open(specs).plan()
    text = (specs / "all.yaml").read_text(encoding="utf-8")
    (specs / "all.yaml").write_text(text.replace("n_epochs: 800", "n_epochs: 900"), encoding="utf-8")
    with pytest.raises(wanctl.Error, match="approved 800, and now it is 900"):
        wanctl.open(specs).apply(approve=old)


def test_a_plan_shows_itself_as_the_command_does(specs: Path) -> None:
    plan = wanctl.open(specs).plan()
    said, _ = run_wanctl("-C", str(specs), "plan", "--format", "json")
    assert plan.to_dict() == json.loads(said)
    said, _ = run_wanctl("-C", str(specs), "plan")
    assert plan.to_text() == said
    assert "| `Deployment/rain-0` |" in plan.to_markdown()
    assert plan.to_html().startswith("<!DOCTYPE html>")
    assert plan._repr_html_().startswith("<iframe ")
    assert plan.digest[:12] in repr(plan)
    assert len(repr(plan)) < 160


def test_a_key_that_was_handed_over_is_used_and_never_shown(specs: Path) -> None:
    head = (specs / "wanctl.yaml").read_text(encoding="utf-8")
    (specs / "wanctl.yaml").write_text(f"{head}provider: model-studio\n", encoding="utf-8")
    project = wanctl.open(specs, key=KEY)
    assert project.host.api_key().reveal() == KEY
    shown = repr([project, project.host, vars(project), project.host.api_key()])
    assert KEY not in shown


def test_a_key_of_the_environment_is_not_shown_either(specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    project = wanctl.open(specs)
    assert project.host.api_key().reveal() == KEY
    assert KEY not in repr([project, project.host, vars(project)])
    assert KEY not in repr(Git.within(specs, project.host.environ))


def test_an_endpoint_can_be_named(specs: Path) -> None:
    project = wanctl.open(specs, base_url="https://model-studio.example/v1")
    assert project.host.base_url == "https://model-studio.example/v1"


def test_specs_that_are_wrong_are_one_error_with_every_place(specs: Path) -> None:
    (specs / "more.yaml").write_text("kind: Dataset\nname: more\n---\nkind: Nothing\n", encoding="utf-8")
    with pytest.raises(wanctl.Error, match=r"more\.yaml") as raised:
        wanctl.open(specs)
    assert str(raised.value).count("more.yaml:") == 2


def test_datasets_that_are_wrong_are_found_by_validate(specs: Path) -> None:
    (specs.parent / "data" / "rain-0" / "data.jsonl").unlink()
    found = wanctl.open(specs).validate()
    assert not found.valid
    assert found.to_dict()["valid"] is False
    assert found.to_text().endswith(f"{found.sentence()}\n")
    assert "error" in repr(found)


def test_an_output_has_to_be_ready(specs: Path) -> None:
    with pytest.raises(wanctl.Error, match="Deployment/rain-0 is not serving"):
        wanctl.open(specs).output()


def test_every_public_name_is_there_and_no_other() -> None:
    assert {name for name in wanctl.__all__ if getattr(wanctl, name, None) is None} == set()
    assert set(wanctl.__all__) <= set(dir(wanctl))
    with pytest.raises(AttributeError, match="no attribute 'apply'"):
        wanctl.apply  # noqa: B018


def test_importing_it_imports_nothing_else() -> None:
    code = "import sys, wanctl; print(*(name for name in sys.modules if name.startswith('wanctl')))"
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}; assert not {{'pydantic', 'httpx', 'asyncio'}} & set(sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["wanctl"]
