"""Untrusted specs: what they may read, how much they may cost, and that they crash nothing."""

import contextlib
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.language.projects import CHAIN, HEAD, load, told, write_project
from wanctl.address import Kind
from wanctl.language.findings import SpecErrors
from wanctl.language.load import load_project
from wanctl.language.resources import DOCUMENTS
from wanctl.language.settings import Settings

SECRET = "the content of a file outside"


def with_prompt(file: str) -> str:
    return CHAIN.replace("prompt: Describe the image.", f"prompt: {{file: {file}}}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "outside.txt").write_text(SECRET)
    (tmp_path / "outside").mkdir()
    folder = tmp_path / "project"
    write_project(folder, {".env": SECRET, ".git/config": SECRET})
    return folder


def refused(project: Path, files: dict[str, str]) -> str:
    with pytest.raises(SpecErrors) as raised:
        load(project, files)
    said = str(raised.value)
    assert SECRET not in said
    return said


@pytest.mark.parametrize(
    "file",
    [
        "../outside.txt",
        "/etc/hostname",
        "sub/../../outside.txt",
        "~/x",
        ".env",
        ".git/config",
        "'a\\0b'",
        ".",
    ],
)
def test_texts_come_from_inside_the_root(project: Path, file: str) -> None:
    assert "a.yaml:19:" in refused(project, {"a.yaml": with_prompt(file)})


def test_a_link_is_judged_by_where_it_leads(project: Path) -> None:
    (project / "link.txt").symlink_to(project.parent / "outside.txt")
    assert "leads out of the project's root" in refused(project, {"a.yaml": with_prompt("link.txt")})
    (project / "folder").symlink_to(project.parent)
    assert "leads out of the project's root" in refused(
        project, {"a.yaml": with_prompt("folder/outside.txt")}
    )


def test_a_loop_of_links_is_no_text(project: Path) -> None:
    (project / "one.txt").symlink_to("two.txt")
    (project / "two.txt").symlink_to("one.txt")
    refused(project, {"a.yaml": with_prompt("one.txt")})


def test_a_dataset_is_inside_the_root(project: Path) -> None:
    (project / "data").symlink_to(project.parent / "outside")
    text = "kind: Dataset\nname: train\nsource: {}\n"
    for source in ("data", "../outside", "data/deep", ".git"):
        refused(project, {"a.yaml": text.format(source)})


def test_the_root_is_the_work_tree_and_not_the_folder_of_the_specs(project: Path) -> None:
    (project / "data").mkdir()
    files = {"wanctl.yaml": HEAD, "a.yaml": "kind: Dataset\nname: train\nsource: ../../data\n"}
    specs = project / "deep" / "specs"
    write_project(specs, files)
    (specs / ".git").rmdir()
    assert [str(path) for path in load_project(specs).sources.values()] == [str(project / "data")]


def test_a_spec_that_is_a_link_to_the_outside_is_not_read(project: Path) -> None:
    outside = project.parent / "outside.yaml"
    outside.write_text(f"{SECRET}: [")
    (project / "a.yaml").symlink_to(outside)
    assert "leads out" in refused(project, {})


def test_what_is_no_regular_file_is_not_opened(project: Path) -> None:
    os.mkfifo(project / "pipe.txt")
    assert "is not a file" in refused(project, {"a.yaml": with_prompt("pipe.txt")})


def test_texts_are_bounded(project: Path) -> None:
    (project / "big.txt").write_text("x" * 65_537)
    assert "larger than 64 KB" in refused(project, {"a.yaml": with_prompt("big.txt")})
    (project / "big.txt").write_text("x" * 65_536)
    load(project, {"a.yaml": with_prompt("big.txt")})


def test_vars_cannot_make_a_text_explode(project: Path) -> None:
    head = f"version: 1\nproject: rain\nvars: {{big: {'x' * 1000}}}\n"
    text = CHAIN.replace("Describe the image.", "${big}" * 1000)
    assert "grows to more than" in refused(project, {"wanctl.yaml": head, "a.yaml": text})


def test_the_environment_is_not_readable(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", SECRET)
    for text in ("${DASHSCOPE_API_KEY}", "${env.DASHSCOPE_API_KEY}", "${HOME}"):
        refused(project, {"a.yaml": CHAIN.replace("Describe the image.", text)})
    desired = load(project, {"a.yaml": CHAIN.replace("Describe the image.", "$DASHSCOPE_API_KEY")})
    assert SECRET not in repr([one.spec for one in desired.resources.values()])


@pytest.mark.parametrize("key", ["sk-0123456789abcdef0123456789abcdef", "sk-sp-abcdefgh1234"])
def test_a_key_is_never_shown(project: Path, key: str) -> None:
    for text in (
        f"kind: Dataset\nname: {key}\nsource: data\n",
        f"kind: x\nn_epochs: [1, {key}]\n",
        f"# {key}\na: [",
    ):
        said = refused(project, {"a.yaml": text})
        assert "DASHSCOPE_API_KEY" in said
        assert key not in said
        assert key[3:] not in said


@pytest.mark.parametrize("name", ["api_key", "apiKey", "token", "secret", "password", "DASHSCOPE-API-KEY"])
def test_a_credential_is_told_by_its_name(project: Path, name: str) -> None:
    said = refused(project, {"wanctl.yaml": f"{HEAD}{name}: 'hunter\n  two'\n"})
    assert "DASHSCOPE_API_KEY" in said
    assert "hunter" not in said
    assert "two" not in said


def test_names_that_merely_begin_like_a_key_are_names(project: Path) -> None:
    assert told(project, {"a.yaml": "kind: Dataset\nname: sk-blue-sky-model\nsource: task-sk-data\n"}) == ""


@pytest.mark.parametrize(
    "text",
    [
        "[" * 300_000,
        "- " * 100_000 + "a",
        "&a [*a, *a]",
        "&a {x: *a, kind: Dataset}",
        "&a {<<: *a, kind: Dataset, name: x}",
        "a: &a {<<: [*a, *a]}",
        "\n".join(
            [
                f"k{n}: &k{n} {{<<: [*k{n - 1}, *k{n - 1}], x{n}: 1}}" if n else "k0: &k0 {x: 1}"
                for n in range(30)
            ]
        ),
        "? {a: b}\n: c",
        "kind: !!int x",
        "kind: 0x\nname: 1__2\n",
        "kind: Dataset\nname: a\nsource: &s [*s]\n",
        "{kind: Dataset, name: .nan, source: .inf}",
        "--- |\n text\n--- 5\n--- [x]\n---\n",
        "kind: 99999999999999999999999999999999999\nname: 1:99:99\n",
        "kind: [Dataset]\n---\nkind: {a: b}\n---\nkind: FineTune\nname: {a: b}\ntraining: {a: b}\n",
    ],
)
def test_hostile_yaml_is_an_error_like_any_other(project: Path, text: str) -> None:
    refused(project, {"a.yaml": text})


def _load(folder: Path, settings_file: bytes, spec: bytes) -> None:
    (folder / "wanctl.yaml").write_bytes(settings_file)
    (folder / "a.yaml").write_bytes(spec)
    for environment in (None, "prod"):
        with contextlib.suppress(SpecErrors):
            load_project(folder, environment)


QUICK = settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(data=st.binary(max_size=300))
@example(b"\xff\xfe\x00")
@example(b"a: \x00")
@example(b"a: \xc2\x85b: \xe2\x80\xa8c")
def test_any_bytes_load_or_are_spec_errors(project: Path, data: bytes) -> None:
    _load(project, HEAD.encode(), data)
    _load(project, data, b"")


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["${a}", "${", "x: y"]),
)
KEYS = st.sampled_from(
    [
        *DOCUMENTS[Kind.FINETUNE].model.model_fields,
        *DOCUMENTS[Kind.DEPLOYMENT].model.model_fields,
        *Settings.model_fields,
        *("kind", "source", "n_epochs", "split", "spend", "jobs", "speed", "prod", "prompt", "file"),
    ]
)
VALUES = st.recursive(
    st.one_of(
        SCALARS, st.sampled_from(["Dataset", "FineTune", "Checkpoint", "Deployment", "rain", "wan2.6-i2v"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=12,
)


@QUICK
@given(
    head=st.dictionaries(KEYS, VALUES, max_size=6),
    documents=st.lists(st.dictionaries(KEYS, VALUES, max_size=6), max_size=3),
)
def test_any_values_load_or_are_spec_errors(project: Path, head: object, documents: list[object]) -> None:
    spec = yaml.safe_dump_all(documents, allow_unicode=True).encode()
    _load(project, yaml.safe_dump(head).encode(), spec)
    _load(project, HEAD.encode(), spec)
