"""How much longer a run takes than the service itself: the looks at what is in flight come a little late.

    python tests/bench/waiting.py 5

In the sandbox's time, which jumps to the next look. One chain of dataset, job, checkpoint and deployment, at
the default intervals; prints (the run's time minus what the service took) / what the service took.
"""

import shutil
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean

import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.chains import write
from wanctl.engine.converge import Patience
from wanctl.project import Project
from wanctl.project.provider import open_sandbox
from wanctl.sandbox.api.checkpoints import EXPORTING
from wanctl.sandbox.api.deployments import ready_at
from wanctl.sandbox.state.store import Store
from wanctl.sandbox.state.training import courses

START = datetime.fromisoformat("2026-03-18T09:00:00+08:00")


def measure(seed: int) -> tuple[timedelta, timedelta]:
    """How long the run took, and how long the service."""
    folder = Path(tempfile.mkdtemp(prefix="wanctl-bench-"))
    (folder / ".git").mkdir()
    try:
        specs = write(folder, 1)
        sandbox = {"speed": "instant", "seed": seed, "start": START.isoformat(), "strict": False}
        head = {"version": 1, "project": "bench", "sandbox": sandbox}
        (specs / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
        project = Project.open(specs)
        outcome = project.apply(lambda *_: True, Patience(waits=True))
        assert outcome is not None
        assert outcome.plan.status == "converged", outcome.plan.status
        account = open_sandbox(project.desired.settings, project.state)
        took = account.now() - START
        account.close()
        return took, service_time(project.state / "sandbox")
    finally:
        shutil.rmtree(folder)


def service_time(state: Path) -> timedelta:
    """Training, export and deployment, each from the call to its end."""
    store = Store(state)
    try:
        (course,) = courses(store.all("job")).values()
        (deployment,) = store.all("deployment")
    finally:
        store.close()
    deploying = ready_at(deployment) - datetime.fromisoformat(deployment["created"])
    return (course.ended - course.created) + EXPORTING + deploying


def main(runs: int) -> None:
    ratios = []
    for seed in range(runs):
        took, service = measure(seed)
        ratios.append((took - service) / service)
        sys.stdout.write(f"run {seed}: {took} where the service takes {service}: + {ratios[-1]:.2%}\n")
    sys.stdout.write(f"waiting adds {mean(ratios):.2%} on average, {max(ratios):.2%} at the most\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
