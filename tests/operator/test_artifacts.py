"""Artifacts of Flux: fetched once, checked against their digest, and unpacked within bounds."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tests.operator.places import account, project
from tests.serving import listening
from wanctl.base.running import run
from wanctl.language.findings import SpecErrors
from wanctl.operator import artifacts
from wanctl.operator.artifacts import Artifact, ArtifactProblem, fetched
from wanctl.operator.documents import ProjectObjects
from wanctl.operator.object_specs import ArtifactSpecs
from wanctl.project.errors import ProjectError


def packed(files: dict[str, str], change: Callable[[tarfile.TarFile], None] = lambda _: None) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
        change(tar)
    return made.getvalue()


def source(address: str, content: bytes, **changed: Any) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return {
        "status": {"artifact": {"url": address, "digest": digest, "revision": "main@sha1:1a2b", **changed}}
    }


def serve(content: bytes, room: Path, **changed: Any) -> tuple[list[Path], int]:
    """What is fetched, twice; and how often it was asked for."""
    asked = []

    async def answer(request: Request) -> Response:
        asked.append(request.url.path)
        if request.url.path == "/elsewhere":
            return RedirectResponse("/a.tar.gz")
        return Response(content)

    with listening(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        path = changed.pop("path", "/a.tar.gz")
        artifact = Artifact.of(source(f"{url}{path}", content, **changed), "GitRepository/films")
        found = [run(fetched(artifact, room)) for _ in range(2)]
    return found, len(asked)


def test_an_artifact_is_fetched_once_and_unpacked(tmp_path: Path) -> None:
    (first, again), asked = serve(packed({"./rain/wanctl.yaml": "version: 1"}), tmp_path)
    assert (first / "rain" / "wanctl.yaml").read_text(encoding="utf-8") == "version: 1"
    assert first == again
    assert asked == 1
    assert [one.name for one in tmp_path.iterdir()] == [first.name]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"digest": f"sha256:{'0' * 64}"}, "is not what its digest says"),
        ({"digest": "md5:123"}, "has no sha256 digest"),
        ({"digest": f"sha256:{'../' * 21}a"}, "has no sha256 digest"),
        ({"url": "file:///etc/passwd"}, "at no address that can be fetched"),
        ({"url": ""}, "has no artifact yet"),
        ({"path": "/elsewhere"}, r"cannot be fetched \(307\)"),
    ],
)
def test_what_is_not_what_it_is_said_to_be_is_refused(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArtifactProblem, match=message):
        serve(packed({"a": "b"}), tmp_path, **changed)
    assert not any(one.is_dir() for one in tmp_path.iterdir())


def _climbs(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("../../climbed")
    tar.addfile(member, io.BytesIO())


def _links(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("link")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    tar.addfile(member)


def test_a_member_that_leads_out_is_refused_and_links_are_left_out(tmp_path: Path) -> None:
    with pytest.raises(ArtifactProblem, match="cannot be unpacked"):
        serve(packed({"a": "b"}, _climbs), tmp_path / "one" / "room")
    assert not (tmp_path / "climbed").exists()
    (folder, _), _ = serve(packed({"a": "b"}, _links), tmp_path / "two")
    assert [one.name for one in folder.iterdir()] == ["a"]


def test_an_archive_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "MOST_UNPACKED", 10)
    with pytest.raises(ArtifactProblem, match="unpacks to more"):
        serve(packed({"a": "x" * 11}), tmp_path)
    monkeypatch.setattr(artifacts, "MOST_FETCHED", 10)
    with pytest.raises(ArtifactProblem, match="larger than"):
        serve(packed({"a": "y"}), tmp_path)


# A project whose documents are the artifact's files


def specs(folder: Path, settings: dict[str, Any], **spec: Any) -> ArtifactSpecs:
    folder.mkdir(exist_ok=True)
    (folder / "wanctl.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    whole = project(sourceRef={"name": "films"}, **spec)
    objects = ProjectObjects(whole, account(region="beijing"), (), ledger="kube:wanctl/films.rain")
    return ArtifactSpecs(objects, folder, "main@sha1:1a2b")


HEAD = {
    "version": 1,
    "project": "rain",
    "region": "beijing",
    "environments": {"prod": {"limits": {"deletes": 0}}},
}


def test_the_ledger_and_the_account_are_those_of_the_operator(tmp_path: Path) -> None:
    found = specs(tmp_path, {**HEAD, "ledger": "kube:wanctl/adverts.other"}, environment="prod").load(None)
    assert found.settings.ledger == "kube:wanctl/films.rain"
    assert (found.environment, found.settings.limits.deletes) == ("prod", 0)
    with pytest.raises(ProjectError, match="region is singapore in wanctl"):
        specs(tmp_path, {**HEAD, "region": "singapore"}).load(None)
    with pytest.raises(ProjectError, match="base_url is https://dashscope"):
        specs(tmp_path, {**HEAD, "base_url": "https://dashscope-intl.aliyuncs.com"}).load(None)


def test_what_is_wrong_with_the_files_is_told_as_ever(tmp_path: Path) -> None:
    with pytest.raises(SpecErrors, match="there is no key"):
        specs(tmp_path, {**HEAD, "limit": {}}).load(None)
