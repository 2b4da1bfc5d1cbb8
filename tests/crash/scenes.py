"""What is interrupted: each scene begins where another one ended, edits the specs, and runs a command.

`left` says how many files, jobs, exports and deployments of ours there are when it is over, undisturbed.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from tests.crash import commands
from tests.crash.commands import Command
from tests.crash.project import (
    CHAIN,
    LIST_LAG,
    MODEL,
    Documents,
    account,
    call,
    config,
    deploy,
    pass_time,
    start_twin,
)
from tests.datasets import small_dataset
from wanctl.address import Address
from wanctl.plan import Status
from wanctl.project import Project

ABSENT = {"state": "absent"}


@dataclass(frozen=True)
class Scene:
    """One command, and what it is run in."""

    name: str
    after: str | None  # the scene at whose end it begins; None: an account with somebody else's chain
    left: tuple[int, int, int, int]
    specs: Documents = field(default_factory=lambda: CHAIN)
    command: Command = commands.apply
    others: Callable[[Path], None] = lambda _: None  # what somebody does before the command is run
    ends: Status = Status.CONVERGED
    runs: int = 1  # of the command, undisturbed; the first one is what is interrupted
    applied: bool = False  # once more afterwards, to find nothing to do; else it is an apply itself
    tried: bool = True  # False: only a beginning for others

    def __str__(self) -> str:
        return self.name


def changed(key: str, **changes: Any) -> Documents:
    return with_change(CHAIN, key, **changes)


def with_change(documents: Documents, key: str, **changes: Any) -> Documents:
    return {**documents, key: {**documents[key], **changes}}


def without(documents: Documents, *keys: str) -> Documents:
    return {key: one for key, one in documents.items() if key not in keys}


def absent(documents: Documents, *keys: str) -> Documents:
    return {key: {**one, **(ABSENT if key in keys else {})} for key, one in documents.items()}


def renamed(documents: Documents) -> Documents:
    """Everything under another name, and each reference with it."""
    train, job, best, live = (documents[key] for key in ("train", "job", "best", "live"))
    return {
        "train": {**train, "name": "clips", "moved_from": "train"},
        "job": {**job, "name": "storm", "moved_from": "rain", "training": ["clips"]},
        "best": {**best, "name": "chosen", "moved_from": "best", "finetune": "storm"},
        "live": {**live, "name": "storm", "moved_from": "rain", "checkpoint": "chosen"},
    }


POURING = changed("live", aigc_config=config("Then it pours."))
GUARD: Mapping[str, Any] = {**CHAIN["live"], "name": "guarded", "protect": True}
GUARDED: Documents = {**CHAIN, "guard": {**GUARD, "aigc_config": config("Then it is kept.")}}
POURING_BOTH = {
    key: {**one, "aigc_config": config("Then it pours.")} if one["kind"] == "Deployment" else one
    for key, one in GUARDED.items()
}
ANEW = with_change(POURING, "job", hyper_parameters={"n_epochs": 30, "eval_epochs": 10})


def _remote_id(folder: Path, address: str) -> str:
    current = Project.open(folder / "specs").record().entry(Address.parse(address)).current
    assert current
    return current.remote_id


def _twin_of_ours(folder: Path) -> None:
    """Where names are not kept, the files tell them."""
    sandbox = account(folder)
    call(sandbox, "POST", "/_sandbox/rig", {"quirks": {"echo_file_ids": True}})
    sandbox.close()
    start_twin(folder, _remote_id(folder, "FineTune/rain"))
    pass_time(folder, seconds=LIST_LAG + 1)  # and still neither trains


def _other_clips(folder: Path) -> None:
    shutil.rmtree(folder / "data")
    small_dataset(folder / "data", clips=3, note="others")


def _deployed_by_hand(folder: Path) -> None:
    """The model of a job that no spec wants any more: a deployment that is ours by its lineage only."""
    sandbox = account(folder)
    old = sandbox._store.all("export")[0]
    deploy(sandbox, f"{MODEL}-{old['key'].partition('/')[0]}")
    sandbox.close()
    pass_time(folder, hours=1)


def _ledger_is_lost(folder: Path) -> None:
    for path in (folder / "specs" / ".wanctl").glob("ledger.json*"):
        path.unlink()


def _ours(folder: Path) -> dict[str, str]:
    """As somebody finds them in the console."""
    sandbox = account(folder)
    (job,) = (one["job_id"] for one in sandbox._store.all("job") if one["model"] == MODEL)
    (live,) = (
        one["deployed_model"] for one in sandbox._store.all("deployment") if one["base_model"] == MODEL
    )
    sandbox.close()
    return {"FineTune/rain": job, "Deployment/rain": live}


def _pictures(folder: Path) -> None:
    """What the checks make videos of."""
    (folder / "checks").mkdir()
    for name, colour in (("face", "#a06040"), ("street", "#4060a0")):
        picture = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
        ImageDraw.Draw(picture).ellipse((90, 50, 230, 190), fill=colour)
        picture.save(folder / "checks" / f"{name}.png")


def _time_is_over(folder: Path) -> None:
    """Of the trial."""
    pass_time(folder, hours=12)


def _it_trains(folder: Path) -> None:
    pass_time(folder, minutes=30)


SCENES = {
    scene.name: scene
    for scene in (
        Scene("create", None, (1, 1, 1, 1)),
        Scene("replace", "create", (1, 1, 1, 1), POURING),
        Scene(
            "blue-green",
            "create",
            (1, 1, 1, 1),
            with_change(POURING, "live", strategy="blue_green", keep_old="0s"),
        ),
        Scene(
            "checked",
            "create",
            (1, 1, 1, 1),
            with_change(
                POURING,
                "live",
                strategy="blue_green",
                keep_old="0s",
                checks={"images": ["../checks/face.png", "../checks/street.png"], "duration": 2},
            ),
            others=_pictures,
        ),
        Scene(
            "judged",
            "create",
            (1, 1, 1, 1),
            with_change(
                POURING,
                "live",
                strategy="blue_green",
                keep_old="0s",
                checks={
                    "images": ["../checks/face.png"],
                    "duration": 2,
                    "judge": {"at_least": 3, "rubric": "It pours."},
                },
            ),
            others=_pictures,
        ),
        Scene("scale", "create", (1, 1, 1, 1), changed("live", capacity=2, allow=["capacity"])),
        Scene("try", "create", (1, 1, 2, 2), CHAIN, commands.try_checkpoint),
        Scene("tried", "try", (1, 1, 2, 1), CHAIN, others=_time_is_over),
        Scene("rename", "create", (1, 1, 1, 1), renamed(CHAIN)),
        Scene("guard", "create", (1, 1, 1, 2), GUARDED, tried=False),
        Scene("remove", "guard", (1, 1, 1, 1), without(GUARDED, "live")),
        Scene("protected", "guard", (1, 1, 1, 1), without(GUARDED, "live", "guard"), ends=Status.BLOCKED),
        Scene("protected-still", "guard", (1, 1, 1, 2), POURING_BOTH, ends=Status.BLOCKED),
        Scene("absent-deployment", "guard", (1, 1, 1, 1), absent(GUARDED, "live")),
        Scene("absent-chain", "create", (0, 0, 1, 0), absent(CHAIN, "train", "job", "best", "live"), runs=2),
        Scene("absent-job", "absent-deployment-only", (1, 0, 1, 0), absent(CHAIN, "job", "best", "live")),
        Scene("absent-data", "absent-job", (0, 0, 1, 0), absent(CHAIN, "train", "job", "best", "live")),
        Scene("lift", "guard", (1, 1, 1, 1), absent(with_change(GUARDED, "guard", protect=False), "live")),
        Scene(
            "lifted",
            "lift",
            (1, 1, 1, 0),
            absent(with_change(GUARDED, "guard", protect=False), "live", "guard"),
        ),
        Scene("destroy", "guard", (1, 1, 1, 1), GUARDED, commands.destroy("Deployment/rain")),
        Scene(
            "destroy-chain",
            "create",
            (0, 0, 1, 0),
            CHAIN,
            commands.destroy("Deployment/rain", "FineTune/rain", "Dataset/train"),
            runs=2,
        ),
        Scene(
            "started", None, (1, 1, 0, 0), CHAIN, commands.apply_and_go, ends=Status.IN_PROGRESS, tried=False
        ),
        Scene(
            "withdraw",
            "started",
            (1, 1, 0, 0),
            CHAIN,
            commands.apply_and_go,
            _twin_of_ours,
            ends=Status.IN_PROGRESS,
        ),
        Scene(
            "cancel",
            "started",
            (1, 0, 0, 0),
            absent(without(CHAIN, "live"), "job", "best"),
            others=_it_trains,
            runs=2,
        ),
        Scene("anew", "replace", (2, 2, 2, 1), ANEW, others=_other_clips, tried=False),
        Scene("prune", "anew", (1, 1, 2, 1), ANEW, commands.prune, _deployed_by_hand, applied=True),
        Scene(
            "adopt",
            "create",
            (1, 1, 1, 1),
            CHAIN,
            commands.adopt(_ours),
            _ledger_is_lost,
            applied=True,
        ),
        Scene("absent-deployment-only", "create", (1, 1, 1, 0), absent(CHAIN, "live"), tried=False),
        Scene("import", "create", (1, 1, 1, 1), CHAIN, commands.import_all, applied=True),
    )
}
