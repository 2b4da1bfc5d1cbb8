"""Good specs become resources in order, with their texts, places, vars and settings."""

import time
from pathlib import Path

import pytest

from tests.language.projects import CHAIN, HEAD, load, told, write_project
from wanctl.address import Address, Kind
from wanctl.language.findings import SpecErrors
from wanctl.language.load import load_project
from wanctl.language.models import Dataset, Deployment, FineTune
from wanctl.language.root import find_project

RAIN = Address.finetune("rain")


def finetune(folder: Path, text: str, head: str = HEAD, environment: str | None = None) -> FineTune:
    files = {"wanctl.yaml": head, "a.yaml": f"kind: Dataset\nname: train\nsource: data\n---\n{text}"}
    spec = load(folder, files, environment).resources[RAIN].spec
    assert isinstance(spec, FineTune)
    return spec


FINETUNE = "kind: FineTune\nname: rain\nmodel: wan2.6-i2v\ntraining: [train]\n"


def test_a_chain_comes_in_the_order_of_its_references(tmp_path: Path) -> None:
    reverse = "---\n".join(reversed(CHAIN.split("---\n")))
    desired = load(tmp_path, {"specs.yaml": reverse})
    assert [str(one) for one in desired.resources] == [
        "Dataset/train",
        "FineTune/rain",
        "Checkpoint/best",
        "Deployment/rain",
    ]
    assert desired.resources[RAIN].references == (Address.dataset("train"),)
    assert desired.local_source(Address.dataset("train")) == tmp_path / "data" / "train"
    assert desired.diagnostics == ()


def test_every_value_knows_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    resource = load(tmp_path, {"specs.yaml": CHAIN}).resources[Address.deployment("rain")]
    assert str(resource.origin) == "specs.yaml:15:1"
    assert str(resource.places["checkpoint"]) == "specs.yaml:17:13"
    assert str(resource.places["aigc_config.prompt"]) == "specs.yaml:19:11"
    assert resource.places["aigc_config.prompt"].length == len("Describe the image.")
    assert "aigc_config.nothing" not in resource.places
    assert list(resource.places) == [
        "kind",
        "name",
        "checkpoint",
        "aigc_config",
        "aigc_config.prompt",
        "aigc_config.lora_prompt_default",
    ]


def test_merge_keys_and_anchors_are_yaml_as_people_know_it(tmp_path: Path) -> None:
    text = (
        "kind: FineTune\nname: rain\nmodel: wan2.6-i2v\ntraining: &sets [train]\n"
        "hyper_parameters: &parameters {n_epochs: 100, learning_rate: 1e-5}\n---\n"
    )
    other = "kind: Dataset\nname: more\n<<: {source: data/b, description: merged}\ndescription: own\n"
    desired = load(tmp_path, {"a.yaml": "kind: Dataset\nname: train\nsource: data\n---\n" + text + other})
    more = desired.resources[Address.dataset("more")]
    assert isinstance(more.spec, Dataset)
    assert (more.spec.source.path, more.spec.description) == ("data/b", "own")
    assert more.places["source"].line == more.origin.line + 2


def test_only_what_is_written_is_declared(tmp_path: Path) -> None:
    spec = finetune(
        tmp_path, FINETUNE + "hyper_parameters: {learning_rate: 2e-5, n_epochs: 400, split: null}\n"
    )
    assert spec.hyper_parameters.declared() == {"n_epochs": 400, "learning_rate": 2e-5}


def test_vars_keep_their_type_and_environments_win(tmp_path: Path) -> None:
    text = (
        FINETUNE
        + "hyper_parameters: {n_epochs: '${epochs}'}\ndescription: about ${epochs} $${epochs} ${on}\n"
    )
    head = "version: 1\nproject: rain\nvars: {epochs: 200, on: true}\n"
    head += "environments: {prod: {vars: {epochs: 300}}}\n"
    base = finetune(tmp_path, text, head)
    assert base.hyper_parameters.n_epochs == 200
    assert base.description == "about 200 ${epochs} true"
    assert finetune(tmp_path, text, head, "prod").hyper_parameters.n_epochs == 300


