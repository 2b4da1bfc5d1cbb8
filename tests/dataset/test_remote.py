"""A dataset behind a URL: fetched once, again when it changed, refused when it is no dataset."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dataset.making import folder, good, packed
from wanctl.dataset import remote
from wanctl.dataset.contents import DatasetError
from wanctl.dataset.reading import read_dataset
from wanctl.dataset.remote import fetch


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Files with an ETag, and a list of what was asked for."""

    asked: list[str]

    def __init__(self, *arguments: object, asked: list[str], **more: object) -> None:
        self.asked = asked
        super().__init__(*arguments, **more)  # type: ignore[arg-type]  # the server gives what its handler takes

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def end_headers(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_file():
            self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it so
        pass


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def server(tmp_path: Path, asked: list[str]) -> Iterator[str]:
    (tmp_path / "served").mkdir()
    handler = functools.partial(_Quiet, directory=str(tmp_path / "served"), asked=asked)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join(10)


def test_a_zip_is_fetched_once_and_again_when_it_changed(
    tmp_path: Path, server: str, asked: list[str]
) -> None:
    packed(tmp_path / "served" / "train.zip", good())
    expected = read_dataset(folder(tmp_path / "here", good())).digest
    for _ in range(2):
        assert read_dataset(fetch(f"{server}/train.zip", tmp_path / "cache")).digest == expected
    assert asked == ["/train.zip"]
    packed(tmp_path / "served" / "train.zip", good(3))
    changed = read_dataset(fetch(f"{server}/train.zip", tmp_path / "cache"))
    assert (len(changed.samples), asked) == (3, ["/train.zip", "/train.zip"])


def test_what_is_not_there_is_an_error_with_the_url(tmp_path: Path, server: str) -> None:
    with pytest.raises(DatasetError, match=r"none\.zip: cannot be read"):
        fetch(f"{server}/none.zip", tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.zip"))


def test_a_folder_is_kept_in_step(tmp_path: Path) -> None:
    """file:// stands for any store that lists folders: what is new is copied, what is gone goes."""
    there = folder(tmp_path / "there", good(3) | {".DS_Store": b"x"})
    first = fetch(f"file://{there}", tmp_path / "cache")
    assert read_dataset(first) == read_dataset(there)
    (there / "clip_3.mp4").unlink()
    folder(there, {"new/frame.png": b"x"})
    again = fetch(f"file://{there}", tmp_path / "cache")
    assert again == first
    assert {member.name for member in read_dataset(again).members} >= {"new/frame.png"}
    assert not (again / "clip_3.mp4").exists()


def test_far_too_much_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_MOST_FILES", 3)
    there = folder(tmp_path / "there", good(3))
    with pytest.raises(DatasetError, match="far larger than the service takes"):
        fetch(f"file://{there}", tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.*"))


def test_a_driver_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"pip install 'wanctl\[oss\]'"):
        fetch("oss://bucket/train", tmp_path / "cache")


def test_where_nobody_answers_is_told_without_the_query(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nothing, or nobody who answers") as told:
        fetch("http://127.0.0.1:1/set.zip?sig=planted", tmp_path)
    assert "planted" not in str(told.value)
