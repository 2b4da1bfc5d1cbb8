"""Projects of N chains (dataset, job, checkpoint, deployment) that are applied already, served over HTTP.

What `scale.py` measures. The ledger is written once at the end, and the waiting is a few long sleeps of the
sandbox's clock: what is measured is a plan, not how the project came about.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import yaml

from tests.datasets import small_dataset
from tests.serving import listening
from wanctl.base.running import run
from wanctl.engine.converge import Patience, converge
from wanctl.engine.gates import Approval
from wanctl.ledger.encoding import checksum
from wanctl.ledger.record import Record
from wanctl.project import Project
from wanctl.project.events import Silent
from wanctl.project.provider import call_sandbox, open_sandbox
from wanctl.sandbox import Sandbox


def write(folder: Path, count: int) -> Path:
    """The specs of so many chains, each with a dataset of its own."""
    documents: list[dict[str, object]] = []
    for number in range(count):
        name = f"rain-{number}"
        small_dataset(folder / "data" / name, clips=1, note=name)
        documents += [
            {"kind": "Dataset", "name": name, "source": f"../data/{name}"},
            {
                "kind": "FineTune",
                "name": name,
                "model": "wan2.6-i2v",
                "training": [name],
                "hyper_parameters": {"n_epochs": 800, "eval_epochs": 200},
            },
            {"kind": "Checkpoint", "name": name, "finetune": name, "checkpoint": 400, "unseen": "allow"},
            {
                "kind": "Deployment",
                "name": name,
                "checkpoint": name,
                "aigc_config": {
                    "prompt": "Describe the picture, then write: Then the s86b5p effect begins.",
                    "lora_prompt_default": f"Then the s86b5p effect begins: it rains {number} times.",
                },
            },
        ]
    specs = folder / "specs"
    specs.mkdir()
    head = {
        "version": 1,
        "project": "bench",
        "polling": "1d",
        "sandbox": {"speed": "instant", "seed": 1, "strict": False, "trains_at_once": max(count, 1)},
    }
    (specs / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
    text = yaml.dump_all(documents, Dumper=yaml.CSafeDumper)
    (specs / "all.yaml").write_text(text, encoding="utf-8")
    return specs


class _InMemory:
    """Keeps the record until the end; a file written at every call would be most of the time."""

    def __init__(self) -> None:
        self.record: Record | None = None
        self.fresh, self.expired = True, False

    def save(self, record: Record) -> Record:
        self.record = record
        return record


def allow_jobs(project: Project, count: int) -> None:
    """Its account may have so many chains: else 20 jobs are all that it trains."""
    sandbox = open_sandbox(project.desired.settings, project.state)
    run(call_sandbox(sandbox, "POST", "/_sandbox/rig", {"job_quota": 2 * count + 20}))
    sandbox.close()


def apply_all(specs: Path, count: int) -> None:
    """Everything applied, in process."""
    project = Project.open(specs)
    allow_jobs(project, count)
    kept = _InMemory()

    async def work() -> None:
        async with project.session(kept) as session:  # type: ignore[arg-type]  # a store that holds no lease
            draft = await session.survey()
            patience = Patience(waits=True, longest=timedelta(days=20 * count))
            outcome = await converge(session, draft, Approval.of(draft.plan), patience, Silent())
            assert outcome.plan.status == "converged", (outcome.plan.status, outcome.failures[:1])
        async with project.leased() as store:
            assert kept.record is not None
            store.save(kept.record)

    run(work())


def point_at(specs: Path, url: str) -> None:
    """The project's account is the one that is served there."""
    ledger = specs / ".wanctl" / "ledger.json"
    moved = {**json.loads(ledger.read_text(encoding="utf-8")), "endpoint": url}
    ledger.write_text(json.dumps({**moved, "checksum": checksum(moved)}), encoding="utf-8")
    head = yaml.safe_load((specs / "wanctl.yaml").read_text(encoding="utf-8"))
    served = {**head, "provider": "sandbox", "base_url": url}
    (specs / "wanctl.yaml").write_text(yaml.safe_dump(served), encoding="utf-8")


@contextmanager
def applied(
    count: int, more: Callable[[Path], None] = lambda _: None
) -> Iterator[tuple[Path, Callable[[], int]]]:
    """The specs of so many chains, with nothing left to do, and how many requests were answered since; `more`
    is done to the account before it is served."""
    folder = Path(tempfile.mkdtemp(prefix="wanctl-bench-"))
    (folder / ".git").mkdir()
    try:
        specs = write(folder, count)
        apply_all(specs, count)
        more(specs)
        sandbox = Sandbox.open(specs / ".wanctl" / "sandbox")
        with listening(sandbox.app) as url:
            point_at(specs, url)
            before = len(sandbox.requests())
            yield specs, lambda: len(sandbox.requests()) - before
        sandbox.close()
    finally:
        shutil.rmtree(folder)