def test_texts_come_from_files_beside_the_document(tmp_path: Path) -> None:
    document = CHAIN.replace("prompt: Describe the image.", "prompt: {file: prompts/rain.txt}")
    files = {"sub/a.yaml": document, "sub/prompts/rain.txt": "Then ${trigger}: $${x}\nand more\n"}
    resource = load(tmp_path, files).resources[Address.deployment("rain")]
    assert isinstance(resource.spec, Deployment)
    assert resource.spec.aigc_config.prompt == "Then s86b5p: ${x}\nand more"
    assert resource.texts == {"aigc_config.prompt": "sub/prompts/rain.txt"}
    assert resource.spec.aigc_config.sent() == {
        "use_input_prompt": False,
        "prompt": "Then s86b5p: ${x}\nand more",
        "lora_prompt_default": "Then it rains.",
    }


def test_windows_line_ends_make_no_other_text(tmp_path: Path) -> None:
    document = CHAIN.replace("prompt: Describe the image.", "prompt: {file: a.txt}")
    write_project(tmp_path, {"a.yaml": document})
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    spec = load_project(tmp_path).resources[Address.deployment("rain")].spec
    assert isinstance(spec, Deployment)
    assert spec.aigc_config.prompt == "one\ntwo"


def test_hidden_folders_and_nested_projects_are_left_out(tmp_path: Path) -> None:
    dataset = "kind: Dataset\nname: {}\nsource: data\n"
    files = {
        "a.yaml": dataset.format("a"),
        "deep/er/b.yml": dataset.format("b"),
        ".wanctl/c.yaml": dataset.format("c"),
        ".d.yaml": dataset.format("d"),
        "nested/wanctl.yaml": HEAD,
        "nested/e.yaml": dataset.format("e"),
        "notes.txt": "kind: x",
    }
    assert [one.name for one in load(tmp_path, files).resources] == ["a", "b"]


def test_resources_may_stand_behind_the_settings(tmp_path: Path) -> None:
    desired = load(tmp_path, {"wanctl.yaml": f"{HEAD}---\nkind: Dataset\nname: train\nsource: data\n"})
    assert list(desired.resources) == [Address.dataset("train")]


def test_a_number_names_a_checkpoint(tmp_path: Path) -> None:
    desired = load(tmp_path, {"a.yaml": CHAIN.replace("checkpoint-160", "160")})
    assert desired.resources[Address.checkpoint("best")].spec.model_dump()["checkpoint"] == "checkpoint-160"


def test_find_project_looks_here_and_in_specs(tmp_path: Path) -> None:
    write_project(tmp_path / "specs", {})
    assert find_project(tmp_path) == tmp_path / "specs"
    assert find_project(tmp_path / "specs") == tmp_path / "specs"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "wanctl.yml").touch()
    with pytest.raises(SpecErrors, match=r"no .*wanctl\.yaml or .*specs/wanctl\.yaml") as raised:
        find_project(tmp_path / "other")
    assert "rename" in str(raised.value)


def test_an_address_is_read_back_from_its_written_form() -> None:
    assert Address.parse("FineTune/money-rain") == Address(Kind.FINETUNE, "money-rain")
    assert Address.parse("finetune/a") == Address(Kind.FINETUNE, "a")
    for text, hint in (
        ("FinTune/a", "did you mean FineTune/a"),
        ("Pipeline/a", "the kinds are"),
        ("a", "Kind/name"),
        ("FineTune/", "Kind/name"),
        ("FineTune/a/b", "Kind/name"),
    ):
        with pytest.raises(ValueError, match=hint):
            Address.parse(text)


def test_addresses_sort_upstream_first() -> None:
    shuffled = [
        Address.deployment("a"),
        Address.checkpoint("b"),
        RAIN,
        Address.dataset("z"),
        Address.dataset("c"),
    ]
    assert [str(one) for one in sorted(shuffled)] == [
        "Dataset/c",
        "Dataset/z",
        "FineTune/rain",
        "Checkpoint/b",
        "Deployment/a",
    ]


def test_places_are_told_as_seen_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(tmp_path / "specs", {"a.yaml": "kind: Nothing\n"})
    for current, shown in ((tmp_path, "specs/a.yaml:1:7:"), (tmp_path / "specs", "a.yaml:1:7:")):
        monkeypatch.chdir(current)
        assert told(tmp_path / "specs", {}).startswith(shown)


def test_a_thousand_documents_load_at_once(tmp_path: Path) -> None:
    chains = "---\n".join(
        f"kind: Dataset\nname: d{number}\nsource: data/{number}\n---\n"
        f"kind: FineTune\nname: f{number}\nmodel: wan2.6-i2v\ntraining: [d{number}]\n"
        for number in range(500)
    )
    write_project(tmp_path, {"all.yaml": chains})
    started = time.process_time()
    assert len(load_project(tmp_path).resources) == 1000
    assert time.process_time() - started < 1.0  # some ten times what it takes
