"""The health rules of Argo CD and Flux over every phase, run by their own languages."""

from pathlib import Path
from typing import Any

import lupa  # type: ignore[import-untyped]  # it brings no types
import pytest
import yaml
from cel import evaluate

from tests.operator.test_conditions import NOW, PHASES
from wanctl.address import Kind
from wanctl.operator.conditions import STALLED, ObjectStanding, Turn, project_status
from wanctl.operator.custom_resources import API_VERSION, dumped

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes" / "health"
LUA = (FOLDER / "argocd-health.lua").read_text(encoding="utf-8")
RULES = yaml.safe_load((FOLDER / "flux-health-checks.yaml").read_text(encoding="utf-8"))
EXPECTED = {  # phase → Argo CD, Flux
    "converged": ("Healthy", "current"),
    "to do": ("Progressing", "inProgress"),
    "at the service": ("Progressing", "inProgress"),
    "a person": ("Suspended", "inProgress"),
    "both": ("Progressing", "inProgress"),
    "blocked": ("Degraded", "failed"),
    "later alone": ("Degraded", "failed"),
    "over a limit": ("Degraded", "failed"),
    "a closed window": ("Suspended", "inProgress"),
}


def project(status: dict[str, Any] | None, generation: int = 1, **spec: Any) -> dict[str, Any]:
    found = {
        "apiVersion": API_VERSION,
        "kind": "WanProject",
        "metadata": {"generation": generation},
        "spec": spec,
    }
    return {**found, "status": status} if status is not None else found


def in_phase(phase: str) -> dict[str, Any]:
    return project(dumped(project_status(Turn(PHASES[phase][0]), 1, {}, NOW)))


def argocd(item: dict[str, Any]) -> tuple[str, str]:
    """As Argo CD runs it: the object is `obj`, and what is returned is the health."""
    lua = lupa.LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = _table(lua, item)
    found = lua.execute(LUA)
    return str(found["status"]), str(found["message"])


def _table(lua: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return lua.table_from({key: _table(lua, one) for key, one in value.items()})
    if isinstance(value, list):
        return lua.table_from([_table(lua, one) for one in value])
    return value


def flux(item: dict[str, Any]) -> str | None:
    """As Flux asks: the first of these that holds; where none does, it goes on waiting."""
    [rule] = [one for one in RULES if one["kind"] == "WanProject"]
    context = {key: item.get(key, {}) for key in ("metadata", "spec", "status")}
    return next((name for name in ("inProgress", "failed", "current") if evaluate(rule[name], context)), None)


def test_every_phase_is_expected() -> None:
    assert EXPECTED.keys() == PHASES.keys()


@pytest.mark.parametrize("phase", PHASES)
def test_each_phase_has_its_health(phase: str) -> None:
    item = in_phase(phase)
    health, message = argocd(item)
    assert (health, flux(item)) == EXPECTED[phase]
    ready = next(one for one in item["status"]["conditions"] if one["type"] == "Ready")
    assert message == ready["message"]


def test_an_error_is_degraded() -> None:
    turn = Turn(problem=ObjectStanding("InvalidSpecs", "no", frozenset(STALLED)))
    item = project(dumped(project_status(turn, 1, {}, NOW)))
    assert (argocd(item)[0], flux(item)) == ("Degraded", "failed")


def test_what_was_not_looked_at_since_it_changed_is_in_progress() -> None:
    changed = {**in_phase("converged"), "metadata": {"generation": 2}}
    assert (argocd(changed)[0], flux(changed)) == ("Progressing", "inProgress")
    assert (argocd(project(None))[0], flux(project(None))) == ("Progressing", "inProgress")


def test_a_suspended_project_is_suspended() -> None:
    assert argocd(project(None, suspend=True))[0] == "Suspended"


def test_every_kind_has_its_rule_and_all_the_same() -> None:
    assert [one["kind"] for one in RULES] == ["StudioAccount", "WanProject", *map(str, Kind)]
    assert {one["apiVersion"] for one in RULES} == {API_VERSION}
    assert len({(one["current"], one["failed"], one["inProgress"]) for one in RULES}) == 1
