"""The ledger on a branch: the clone is not touched, whatever state it is in; failures have remedies."""

import hashlib
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.ledger.ledger_files import clone, git, lease, owner, record, remote_with_one_commit
from wanctl.ledger.errors import LedgerError, LedgerMovedError, LedgerUnreadableError
from wanctl.ledger.lease import LeaseHeld
from wanctl.ledger.opening import open_store
from wanctl.ledger.store import LedgerStore

BRANCH = "git:wanctl-ledger"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return remote_with_one_commit(tmp_path)


def opened(
    folder: Path, location: str = BRANCH, environment: str | None = None, **environ: str
) -> LedgerStore:
    return open_store(location, owner(folder, environment, **environ))


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file of a clone, its .git included."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_files_are_named_after_project_and_environment(bare: Path) -> None:
    folder = clone(bare, "work")
    opened(folder).save(record())
    opened(folder, environment="prod").save(record(lineage="p"))
    store = opened(folder, environment="prod")
    store.acquire(lease("one"))
    files = git(bare, "ls-tree", "-r", "--name-only", "wanctl-ledger").splitlines()
    assert files == ["rain/ledger.json", "rain/ledger.prod.json", "rain/ledger.prod.json.lease"]
    assert git(bare, "ls-tree", "-r", "--name-only", "main") == "readme"


def test_each_commit_says_what_changed_and_by_whom(bare: Path) -> None:
    store, held = opened(clone(bare, "work")), lease("one")
    store.acquire(held)
    store.save(record(), held)
    store.release(held)
    log = git(bare, "log", "--format=%s <%an>", "wanctl-ledger").splitlines()
    assert log == [
        "lease of holder one given back <wanctl>",
        "rain: serial 1 by holder one <wanctl>",
        "lease taken by holder one <wanctl>",
    ]


@pytest.mark.parametrize("state", ["dirty", "shallow", "detached", "linked"])
def test_the_clone_stays_as_it_is_to_the_last_byte(bare: Path, state: str) -> None:
    folder = clone(bare, "work", *(["--depth=1"] if state == "shallow" else []))
    if state == "dirty":
        (folder / "readme").write_text("staged\n", encoding="utf-8")
        git(folder, "add", "readme")
        (folder / "readme").write_text("not staged\n", encoding="utf-8")
        (folder / "new").write_text("unknown to git\n", encoding="utf-8")
    if state == "detached":
        git(folder, "checkout", "--quiet", "--detach")
    place = folder
    if state == "linked":
        place = folder / "linked"
        git(folder, "worktree", "add", "--quiet", "--detach", str(place))
    before = fingerprint(folder)
    store, held = opened(place), lease("one")
    store.acquire(held)
    saved = store.save(record(), held)
    store.renew(held)
    store.set_aside()
    store.release(held)
    assert store.load() is None
    assert saved.serial == 1
    assert fingerprint(folder) == before


def test_it_works_from_within_a_hook_of_git(bare: Path, tmp_path: Path) -> None:
    """git sets GIT_DIR and GIT_INDEX_FILE for its hooks and aliases: they must not lead elsewhere."""
    folder, other = clone(bare, "work"), tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    elsewhere = {"GIT_DIR": str(other / ".git"), "GIT_INDEX_FILE": str(other / "index"), "GIT_WORK_TREE": "/"}
    store = opened(folder, **elsewhere, GIT_AUTHOR_NAME="Me", GIT_TRACE="1")
    store.save(record())
    assert git(bare, "log", "--format=%an", "wanctl-ledger") == "wanctl"
    assert not (other / "index").exists()


def test_what_else_is_on_the_branch_stays(bare: Path) -> None:
    folder = clone(bare, "work")
    store = opened(folder, "git:main")
    store.save(store.save(record()))
    assert git(bare, "ls-tree", "-r", "--name-only", "main").splitlines() == ["rain/ledger.json", "readme"]
    assert git(bare, "show", "main:readme") == "hello"


def test_the_clones_own_settings_lead_to_the_remote(bare: Path) -> None:
    """CI writes its token and its rewriting of URLs into the clone's configuration."""
    folder = clone(bare, "work")
    git(folder, "remote", "set-url", "origin", "made-up://remote.git")
    git(folder, "config", f"url.file://{bare.parent}/.insteadOf", "made-up://")
    opened(folder).save(record())
    assert git(bare, "rev-parse", "wanctl-ledger")


