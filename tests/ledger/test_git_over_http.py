"""The ledger's branch over smart HTTP, as on a CI machine: a shallow checkout that holds its own token."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.ledger_files import git, lease, owner, record, remote_with_one_commit
from tests.ledger.servers import GitOverHttp, serving
from wanctl.ledger.errors import LedgerError, LedgerMovedError
from wanctl.ledger.opening import open_store
from wanctl.ledger.store import LedgerStore

TOKEN = "basic cm9ib3Q6c2VzYW1l"


@pytest.fixture
def server(tmp_path: Path) -> GitOverHttp:
    remote_with_one_commit(tmp_path)
    return GitOverHttp(tmp_path, TOKEN)


@pytest.fixture
def address(server: GitOverHttp) -> Iterator[str]:
    with serving(server) as address:
        yield f"{address}/remote.git"


@pytest.fixture
def checkout(address: str, tmp_path: Path) -> Path:
    """A shallow checkout without any credentials yet."""
    folder = tmp_path / "checkout"
    header = f"http.extraHeader=Authorization: {TOKEN}"
    git(tmp_path, "-c", header, "clone", "--quiet", "--depth=1", address, str(folder))
    return folder


def opened(folder: Path, **environ: str) -> LedgerStore:
    return open_store("git:wanctl-ledger", owner(folder, **environ))


def use(store: LedgerStore) -> None:
    held = lease("one")
    store.acquire(held)
    store.save(store.save(record(), held), held)
    store.release(held)


def test_with_the_token_in_the_clones_configuration(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "config", "http.extraHeader", f"Authorization: {TOKEN}")
    use(opened(checkout))
    assert git(tmp_path / "remote.git", "rev-list", "--count", "wanctl-ledger") == "4"
    assert git(checkout, "rev-list", "--all", "--count") == "1"


def test_with_the_token_in_a_file_that_the_configuration_includes_for_this_clone(
    checkout: Path, tmp_path: Path
) -> None:
    token = tmp_path / "token.config"
    token.write_text(f'[http]\n\textraHeader = "Authorization: {TOKEN}"\n', encoding="utf-8")
    git(checkout, "config", f"includeIf.gitdir:{checkout}/.git.path", str(token))
    use(opened(checkout))


def test_with_the_token_in_the_environment(checkout: Path) -> None:
    environ = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: {TOKEN}",
    }
    use(opened(checkout, **environ))


def test_hooks_of_the_user_are_not_run(checkout: Path, tmp_path: Path) -> None:
    hooks, settings = tmp_path / "hooks", tmp_path / "settings"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (hooks / name).chmod(0o755)
    settings.write_text(
        f'[core]\n\thooksPath = {hooks}\n[http]\n\textraHeader = "Authorization: {TOKEN}"\n', encoding="utf-8"
    )
    store = opened(checkout, GIT_CONFIG_GLOBAL=str(settings))
    use(store)
    assert store.load()  # a fetch, too


def test_without_the_token_it_says_what_is_missing(checkout: Path) -> None:
    with pytest.raises(LedgerError, match="does not let this machine in: give this clone credentials") as out:
        opened(checkout).load()
    assert "\n" not in str(out.value)


def test_a_push_whose_answer_was_lost_is_found_to_have_arrived(checkout: Path, server: GitOverHttp) -> None:
    git(checkout, "config", "http.extraHeader", f"Authorization: {TOKEN}")
    store = opened(checkout)
    server.answers_to_lose = 1
    first = store.save(record())
    assert server.answers_to_lose == 0
    assert store.load() == first
    with pytest.raises(LedgerMovedError):
        store.save(record())
