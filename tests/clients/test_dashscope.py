"""The official SDK against the sandbox, unchanged but for its address: both of its trees."""

from typing import Any

import dashscope
import pytest
from dashscope.v2.errors import NotFoundError

from tests.clients.conftest import KEY, PARAMETERS, ServedSandbox
from tests.plain_http import http


@pytest.fixture
def client(served: ServedSandbox) -> dashscope.Client:
    """The newer tree."""
    return dashscope.Client(api_key=KEY, base_url=f"{served.url}/api/v1", max_retries=0)


@pytest.fixture
def legacy(served: ServedSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The older tree reads two module variables."""
    monkeypatch.setattr(dashscope, "base_http_api_url", f"{served.url}/api/v1")
    monkeypatch.setattr(dashscope, "api_key", KEY)


def train(client: dashscope.Client, served: ServedSandbox) -> str:
    made = client.fine_tunes.create(
        model="wan2.5-i2v-preview",
        training_file_ids=[served.upload()],
        mode="efficient_sft",
        hyper_parameters=PARAMETERS,
    )
    return str(made.job_id)


def test_a_job_from_create_to_its_end(client: dashscope.Client, served: ServedSandbox) -> None:
    job_id = train(client, served)
    assert client.fine_tunes.get(job_id).status == "PENDING"
    served.pass_time(hours=1)
    assert client.fine_tunes.get(job_id).status == "RUNNING"
    served.pass_time(hours=8)
    done = client.fine_tunes.get(job_id)
    assert (done.status, done.succeeded) == ("SUCCEEDED", True)
    assert done.finetuned_model == f"wan2.5-i2v-preview-{job_id}"
    assert "finetune-job succeeded" in client.fine_tunes.logs(job_id).content


def test_jobs_are_listed_and_deleted(client: dashscope.Client, served: ServedSandbox) -> None:
    first, second = train(client, served), train(client, served)
    listed = client.fine_tunes.list(page_no=1, page_size=10)
    assert [job.job_id for job in listed.jobs] == [second, first]
    served.pass_time(hours=20)
    client.fine_tunes.delete(first)
    assert [job.job_id for job in client.fine_tunes.list().jobs] == [second]


def test_a_job_is_canceled(client: dashscope.Client, served: ServedSandbox) -> None:
    job_id = train(client, served)
    served.pass_time(hours=1)
    client.fine_tunes.cancel(job_id)
    served.pass_time(minutes=5)
    assert client.fine_tunes.get(job_id).status == "CANCELED"


def test_an_unknown_job_is_an_error(client: dashscope.Client) -> None:
    with pytest.raises(NotFoundError):
        client.fine_tunes.get("ft-202603180900-none")


def test_deployments(client: dashscope.Client, served: ServedSandbox) -> None:
    """The SDK cannot give an aigc_config, so the deployment is made without it."""
    job_id = train(client, served)
    served.pass_time(hours=9)
    name = served.deploy(f"wan2.5-i2v-preview-{job_id}")
    assert client.deployments.get(name).status == "PENDING"
    served.pass_time(minutes=11)
    assert client.deployments.get(name).status == "RUNNING"
    assert [one.deployed_model for one in client.deployments.list().deployments] == [name]
    assert client.deployments.scale(name, capacity=2).deployed_model == name
    served.pass_time(minutes=5)
    assert client.deployments.delete(name) is not None
    served.pass_time(minutes=2)
    with pytest.raises(NotFoundError):
        client.deployments.get(name)


def test_files(client: dashscope.Client, served: ServedSandbox) -> None:
    identifier = served.upload("train.zip")
    assert client.files.get(identifier).name == "train.zip"
    assert [file.file_id for file in client.files.list().files] == [identifier]
    client.files.delete(identifier)
    assert client.files.list().files == []


@pytest.mark.usefixtures("legacy")
def test_the_older_tree_trains_and_looks(served: ServedSandbox) -> None:
    tunes: Any = dashscope.FineTunes  # its methods are made at run time, unseen by type checkers
    deployments: Any = dashscope.Deployments
    made = tunes.call(
        model="wan2.6-i2v",
        training_file_ids=[served.upload()],
        mode="efficient_sft",
        hyper_parameters=PARAMETERS,
    )
    assert made.status_code == 200, made
    job_id = made.output.job_id
    served.pass_time(hours=9)
    assert tunes.get(job_id).output.status == "SUCCEEDED"
    assert [job.job_id for job in tunes.list().output.jobs] == [job_id]
    lines = tunes.logs(job_id, offset=0).output["logs"]
    assert lines[0].endswith("start to fine-tune")
    name = served.deploy(f"wan2.6-i2v-{job_id}")
    served.pass_time(minutes=11)
    assert deployments.get(name).output.status == "RUNNING"
    assert deployments.list().output.deployments[0].deployed_model == name
    assert deployments.delete(name).status_code == 200
    served.pass_time(minutes=2)
    assert deployments.get(name).status_code == 404
    assert tunes.get("ft-none").status_code == 404


@pytest.mark.usefixtures("legacy")
def test_the_older_tree_knows_the_files(served: ServedSandbox) -> None:
    files: Any = dashscope.Files
    identifier = served.upload("train.zip")
    assert files.get(identifier).output["name"] == "train.zip"
    assert [file["file_id"] for file in files.list().output["files"]] == [identifier]
    assert files.delete(identifier).status_code == 200
    assert files.get(identifier).status_code == 400


def test_a_video_from_a_deployed_model(client: dashscope.Client, served: ServedSandbox) -> None:
    job_id = train(client, served)
    served.pass_time(hours=9)
    name = served.deploy(f"wan2.5-i2v-preview-{job_id}")
    served.pass_time(minutes=11)
    body = {
        "model": name,
        "input": {"img_url": "https://example.com/first.png"},
        "parameters": {"resolution": "720P", "prompt_extend": False},
    }
    headers = {"Authorization": f"Bearer {KEY}", "X-DashScope-Async": "enable"}
    path = "/api/v1/services/aigc/video-generation/video-synthesis"
    sent = http.post(served.url + path, json=body, headers=headers).json()
    task = f"/api/v1/tasks/{sent['output']['task_id']}"
    assert served.call("GET", task)["output"]["task_status"] == "PENDING"
    served.pass_time(minutes=2)
    done = served.call("GET", task)
    assert done["output"]["task_status"] == "SUCCEEDED"
    video = http.get(done["output"]["video_url"], timeout=60)
    assert video.content[4:8] == b"ftyp"
