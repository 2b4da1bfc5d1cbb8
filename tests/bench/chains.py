"""Times a no-op plan of N chains (dataset, job, checkpoint, deployment) over HTTP, and counts its requests.

    python tests/bench/chains.py 100

Prints ratios against the smallest size, never a verdict: machines differ.
"""

import resource
import shutil
import socket
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

import uvicorn
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.datasets import small_dataset
from wanctl.engine.converge import Patience
from wanctl.project import Project, run
from wanctl.project.provider import call_sandbox, open_sandbox
from wanctl.sandbox import Sandbox


def write(folder: Path, count: int) -> None:
    """A project of so many chains, each with a dataset of its own."""
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
                "hyper_parameters": {"n_epochs": 40, "eval_epochs": 10},
            },
            {"kind": "Checkpoint", "name": name, "finetune": name, "checkpoint": 20},
            {
                "kind": "Deployment",
                "name": name,
                "checkpoint": name,
                "aigc_config": {"prompt": "Describe it.", "lora_prompt_default": f"Then it rains {number}."},
            },
        ]
    specs = folder / "specs"
    specs.mkdir()
    head = {"version": 1, "project": "bench", "polling": "12h", "sandbox": {"speed": "instant", "seed": 1}}
    (specs / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
    (specs / "all.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")


def converge(specs: Path, count: int) -> None:
    """Everything applied, in process."""
    project = Project.open(specs)
    sandbox = open_sandbox(project.desired.settings, project.state)
    run(call_sandbox(sandbox, "POST", "/_sandbox/rig", {"job_quota": 2 * count + 20}))
    sandbox.close()
    outcome = project.apply(lambda *_: True, Patience(waits=True, longest=timedelta(days=20 * count)))
    assert outcome is not None
    assert outcome.plan.status == "converged", outcome.plan.status


def measure(count: int) -> tuple[float, int]:
    """Seconds and requests of one plan that finds nothing to do, over HTTP."""
    folder = Path(tempfile.mkdtemp(prefix="wanctl-bench-"))
    (folder / ".git").mkdir()
    try:
        write(folder, count)
        specs = folder / "specs"
        converge(specs, count)
        sandbox = Sandbox.open(specs / ".wanctl" / "sandbox")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(sandbox.app, host="127.0.0.1", port=port, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        ledger = specs / ".wanctl" / "ledger.json"
        text = ledger.read_text(encoding="utf-8").replace(
            '"endpoint": "sandbox"', f'"endpoint": "http://127.0.0.1:{port}"'
        )
        ledger.write_text(text, encoding="utf-8")
        head = yaml.safe_load((specs / "wanctl.yaml").read_text(encoding="utf-8"))
        served = yaml.safe_dump({**head, "base_url": f"http://127.0.0.1:{port}"})
        (specs / "wanctl.yaml").write_text(served, encoding="utf-8")
        before = len(sandbox.requests())
        started = time.perf_counter()
        plan = Project.open(specs).plan()
        spent = time.perf_counter() - started
        assert plan.status == "converged", plan.status
        requests = len(sandbox.requests()) - before
        server.should_exit = True
        thread.join(10)
        sandbox.close()
    finally:
        shutil.rmtree(folder)
    return spent, requests


if __name__ == "__main__":
    for size in [int(word) for word in sys.argv[1:]] or [10, 100]:
        seconds, asked = measure(size)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        told = f"{seconds:.2f} s, {asked} requests, peak {peak} MB with the server"
        sys.stdout.write(f"{size} chains, {4 * size} resources: {told}\n")
