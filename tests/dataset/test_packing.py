"""The archive of an upload is there while it is needed, and never longer."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.dataset.making import folder, good
from tests.harness import Harness, dataset
from wanctl.address import Address
from wanctl.dataset.contents import DatasetError
from wanctl.language.load import load_project
from wanctl.project import Project
from wanctl.project.datasets import build
from wanctl.project.errors import ProjectError
from wanctl.project.local import LocalDatasets, Packer

TRAIN = Address.dataset("train")


@pytest.fixture
def packer(tmp_path: Path) -> Packer:
    folder(tmp_path / "data", good())
    (tmp_path / "wanctl.yaml").write_text("version: 1\nproject: p\n", encoding="utf-8")
    (tmp_path / "a.yaml").write_text("kind: Dataset\nname: train\nsource: data\n", encoding="utf-8")
    datasets = LocalDatasets(load_project(tmp_path), tmp_path / "cache")
    return Packer(datasets, datasets.read(), tmp_path / "packing")


@pytest.mark.usefixtures("packer")
def test_nothing_is_written_of_a_dataset_that_is_too_large_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanctl.dataset.checks.files._GIB", 1)
    project = Project.open(tmp_path)
    with pytest.raises(ProjectError, match="the first: the archive has"):
        build(project, "train", tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def pack(packer: Packer, digest: str, *, fails: bool = False) -> None:
    async def work() -> None:
        async with packer.archive(TRAIN, digest) as archive:
            assert archive.stat().st_size > 0
            if fails:
                raise ConnectionError

    asyncio.run(work())


def digest_of(packer: Packer) -> str:
    facts = packer._local[TRAIN].facts
    assert facts is not None
    return facts.digest


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left_behind(tmp_path: Path, packer: Packer, fails: bool) -> None:
    if fails:
        with pytest.raises(ConnectionError):
            pack(packer, digest_of(packer), fails=True)
    else:
        pack(packer, digest_of(packer))
    assert list((tmp_path / "packing").iterdir()) == []


def test_what_a_killed_run_left_goes_and_what_a_running_one_has_stays(tmp_path: Path, packer: Packer) -> None:
    killed, running = (tmp_path / "packing" / name for name in ("999999999-x", f"{os.getppid()}-y"))
    for one in (killed, running):
        folder(one, {"dataset.zip": b"x"})
    pack(packer, digest_of(packer))
    assert list((tmp_path / "packing").iterdir()) == [running]


def test_what_a_killed_run_left_goes_with_the_next_apply_though_it_packs_nothing(tmp_path: Path) -> None:
    """It was killed once everything was uploaded, say."""
    harness = Harness.begun(tmp_path)
    harness.write(dataset())
    harness.apply()
    packing = harness.specs / ".wanctl" / "packing"
    killed, running = packing / "999999999-x", packing / f"{os.getppid()}-y"
    for one in (killed, running):
        folder(one, {"dataset.zip": b"x"})
    assert harness.plan().pending == ()
    assert killed.exists(), "a plan changes nothing"
    harness.apply()
    assert list(packing.iterdir()) == [running]


def test_another_content_than_the_planned_one_is_not_packed(packer: Packer) -> None:
    with pytest.raises(DatasetError, match="is to be uploaded; nothing was"):
        pack(packer, "0" * 64)
