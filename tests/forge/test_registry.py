"""What every forge brings: a name that `wanctl init` lists, a template, and who it takes a host for."""

from importlib.resources import files

import pytest

from tests.scenarios.playing import run_wanctl
from wanctl.forge.forge import Forge
from wanctl.forge.registry import FORGES, GITHUB, GITLAB, forge_at, forge_named


@pytest.mark.parametrize("forge", FORGES, ids=lambda forge: forge.name)
def test_a_forge_has_a_template_and_init_lists_it(forge: Forge) -> None:
    assert forge_named(forge.name) is forge
    assert files("wanctl.init").joinpath("templates", f"{forge.name}.yml.j2").is_file()
    printed, _ = run_wanctl("init", "--help")
    assert f"{forge.name}|" in printed


def test_a_host_that_names_no_forge_is_taken_for_the_first() -> None:
    assert forge_at("gitlab.ours.example") is GITLAB
    assert forge_at("github.com") is forge_at("git.ours.example") is forge_at("") is GITHUB


def test_a_run_is_of_the_forge_that_says_so() -> None:
    assert [forge.name for forge in FORGES if forge.run({"GITLAB_CI": "true"}, None)] == ["gitlab"]
    assert [forge.name for forge in FORGES if forge.run({"GITHUB_ACTIONS": "true"}, None)] == ["github"]
    assert not any(forge.run({}, None) for forge in FORGES)
