"""The same project as files and as custom resources: the same plan, and faults are told at their place."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.harness import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, Harness
from wanctl.engine.converge import Patience
from wanctl.engine.planner import make_plan
from wanctl.finding import Finding
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.findings import SpecErrors
from wanctl.language.load import environments_of, load_project
from wanctl.language.resources import Desired
from wanctl.language.root import Root
from wanctl.ledger.record import Record
from wanctl.operator.converting import ConvertedSpecs, ObjectNames, objects_yaml
from wanctl.operator.crds import custom_kinds
from wanctl.operator.documents import ProjectObjects, TextKey, referred_texts
from wanctl.plan import Plan, Status
from wanctl.project import Project
from wanctl.project.host import Host

REPOSITORY = Path(__file__).parents[2]
FOLDERS = sorted(
    path.parent for top in ("specs", "examples") for path in (REPOSITORY / top).rglob("wanctl.yaml")
)


def converted(folder: Path, environment: str | None = None) -> ProjectObjects:
    found = [*ConvertedSpecs(Root.around(folder), environment, ObjectNames("rain")).objects()]
    texts = {
        TextKey(one["metadata"]["name"], key): text
        for one in found
        if one["kind"] == "ConfigMap"
        for key, text in one["data"].items()
    }
    account, project, *documents = (one for one in found if one["kind"] != "ConfigMap")
    assert referred_texts(documents) == texts.keys()
    return ProjectObjects(project, account, documents, texts)


def planned(desired: Desired, home: Path) -> Plan:
    """What would be done if nothing existed yet."""
    project = Project(desired, Host(environ={}), home=home)
    nothing = Record(lineage="", project=project.name, endpoint="")
    return make_plan(desired, Snapshot(datetime(2026, 3, 18, tzinfo=UTC)), nothing, project.local).plan


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_files_and_objects_have_the_same_plan(folder: Path, tmp_path: Path) -> None:
    for environment in (None, *environments_of(folder)):
        of_files = load_project(folder, environment)
        of_objects = converted(folder, environment).load(folder, Root.around(folder).path)
        plan = planned(of_objects, tmp_path)
        assert plan.pending
        assert plan.digest == planned(of_files, tmp_path).digest
        assert settings_of(of_objects) == settings_of(of_files)
        assert {key: one.spec for key, one in of_objects.resources.items()} == {
            key: one.spec for key, one in of_files.resources.items()
        }
        assert told_of(of_objects.diagnostics) == told_of(of_files.diagnostics)


def settings_of(desired: Desired) -> dict[str, Any]:
    """Objects are of one environment, and are not told of the others."""
    return desired.settings.model_dump(exclude={"environments", "notifications", "trains_in", "ledger"})


def told_of(findings: tuple[Finding, ...]) -> set[tuple[str, str]]:
    return {(one.rule, one.path) for one in findings}


def test_every_environment_has_the_plan_that_it_has_in_files(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    prod = {"project": "rain-prod", "limits": {"new_jobs": 1}, "vars": {"epochs": 80}}
    tune = {**FINETUNE, "hyper_parameters": {"n_epochs": "${epochs}", "eval_epochs": 10}}
    harness.write(DATASET, tune, CHECKPOINT, DEPLOYMENT, vars={"epochs": 40}, environments={"prod": prod})
    digests = set()
    for environment in (None, "prod"):
        of_files = load_project(harness.specs, environment)
        of_objects = converted(harness.specs, environment).load(harness.specs, tmp_path)
        assert settings_of(of_objects) == settings_of(of_files)
        digests |= {planned(of_files, tmp_path).digest, planned(of_objects, tmp_path).digest}
    assert len(digests) == 2


def test_a_project_that_was_applied_from_files_goes_on_from_objects(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.serve(DEPLOYMENT)
    harness.apply()
    desired = converted(harness.specs).load(harness.specs, tmp_path)
    plan = Project(desired, Host(environ={}), home=harness.specs).plan()
    assert plan.status is Status.CONVERGED
    changed = converted(harness.specs)
    for one in changed.documents:
        if one["kind"] == "Deployment":
            one["spec"]["aigc_config"]["lora_prompt_default"] = "Then it snows."
    project = Project(changed.load(harness.specs, tmp_path), Host(environ={}), home=harness.specs)
    assert project.apply(lambda *_: True, Patience(waits=True)).plan.status is Status.CONVERGED
    harness.serve(
        {**DEPLOYMENT, "aigc_config": {**DEPLOYMENT["aigc_config"], "lora_prompt_default": "Then it snows."}}
    )
    assert harness.plan().status is Status.CONVERGED


# What is wrong

GONE = {"configMap": {"name": "a", "key": "b"}}


def objects(*changes: tuple[str, dict[str, Any]], project: dict[str, Any] | None = None) -> ProjectObjects:
    """A project of one chain, with some specs changed; None takes a key out."""
    changed = dict(changes)
    specs: dict[str, dict[str, Any]] = {
        "Dataset/train": {"source": {"file_id": "file-ft-1"}},
        "FineTune/rain": {"model": "wan2.6-i2v", "training": ["train"]},
        "Checkpoint/best": {"finetune": "rain", "checkpoint": "checkpoint-20", "unseen": "allow"},
        "Deployment/rain": {"checkpoint": "best", "aigc_config": {"use_input_prompt": True}},
    }
    documents = []
    for address, spec in specs.items():
        kind, name = address.split("/")
        whole = {"projectRef": {"name": "rain"}, **spec, **changed.get(address, {})}
        kept = {key: value for key, value in whole.items() if value is not None}
        documents.append({"kind": kind, "metadata": {"name": name}, "spec": kept})
    head = {"accountRef": {"name": "studio"}, "project": "rain", **(project or {})}
    account = {"kind": "StudioAccount", "metadata": {"name": "studio"}, "spec": {"provider": "sandbox"}}
    return ProjectObjects(
        {"kind": "WanProject", "metadata": {"name": "rain"}, "spec": head}, account, documents
    )


def complaints(found: ProjectObjects, folder: Path) -> list[str]:
    with pytest.raises(SpecErrors) as raised:
        found.load(folder)
    return [f"{one.place}: {one.message} [{one.rule}]" for one in raised.value.diagnostics]


@pytest.mark.parametrize(
    ("address", "change", "place", "message"),
    [
        (
            "FineTune/rain",
            {"hyper_parameters": {"n_epoch": 400}},
            "hyper_parameters.n_epoch",
            "there is no key",
        ),
        ("Checkpoint/best", {"checkpoint": "160"}, "checkpoint", "checkpoint must be a checkpoint's name"),
        ("FineTune/rain", {"training": ["train", "x"]}, "training[1]", "there is no Dataset x"),
        ("FineTune/rain", {"model": "${base}"}, "model", "model refers to ${base}, and there is no var"),
        (
            "Deployment/rain",
            {"kind": "Deployment"},
            "kind",
            "there is no key kind in the spec of a Deployment",
        ),
        ("Deployment/rain", {"projectRef": {"nam": "x"}}, "projectRef.nam", 'there is no key "nam"'),
        ("Dataset/train", {"name": "a--b"}, "name", "name must be letters, digits"),
        ("Deployment/rain", {"api_key": "x"}, "api_key", '"api_key" looks like a credential'),
        ("Deployment/rain", {"description": "sk-1234567890abcdef"}, "description", "a credential does not"),
        (
            "Deployment/rain",
            {"description": GONE},
            "description.configMap",
            "description: there is no ConfigMap/a .data.b",
        ),
        (
            "Deployment/rain",
            {"description": {"file": "x"}},
            "description.file",
            "description: no file can be read",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_place(
    tmp_path: Path, address: str, change: dict[str, Any], place: str, message: str
) -> None:
    told = complaints(objects((address, change)), tmp_path)
    assert any(one.startswith(f"{address} .spec.{place}: {message}") for one in told), told


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"limits": {"spend": 60}}, "WanProject/rain .spec.limits.spend: spend must be an amount"),
        ({"region": "beijing"}, 'WanProject/rain .spec.region: there is no key "region" in a WanProject'),
        ({"trains_in": "x"}, 'WanProject/rain .spec.trains_in: there is no key "trains_in" in a WanProject'),
        ({"limit": {}}, 'WanProject/rain .spec.limit: there is no key "limit"'),
        ({"selfHeal": "yes"}, "WanProject/rain .spec.selfHeal: selfHeal must be true or false"),
        ({"approvals": ["1234"]}, "WanProject/rain .spec.approvals[0]: "),
        ({"ledger": "kube:a/b"}, 'WanProject/rain .spec.ledger: there is no key "ledger" in a WanProject'),
        ({"catalogue": "own.yaml"}, "WanProject/rain .spec.catalogue: no file can be read here"),
    ],
)
def test_settings_are_checked_as_in_wanctl_yaml(
    tmp_path: Path, settings: dict[str, Any], complaint: str
) -> None:
    assert any(one.startswith(complaint) for one in complaints(objects(project=settings), tmp_path))


def test_a_fault_of_the_account_is_told_there(tmp_path: Path) -> None:
    found = objects()
    wrong = {**found.account, "spec": {"provider": "model-studio", "region": "mars", "secret": {"name": "x"}}}
    told = complaints(ProjectObjects(found.project, wrong, found.documents), tmp_path)
    assert any(one.startswith("StudioAccount/studio .spec.region: ") for one in told)
    assert any(one.startswith("StudioAccount/studio .spec.secret: there is no key") for one in told)


def test_a_value_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = {"a": deep}
    told = complaints(objects(("Deployment/rain", {"aigc_config": deep})), tmp_path)
    assert any("nested more than 40 levels" in one for one in told)


def test_texts_come_from_config_maps_as_from_files(tmp_path: Path) -> None:
    ref = {"configMap": {"name": "texts", "key": "rain"}}
    found = objects(("Deployment/rain", {"aigc_config": {"prompt": ref, "lora_prompt_default": "It rains."}}))
    texts = {TextKey("texts", "rain"): "Describe ${what}.\r\nIt rains.\n"}
    project = {**found.project, "spec": {**found.project["spec"], "vars": {"what": "it"}}}
    whole = ProjectObjects(project, found.account, found.documents, texts)
    assert referred_texts(found.documents) == texts.keys()
    resource = next(one for one in whole.load(tmp_path).resources.values() if one.texts)
    assert resource.spec.model_dump()["aigc_config"]["prompt"] == "Describe it.\nIt rains."
    assert resource.texts == {"aigc_config.prompt": "ConfigMap/texts .data.rain"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_converted_is_such_as_a_server_takes(folder: Path) -> None:
    kinds = {one.kind: one for one in custom_kinds()}
    for environment in (None, *environments_of(folder)):
        made = list(yaml.safe_load_all(objects_yaml(folder, environment, "films")))
        assert {one["kind"] for one in made} > {"StudioAccount", "WanProject", "Dataset"} or folder.name == (
            "foreign-model"
        )
        for one in made:
            assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", one["metadata"]["name"])
            if kind := kinds.get(one["kind"]):
                (version,) = kind.definition()["spec"]["versions"]
                schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
                jsonschema.Draft4Validator(schema).validate(one["spec"])


def test_names_that_kubernetes_does_not_allow_stand_in_the_spec(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write({**DATASET, "name": "Train_A"}, {**DATASET, "name": "train-a"})
    made = [*ConvertedSpecs(Root.around(harness.specs), None, ObjectNames("rain", "films")).objects()][2:]
    names = [one["metadata"]["name"] for one in made]
    assert names[0] == "train-a"
    assert names[1].startswith("train-a-")
    assert [one["spec"].get("name") for one in made] == ["Train_A", "train-a"]
    assert yaml.safe_load(yaml.safe_dump(made)) == made
