"""An account in this very process, whose clock stands still, and small archives to train it on."""

import asyncio
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.datasets import small_dataset
from wanctl.sandbox import Sandbox

KEY = "sk-nobody-keeps-this"
START = datetime.fromisoformat("2026-03-18T09:00:00+08:00")
CONFIG = {"use_input_prompt": False, "prompt": "Describe it.", "lora_prompt_default": "Then it rains."}
JOBS, DEPLOYMENTS, FILES = "/api/v1/fine-tunes", "/api/v1/deployments", "/compatible-mode/v1/files"


def archive(folder: Path) -> bytes:
    """The folder, zipped."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, path.name)
    return stream.getvalue()


@dataclass(frozen=True)
class Http:
    """Requests to a sandbox in this process, one after the other."""

    sandbox: Sandbox
    headers: Mapping[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {KEY}"})

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, **more))

    async def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport, base = httpx.ASGITransport(app=self.sandbox.app), "http://testserver"
        async with httpx.AsyncClient(transport=transport, base_url=base, headers=self.headers) as client:
            return await client.request(method, path, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def put(self, path: str, **more: Any) -> httpx.Response:
        return self.request("PUT", path, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.request("DELETE", path, **more)


@dataclass
class Account:
    """A sandbox, plain HTTP to it, and what tests do over and over."""

    sandbox: Sandbox
    data: bytes = field(repr=False)

    @property
    def http(self) -> Http:
        return Http(self.sandbox)

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """The body of an answer that has to be good."""
        answer = self.http.request(method, path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def output(self, method: str, path: str, **more: Any) -> Any:
        return self.ask(method, path, **more)["output"]

    def pass_time(self, **span: float) -> None:
        self.sandbox.advance(timedelta(**span))

    def rig(self, **arranged: Any) -> None:
        self.ask("POST", "/_sandbox/rig", json=arranged)

    def upload(self, data: bytes | None = None, name: str = "train.zip") -> str:
        files = {"file": (name, data or self.data)}
        return str(self.ask("POST", FILES, files=files, data={"purpose": "fine-tune"})["id"])

    def asking(self, data: bytes | None = None, **more: Any) -> dict[str, Any]:
        """What a job is created with: forty epochs, looked at after every ten."""
        return {
            "model": "wan2.6-i2v",
            "training_file_ids": [self.upload(data)],
            "training_type": "efficient_sft",
            "hyper_parameters": {"n_epochs": 40, "eval_epochs": 10},
            **more,
        }

    def create(self, data: bytes | None = None, **more: Any) -> str:
        return str(self.output("POST", JOBS, json=self.asking(data, **more))["job_id"])

    def trained(self, data: bytes | None = None, **more: Any) -> str:
        job_id = self.create(data, **more)
        self.pass_time(hours=7)
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        return dict(self.output("GET", f"{JOBS}/{job_id}"))

    def deploying(self, model: str, **more: Any) -> httpx.Response:
        body = {"model_name": model, "capacity": 1, "plan": "lora", "aigc_config": CONFIG, **more}
        return self.http.post(DEPLOYMENTS, json=body)

    def deployed(self, model: str, **more: Any) -> str:
        """The name of a deployment that runs."""
        answer = self.deploying(model, **more)
        assert answer.status_code == 200, answer.text
        self.pass_time(minutes=10)
        return str(answer.json()["output"]["deployed_model"])

    def link(self, url: str, **headers: str) -> httpx.Response:
        """A signed link, followed without the key."""
        return Http(self.sandbox, headers).get(url)


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three clips of two seconds."""
    return archive(small_dataset(tmp_path_factory.mktemp("data") / "train", clips=3))


@pytest.fixture
def account(tmp_path: Path, packed: bytes) -> Iterator[Account]:
    sandbox = Sandbox.open(tmp_path / "account", speed="instant", seed=1, start=START, strict=False)
    yield Account(sandbox, packed)
    sandbox.close()
