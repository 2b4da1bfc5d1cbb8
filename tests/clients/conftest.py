"""A served sandbox with a finished training in it, for other people's clients."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.datasets import small_dataset
from tests.plain_http import http
from tests.serving import listening
from wanctl.sandbox import Sandbox

KEY = "sk-any"
CONFIG = {"use_input_prompt": False, "prompt": "Describe it.", "lora_prompt_default": "Then it rains."}
PARAMETERS = {
    "n_epochs": 40,
    "batch_size": 1,
    "learning_rate": 2e-5,
    "split": 0.9,
    "eval_epochs": 10,
    "max_pixels": 36864,
}


@dataclass
class ServedSandbox:
    """The sandbox, where it is served, and plain HTTP to it."""

    sandbox: Sandbox
    url: str
    archive: bytes

    def call(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = http.request(method, self.url + path, headers=headers, **more)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def upload(self, name: str = "train.zip") -> str:
        files = {"file": (name, self.archive)}
        sent = self.call("POST", "/compatible-mode/v1/files", files=files, data={"purpose": "fine-tune"})
        return str(sent["id"])

    def pass_time(self, **span: float) -> None:
        self.sandbox.advance(timedelta(**span))

    def deploy(self, model: str, **more: Any) -> str:
        body = {"model_name": model, "capacity": 1, "plan": "lora", "aigc_config": CONFIG, **more}
        return str(self.call("POST", "/api/v1/deployments", json=body)["output"]["deployed_model"])


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small training set, zipped."""
    folder = small_dataset(tmp_path_factory.mktemp("data") / "train", clips=3)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, path.name)
    return stream.getvalue()


@pytest.fixture
def served(tmp_path: Path, archive: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedSandbox]:
    """On a free port of this machine, with a clock that stands still."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    start = datetime(2026, 3, 18, 1, tzinfo=UTC)
    sandbox = Sandbox.open(tmp_path / "account", speed="instant", seed=1, start=start, strict=False)
    with listening(sandbox.app) as url:
        yield ServedSandbox(sandbox, url, archive)
    sandbox.close()
