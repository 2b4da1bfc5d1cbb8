"""Our own clone of the ref: whatever a killed run has left in it, the next one has the ref laid out."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.watch.places import TRAIN, Place, environ, git
from wanctl.base.git import Git, GitError, masked
from wanctl.watch.checkout import _FRUGAL, Checkout, WatchError, commit_page


@pytest.fixture
def checkout(place: Place) -> Checkout:
    made = Checkout.of(place.specs, "origin/main", place.specs / ".wanctl" / "watch" / "tree", environ())
    made.update()
    return made


def _empty_objects(tree: Path) -> None:
    for path in (tree / ".git" / "objects").rglob("*"):
        if path.is_file():
            path.unlink()
            path.touch()


def _replace_by_a_file(tree: Path) -> None:
    shutil.rmtree(tree)
    tree.write_text("in the way", encoding="utf-8")


LEFT_BEHIND: dict[str, Callable[[Path], object]] = {
    "a lock on the index": lambda tree: (tree / ".git" / "index.lock").touch(),
    "a lock on the boundary": lambda tree: (tree / ".git" / "shallow.lock").touch(),
    "a lock on the ref": lambda tree: (tree / ".git" / "refs" / "wanctl" / "watched.lock").touch(),
    "an index cut off": lambda tree: (tree / ".git" / "index").write_text("DIRC"),
    "an empty HEAD": lambda tree: (tree / ".git" / "HEAD").write_text(""),
    "no refs": lambda tree: shutil.rmtree(tree / ".git" / "refs"),
    "a config cut off": lambda tree: (tree / ".git" / "config").write_text("[core"),
    "empty objects": _empty_objects,
    "a file in its place": _replace_by_a_file,
    "nothing": shutil.rmtree,
}


@pytest.mark.parametrize("left", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_what_a_killed_run_has_left_is_no_hindrance(
    place: Place, checkout: Checkout, left: Callable[[Path], object]
) -> None:
    pushed = place.push(TRAIN, {**TRAIN, "name": "again"})
    left(checkout.tree)
    assert checkout.update().id == pushed
    assert "again" in (checkout.directory / "all.yaml").read_text(encoding="utf-8")


def test_a_remote_that_is_away_costs_no_checkout(place: Place, checkout: Checkout) -> None:
    remote = place.clone.parent / "remote.git"
    remote.rename(remote.with_suffix(".away"))
    with pytest.raises(WatchError, match="cannot be fetched"):
        checkout.update()
    assert (checkout.directory / "all.yaml").exists()
    remote.with_suffix(".away").rename(remote)
    assert checkout.update().id


def test_what_is_fetched_does_not_pile_up(
    place: Place, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = tuple((key, "2" if key == "gc.autoPackLimit" else value) for key, value in _FRUGAL)
    monkeypatch.setattr("wanctl.watch.checkout._FRUGAL", few)
    objects = checkout.tree / ".git" / "objects"
    sizes = []
    for _ in range(8):
        place.push(TRAIN, notes_txt=os.urandom(50_000).hex())
        checkout.update()
        sizes.append(sum(path.stat().st_size for path in objects.rglob("*") if path.is_file()))
    assert max(sizes) < min(sizes) + 4 * 60_000


@pytest.mark.parametrize(
    "config", ["", "[submodule]\nrecurse = true\n[log]\nshowSignature = true\n[core]\nautocrlf = true\n"]
)
def test_an_untrusted_commit_runs_nothing_and_is_laid_out_as_it_is(place: Place, config: str) -> None:
    ran = place.clone.parent / "ran"
    (place.clone.parent / "config").write_text(config, encoding="utf-8")
    machine = {**environ(), "GIT_CONFIG_GLOBAL": str(place.clone.parent / "config")}
    place.push(TRAIN)
    other = place.clone.parent / "colleague"
    hostile = {
        ".gitattributes": "* filter=evil diff=evil\n",
        ".gitconfig": f'[filter "evil"]\nsmudge = touch {ran}\n[core]\nfsmonitor = touch {ran}\n',
        ".gitmodules": f'[submodule "x"]\npath = sub\nurl = {other}\nupdate = !touch {ran}\n',
        "hooks/post-checkout": f"#!/bin/sh\ntouch {ran}\n",
        "notes.txt": "one\ntwo\n",
    }
    for name, text in hostile.items():
        (other / name).parent.mkdir(exist_ok=True)
        (other / name).write_text(text, encoding="utf-8")
    (other / "hooks" / "post-checkout").chmod(0o755)
    git(other, "add", "--all")
    git(other, "update-index", "--add", "--cacheinfo", f"160000,{git(other, 'rev-parse', 'HEAD')},sub")
    git(other, "commit", "--quiet", "-m", "Hostile")
    git(other, "push", "--quiet", "origin", "HEAD:main")
    made = Checkout.of(place.specs, "origin/main", place.specs / ".wanctl" / "watch" / "tree", machine)
    assert made.update().id == git(other, "rev-parse", "HEAD")
    assert (made.tree / "notes.txt").read_bytes() == b"one\ntwo\n"
    assert list((made.tree / "sub").iterdir()) == []
    assert not ran.exists()


def test_files_are_named_as_they_are_committed_however_they_were_named(
    place: Place, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the clone's top the checkout has a short name, which is a part of its long one."""
    monkeypatch.chdir(place.clone)
    assert checkout.as_committed(f"{checkout.tree}/specs/a.yaml:1:1") == "specs/a.yaml:1:1"
    short = checkout.tree.relative_to(place.clone)
    assert checkout.as_committed(f"{short}/specs/a.yaml:1:1") == "specs/a.yaml:1:1"


