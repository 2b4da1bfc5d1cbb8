"""A project whose account is the embedded sandbox, in a folder of its own."""

import os
from pathlib import Path

import pytest
import yaml

from tests.bench.chains import write


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One chain: dataset, training, the checkpoint that is chosen already, deployment."""
    (tmp_path / ".git").mkdir()
    for name in [name for name in os.environ if name.startswith(("DASHSCOPE_", "WANCTL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    specs = write(tmp_path, 1)
    head = yaml.safe_load((specs / "wanctl.yaml").read_text(encoding="utf-8"))
    (specs / "wanctl.yaml").write_text(yaml.safe_dump({**head, "polling": "20m"}), encoding="utf-8")
    return specs
