"""A bare remote, a clone of it with a small project, and rounds of a loop that follows it."""

import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.datasets import small_dataset
from tests.scenarios.playing import quiet_surroundings
from wanctl.address import Address
from wanctl.base.running import run
from wanctl.plan import Step
from wanctl.project import Project
from wanctl.project.host import Host
from wanctl.project.provider import call_sandbox, open_sandbox
from wanctl.watch.checkout import Checkout
from wanctl.watch.iteration import Iteration, Rounds
from wanctl.watch.policy import Policy

SANDBOX = {"speed": "instant", "seed": 1, "start": "2026-03-18T09:00:00+08:00", "strict": False}
HEAD: dict[str, Any] = {"version": 1, "project": "rain", "sandbox": SANDBOX}
TRAIN = {"kind": "Dataset", "name": "train", "source": "../data"}
TUNE = {
    "kind": "FineTune",
    "name": "rain",
    "model": "wan2.6-i2v",
    "training": ["train"],
    "hyper_parameters": {"n_epochs": 40, "eval_epochs": 10},
    "allow": ["few-steps"],
}
BEST = {
    "kind": "Checkpoint",
    "name": "best",
    "finetune": "rain",
    "checkpoint": "checkpoint-40",
    "unseen": "allow",
}
SERVING = {
    "kind": "Deployment",
    "name": "rain",
    "checkpoint": "best",
    "aigc_config": {"prompt": "Describe it.", "lora_prompt_default": "Then it rains."},
}


def environ() -> dict[str, str]:
    return {**quiet_surroundings(), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.invalid")
    done = subprocess.run(
        ["git", *who, *words],  # noqa: S607 - the machine's git
        cwd=folder,
        env=environ(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@dataclass
class Place:
    """A user's clone, whose project stands on main of its remote."""

    clone: Path

    @property
    def specs(self) -> Path:
        return self.clone / "specs"

    def push(self, *documents: dict[str, Any], head: dict[str, Any] | None = None, **files: str) -> str:
        """Commit these documents as the whole project, from a second clone, as a colleague would."""
        other = self.clone.parent / "colleague"
        if not other.exists():
            git(self.clone.parent, "clone", "--quiet", str(self.clone.parent / "remote.git"), str(other))
        git(other, "pull", "--quiet", "--rebase")
        (other / "specs" / "wanctl.yaml").write_text(yaml.safe_dump(head or HEAD), encoding="utf-8")
        (other / "specs" / "all.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")
        for name, text in files.items():
            (other / "specs" / name.replace("_", "-")).write_text(text, encoding="utf-8")
        git(other, "add", "--all")
        git(other, "commit", "--quiet", "--allow-empty", "-m", "A change")
        git(other, "push", "--quiet", "origin", "HEAD:main")
        return git(other, "rev-parse", "HEAD")

    def approve(self, *lines: str) -> None:
        other = self.clone.parent / "colleague"
        (other / "specs" / ".wanctl-approvals").write_text("\n".join(lines), encoding="utf-8")
        git(other, "add", "--all", "--force", "specs/.wanctl-approvals")
        git(other, "commit", "--quiet", "-m", "Approved")
        git(other, "push", "--quiet", "origin", "HEAD:main")

    def iterations(self, policy: Policy | None = None) -> Rounds:
        machine = environ()
        room = self.specs / ".wanctl" / "watch"
        return Rounds(
            checkout=Checkout.of(self.specs, "origin/main", room / "tree", machine),
            environment=None,
            home=self.specs,
            policy=policy or Policy(),
            host=Host(environ=machine),
        )

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """As somebody else who has a key of the account."""
        project = Project.open(self.specs)
        sandbox = open_sandbox(project.desired.settings, self.specs / ".wanctl")
        try:
            code, text = run(call_sandbox(sandbox, method, path, body))
        finally:
            sandbox.close()
        assert code < 300, text

    def advance(self, **span: float) -> None:
        sandbox = open_sandbox(Project.open(self.specs).desired.settings, self.specs / ".wanctl")
        sandbox.advance(timedelta(**span))
        sandbox.close()

    def converge(self, iterations: Rounds, most: int = 12) -> Iteration:
        """Turn after turn, with hours between them."""
        for _ in range(most):
            iteration = iterations.take()
            if not iteration.plan.pending:
                return iteration
            self.advance(hours=6)
        raise AssertionError(f"still pending: {iteration.plan.pending}")


def make_place(folder: Path) -> Place:
    git(folder, "init", "--quiet", "--bare", "-b", "main", str(folder / "remote.git"))
    git(folder, "clone", "--quiet", str(folder / "remote.git"), str(folder / "work"))
    place = Place(folder / "work")
    git(place.clone, "checkout", "--quiet", "-b", "main")
    place.specs.mkdir()
    small_dataset(place.clone / "data", clips=2)
    (place.clone / ".gitignore").write_text(".wanctl/\n", encoding="utf-8")
    (place.specs / "wanctl.yaml").write_text(yaml.safe_dump(HEAD), encoding="utf-8")
    (place.specs / "all.yaml").write_text(yaml.safe_dump_all([TRAIN]), encoding="utf-8")
    git(place.clone, "add", "--all")
    git(place.clone, "commit", "--quiet", "-m", "The data set")
    git(place.clone, "push", "--quiet", "origin", "main")
    return place


def step_of(iteration: Iteration, address: str) -> Step:
    found = iteration.plan.step(Address.parse(address))
    assert found is not None
    return found
