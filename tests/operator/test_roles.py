"""The manifests of the operator: options that there are, and roles that may do what they say and no more."""

from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from wanctl.address import Kind
from wanctl.cli.app import app
from wanctl.operator.crds import custom_kinds
from wanctl.operator.custom_resources import GROUP

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
OF_PROJECTS = {one.plural for one in custom_kinds()} - {"studioaccounts"}
WRITES = {"create", "update", "patch", "delete", "deletecollection", "*"}


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def rights(name: str, kind: str = "ClusterRole") -> dict[tuple[str, str], set[str]]:
    """(group, resource) → what may be done to it."""
    [role] = [
        one for one in documents("roles.yaml") if one["kind"] == kind and one["metadata"]["name"] == name
    ]
    found: dict[tuple[str, str], set[str]] = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault((group, resource), set()).update(rule["verbs"])
    return found


@pytest.mark.parametrize(
    ("role", "writable"),
    [
        ("wanctl-viewer", set()),
        ("wanctl-chooser", {"checkpoints"}),
        ("wanctl-approver", {"wanprojects"}),
        ("wanctl-editor", OF_PROJECTS),
    ],
)
def test_people_may_write_what_their_role_says(role: str, writable: set[str]) -> None:
    found = rights(role)
    assert {group for group, _ in found} == {GROUP}
    assert {resource for _, resource in found} == OF_PROJECTS
    assert {resource for (_, resource), verbs in found.items() if verbs & WRITES} == writable


def test_the_operator_changes_no_spec_and_reads_secrets_at_home_alone() -> None:
    everywhere, home = rights("wanctl-operator"), rights("wanctl-operator", "Role")
    assert {group for group, _ in everywhere} == {GROUP, ""}
    for kind in ("wanproject", *(str(one).lower() for one in Kind)):
        assert everywhere[GROUP, f"{kind}s"] == {"get", "list", "watch", "patch"}
        assert everywhere[GROUP, f"{kind}s/status"] == {"get", "patch"}
    assert everywhere["", "configmaps"] == {"get"}
    assert everywhere["", "events"] == {"create"}
    assert ("", "secrets") not in everywhere
    assert ("", "secrets") in home
    assert not home[GROUP, "studioaccounts"] & WRITES
    assert not any("*" in verbs for found in (everywhere, home) for verbs in found.values())


def test_the_operators_options_are_there_and_its_account_is_bound() -> None:
    found = {one["kind"]: one for one in documents("operator.yaml")}
    pod = found["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    command: Any = typer.main.get_command(app)
    assert container["args"][0] == "operator"
    given = command.commands["operator"].make_context("operator", container["args"][1:]).params
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert str(given["state"]) in mounts
    assert pod["serviceAccountName"] == found["ServiceAccount"]["metadata"]["name"]
    for binding in ("ClusterRoleBinding", "RoleBinding"):
        [subject] = found[binding]["subjects"]
        assert subject["name"] == pod["serviceAccountName"]
        assert found[binding]["roleRef"]["name"] in {
            one["metadata"]["name"] for one in documents("roles.yaml")
        }
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsNonRoot"]