def test_a_remote_beside_the_clone_and_by_another_name(bare: Path) -> None:
    folder = clone(bare, "work")
    git(folder, "remote", "add", "shared", "../remote.git")
    git(folder, "remote", "remove", "origin")
    inside = folder / "specs"
    inside.mkdir()
    opened(inside, f"{BRANCH}@shared").save(record())
    assert git(bare, "rev-parse", "wanctl-ledger")


def test_a_damaged_file_is_refused_and_left_alone(bare: Path) -> None:
    folder = clone(bare, "work")
    git(folder, "checkout", "--quiet", "-b", "wanctl-ledger")
    (folder / "rain").mkdir()
    (folder / "rain/ledger.json").write_bytes(b'{"lineage": "\xff"}')
    git(folder, "add", "rain")
    git(folder, "commit", "--quiet", "-m", "by hand")
    git(folder, "push", "--quiet", "origin", "wanctl-ledger")
    tip = git(bare, "rev-parse", "wanctl-ledger")
    with pytest.raises(LedgerUnreadableError):
        opened(folder).load()
    with pytest.raises(LedgerUnreadableError):
        opened(folder).save(record())
    assert git(bare, "rev-parse", "wanctl-ledger") == tip


def test_a_link_is_no_ledger(bare: Path) -> None:
    folder = clone(bare, "work")
    git(folder, "checkout", "--quiet", "-b", "wanctl-ledger")
    (folder / "rain").mkdir()
    (folder / "rain/ledger.json").symlink_to("/etc/passwd")
    git(folder, "add", "rain")
    git(folder, "commit", "--quiet", "-m", "by hand")
    git(folder, "push", "--quiet", "origin", "wanctl-ledger")
    with pytest.raises(LedgerError, match="is not a file"):
        opened(folder).load()


def test_a_branch_that_was_rewritten_is_noticed(bare: Path) -> None:
    folder = clone(bare, "work")
    store = opened(folder)
    first = store.save(record())
    git(bare, "update-ref", "-d", "refs/heads/wanctl-ledger")
    with pytest.raises(LedgerMovedError):
        store.save(first)


def test_a_remote_that_vanished(bare: Path) -> None:
    store = opened(clone(bare, "work"))
    saved = store.save(record())
    shutil.rmtree(bare)
    with pytest.raises(LedgerError, match="git remote -v"):
        store.load()
    with pytest.raises(LedgerError, match="cannot be written"):
        store.save(saved)


def test_a_server_that_refuses_the_branch(bare: Path) -> None:
    folder = clone(bare, "work")
    hook = bare / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho protected >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with pytest.raises(LedgerError, match=r"protected.* allow them, or name another branch"):
        opened(folder).save(record())


def test_outside_of_a_clone(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="needs a clone of git"):
        opened(tmp_path).load()


def test_a_clone_without_the_remote(bare: Path) -> None:
    folder = clone(bare, "work")
    with pytest.raises(LedgerError, match="git remote add upstream URL"):
        opened(folder, f"{BRANCH}@upstream").load()


def test_without_git(bare: Path) -> None:
    folder = clone(bare, "work")
    with pytest.raises(LedgerError, match="Install git"):
        opened(folder, PATH=str(folder)).load()


def test_a_token_in_the_remotes_url_is_never_shown(bare: Path) -> None:
    folder = clone(bare, "work")
    git(folder, "remote", "set-url", "origin", "http://robot:sesame@127.0.0.1:9/repository.git")
    with pytest.raises(LedgerError, match="cannot be reached") as away:
        opened(folder).load()
    assert "sesame" not in str(away.value)
    assert "http://***@127.0.0.1:9/repository.git" in str(away.value)


def test_nothing_is_left_behind(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    store = opened(clone(bare, "work"))
    store.save(record())
    assert list(scratch.iterdir())
    del store
    assert not list(scratch.iterdir())


def _save_and_lease(folder: Path) -> list[str]:
    """One of several processes in the same clone."""
    store = open_store(BRANCH, owner(folder))
    told = []
    first = store.load()
    assert first
    try:
        store.save(first)
        told.append("saved")
    except LedgerMovedError:
        told.append("moved")
    try:
        store.acquire(lease(str(os.getpid())))
        told.append("holds")
    except LeaseHeld:
        told.append("held")
    return told


def test_processes_of_one_clone_at_once(bare: Path) -> None:
    folder = clone(bare, "work")
    opened(folder).save(record())
    with ProcessPoolExecutor(3) as pool:
        told = list(pool.map(_save_and_lease, [folder] * 3))
    assert sum(one[1] == "holds" for one in told) == 1, told
    saved = sum(one[0] == "saved" for one in told)
    last = opened(folder).load()
    assert last
    assert last.serial == 1 + saved
    assert saved >= 1
