"""Several processes apply the same project at the same moment: the lease lets one through."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.datasets import small_dataset
from tests.engine.test_lost_answers import counts, write

ROOT = Path(__file__).parents[2]


def test_one_gets_through_and_the_others_say_who_it_is(tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    (tmp_path / ".git").mkdir()
    small_dataset(tmp_path / "data", clips=2)
    write(specs, "Then it rains.")
    text = (specs / "wanctl.yaml").read_text(encoding="utf-8").replace("speed: instant", "speed: 4000")
    (specs / "wanctl.yaml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "wanctl", "-C", str(specs), "apply", "--yes", "--wait"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    ended = [(process.communicate(timeout=90), process.returncode) for process in running]
    refused = [errors for (_, errors), code in ended if code == 1]
    assert sorted(code for _, code in ended) == [0, 1, 1], ended
    assert all("Another apply is running: " in errors for errors in refused), refused
    assert counts(specs) == {"files": 1, "jobs": 1, "deployments": 1}
    ledger = json.loads((specs / ".wanctl/ledger.json").read_text(encoding="utf-8"))
    assert ledger["intents"] == []
    assert not (specs / ".wanctl/ledger.json.lease").exists()
