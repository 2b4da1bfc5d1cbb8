"""validation: {split, seed}: both sets are drawn here and uploaded; another seed is another training."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.datasets import small_dataset
from tests.harness import DATASET, FINETUNE, Document, Harness
from wanctl.address import Address
from wanctl.language.findings import SpecErrors
from wanctl.plan import Action, Plan, Status, When
from wanctl.project.dataset_edits import DatasetEditor
from wanctl.project.datasets import lock
from wanctl.project.errors import ProjectError

TRAIN, RAIN = Address.dataset("train"), Address.finetune("rain")
SIDES = tuple(Address.dataset(f"train-{side}-25-seed-7") for side in ("training", "validation"))


def splitting(seed: int = 7, share: float = 0.25, **more: Any) -> Document:
    return {**FINETUNE, "validation": {"split": share, "seed": seed}, **more}


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    harness = Harness.begun(tmp_path)
    shutil.rmtree(tmp_path / "data")
    small_dataset(tmp_path / "data", clips=8)
    lines = (json.dumps({"clip": f"clip_{n}.mp4", "file": f"{n // 2}.mov"}) + "\n" for n in range(8))
    (tmp_path / "data" / "origins.jsonl").write_text("".join(lines), encoding="utf-8")
    harness.write(DATASET, splitting())
    return harness


def uploads(plan: Plan) -> list[Address]:
    return [step.address for step in plan.steps if step.action is Action.UPLOAD]


def test_both_sides_are_uploaded_and_the_job_names_them(harness: Harness) -> None:
    plan = harness.plan()
    assert uploads(plan) == [*SIDES]
    whole, train = plan.step(TRAIN), plan.step(RAIN)
    assert whole
    assert (whole.action, whole.when, whole.reason) == (Action.NOTHING, When.DONE, "uploaded in 2 parts")
    assert train
    assert train.after == SIDES
    assert {change.path for change in train.changes} >= {"validation.split", "validation.seed", "validation"}
    harness.apply(waits=False)
    files = {one["filename"]: one["id"] for one in harness.call("GET", "/compatible-mode/v1/files")["data"]}
    training, validation = (next(files[name] for name in files if side.name in name) for side in SIDES)
    assert len(files) == 2
    (job,) = harness.jobs()
    assert job["training_file_ids"] == [training]
    assert job["validation_file_ids"] == [validation]
    harness.advance(24 * 3600)
    assert harness.plan().status is Status.CONVERGED
    assert harness.calls("POST", "/fine-tunes") == 1


def test_another_seed_is_another_training_and_the_plan_says_so(harness: Harness) -> None:
    harness.apply()
    first = harness.plan()
    harness.write(DATASET, splitting(seed=9))
    plan = harness.plan()
    step = plan.step(RAIN)
    assert step
    assert (step.action, step.when) == (Action.TRAIN, When.LATER)
    seed = next(one for one in step.changes if one.path == "validation.seed")
    assert (seed.before, seed.after) == (7, 9)
    assert {"training", "validation"} <= {one.path for one in step.changes}
    assert plan.digest != first.digest
    harness.write(DATASET, splitting(seed=8))
    assert uploads(harness.plan()) == [], "by chance it draws the same samples: that is the same training"
    harness.write(DATASET, splitting(seed=7))
    assert harness.plan().digest == first.digest, "drawn again, it is what it was"
    assert harness.plan().status is Status.CONVERGED


def test_a_ledger_that_is_lost_finds_both_again(harness: Harness) -> None:
    harness.apply()
    (harness.specs / ".wanctl/ledger.json").unlink()
    plan = harness.plan()
    assert uploads(plan) == []
    assert plan.status is Status.CONVERGED


def test_trainings_that_split_alike_share_the_parts(harness: Harness) -> None:
    other = splitting(name="slow", hyper_parameters={"n_epochs": 50, "eval_epochs": 10})
    harness.write(DATASET, splitting(), other, splitting(seed=9, name="third"))
    third = [Address.dataset(f"train-{side}-25-seed-9") for side in ("training", "validation")]
    assert sorted(uploads(harness.plan())) == sorted([*SIDES, *third])


def test_the_whole_goes_up_only_if_somebody_trains_on_it(harness: Harness) -> None:
    harness.write(DATASET, splitting(), {**FINETUNE, "name": "whole"})
    assert uploads(harness.plan()) == [TRAIN, *SIDES]
    harness.write(DATASET, splitting(state="absent"))
    assert uploads(harness.plan()) == [TRAIN], "nobody splits it any more"


def test_of_an_absent_training_nothing_is_drawn(harness: Harness) -> None:
    harness.apply()
    harness.write(DATASET, splitting(state="absent"))
    plan = harness.plan()
    assert not {one.action for one in plan.steps if one.address in SIDES} - {Action.NOTHING}
    step = plan.step(RAIN)
    assert step
    assert step.action is Action.DELETE, "its job is found by what it was trained on"


def test_another_caption_is_another_training(harness: Harness) -> None:
    harness.apply()
    folder = harness.specs.parent / "data"
    (folder / "data.jsonl").write_text(
        (folder / "data.jsonl").read_text(encoding="utf-8").replace("scene 0", "scene nought"),
        encoding="utf-8",
    )
    changed = uploads(harness.plan())
    assert len(changed) == 1, "the other side is what it was"


def test_a_locked_set_is_known_without_its_media(harness: Harness) -> None:
    digest = f"sha256:{harness.project().datasets.facts(TRAIN).digest}"
    harness.write({**DATASET, "digest": digest}, splitting())
    harness.apply()
    folder = harness.specs.parent / "data"
    folder.rename(folder.with_name("away"))
    plan = harness.plan()
    assert plan.status is Status.CONVERGED, plan.summary
    harness.write({**DATASET, "digest": digest}, splitting(seed=8))
    plan = harness.plan()
    assert {plan.step(address).when for address in map(_eight, SIDES)} == {When.BLOCKED}  # type: ignore[union-attr]
    harness.apply()
    assert harness.calls("POST", "/fine-tunes") == 1


def _eight(address: Address) -> Address:
    return Address.dataset(address.name.replace("seed-7", "seed-8"))


def test_parts_are_locked_with_their_whole(harness: Harness) -> None:
    harness.write({**DATASET, "digest": "sha256:" + "0" * 64}, splitting())
    plan = harness.plan()
    assert {plan.step(address).when for address in SIDES} == {When.BLOCKED}  # type: ignore[union-attr]
    assert "digest" in {one.rule for one in plan.findings}


def test_one_source_file_cannot_be_split(harness: Harness) -> None:
    origins = harness.specs.parent / "data" / "origins.jsonl"
    lines = (json.dumps({"clip": f"clip_{n}.mp4", "file": "a.mov"}) + "\n" for n in range(8))
    origins.write_text("".join(lines), encoding="utf-8")
    plan = harness.plan()
    step = plan.step(SIDES[0])
    assert step
    assert step.when is When.BLOCKED
    assert "all samples are of one source file" in step.reason
    assert plan.step(RAIN).when is When.LATER  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("documents", "sentence"),
    [
        (
            [{**DATASET, "source": {"file_id": "file-ft-1"}}, splitting()],
            "Dataset/train is an uploaded file: what is in it cannot be split here",
        ),
        (
            [DATASET, splitting(), {**DATASET, "name": "train-training-25-seed-7"}],
            "Dataset/train-training-25-seed-7 is the name of a part",
        ),
        ([DATASET, {**FINETUNE, "validation": {"split": 0.9}}], "split must be at most 0.5"),
        ([DATASET, {**FINETUNE, "validation": {"seed": 7}}], "the key split is missing in validation"),
        ([DATASET, {**FINETUNE, "validation": {"split": 0.1, "sed": 7}}], 'no key "sed" in validation'),
        ([DATASET, {**FINETUNE, "validation": "train"}], "validation must be a list"),
    ],
)
def test_what_cannot_be_split_is_said_at_its_place(
    harness: Harness, documents: list[Document], sentence: str
) -> None:
    harness.write(*documents)
    with pytest.raises(SpecErrors) as found:
        harness.project()
    assert sentence in str(found.value)


def test_validate_says_each_thing_once(harness: Harness) -> None:
    folder = harness.specs.parent / "data"
    (folder / "clip_3.mp4").write_bytes(b"?")
    found = [one for one in harness.project().validate().diagnostics if "clip_3" in one.message]
    assert len({one.message for one in found}) == len(found)
    assert {one.path for one in found} == {"Dataset/train"}


def test_what_a_person_writes_is_the_whole(harness: Harness) -> None:
    for write in (
        lambda: lock(harness.project(), SIDES[0].name),
        lambda: DatasetEditor.of(harness.project, SIDES[1].name),
    ):
        with pytest.raises(ProjectError, match="is drawn from Dataset/train"):
            write()


def test_an_exclusion_goes_for_both_sides(harness: Harness) -> None:
    editor = DatasetEditor.of(harness.project, "train")
    editor.leave_out(harness.project().datasets.facts(SIDES[0]).samples[0])
    sides = [harness.project().datasets.facts(address) for address in SIDES]
    assert sum(len(facts.samples) for facts in sides) == 7