def test_git_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    """ssh to a machine that does not answer would stay, one for each turn."""
    pid = tmp_path / "pid"
    script = tmp_path / "ssh"
    script.write_text(f'#!/bin/sh\necho $$ > "{pid}"\nexec sleep 300\n', encoding="utf-8")
    script.chmod(0o755)
    git = replace(Git.within(tmp_path, {**environ(), "GIT_SSH": str(script)}), patience=1.0)
    with pytest.raises(GitError, match="did not end within 1 s"):
        git.run("ls-remote", "ssh://nowhere.invalid/repository")
    hanging = int(pid.read_text(encoding="utf-8"))
    deadline = time.monotonic() + 5
    while _lives(hanging):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    """Nobody has waited for the orphan yet, maybe: then it is a zombie, and dead."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False


@pytest.mark.parametrize("user", ["ann:secret@", "ann:sec@ret@", "secret@"])
def test_no_password_in_a_url_is_said(user: str) -> None:
    assert masked(f"fatal: unable to access 'https://{user}host/repo.git/'") == (
        "fatal: unable to access 'https://***@host/repo.git/'"
    )


def test_a_ref_of_no_remote_says_which_there_are_and_what_to_do(place: Place, tmp_path: Path) -> None:
    with pytest.raises(WatchError, match=r"there is: origin; write origin/main"):
        Checkout.of(place.specs, "upstream/main", tmp_path / "tree", environ())
    git(tmp_path, "init", "--quiet", "alone")
    with pytest.raises(
        WatchError, match="has no remote, so there is no origin/main to follow: git remote add"
    ):
        Checkout.of(tmp_path / "alone", "origin/main", tmp_path / "tree", environ())


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("git@github.com:ann/rain.git", "https://github.com/ann/rain/commit/"),
        ("https://ann:hunter2@gitlab.example/video/rain.git", "https://gitlab.example/video/rain/-/commit/"),
        ("ssh://git@git.example:2222/ann/rain", "https://git.example/ann/rain/commit/"),
        ("/srv/git/rain.git", None),
        ("file:///srv/git/rain.git", None),
        ("javascript:alert(1)", None),
    ],
)
def test_a_commit_has_its_page_at_the_forge(remote: str, page: str | None) -> None:
    assert commit_page(remote, "abc") == (f"{page}abc" if page else None)
