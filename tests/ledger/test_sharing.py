"""By commands: two clones share a ledger, a ledger moves between stores, a lock is broken."""

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.datasets import small_dataset
from tests.engine.test_lost_answers import write
from tests.kubernetes.cluster import Cluster
from tests.ledger.ledger_files import clone, git, lease, remote_with_one_commit
from tests.scenarios.playing import run_wanctl
from wanctl.ledger.lease import Lease
from wanctl.project import Project


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GITHUB_ACTIONS", "GITHUB_RUN_ID", "CI_JOB_URL", "BUILD_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "300")
    return remote_with_one_commit(tmp_path)


@pytest.fixture
def workplace(bare: Path) -> Callable[..., Path]:
    """A clone with the specs, on the same account as the others: the sandbox's state is shared."""
    account = bare.parent / "account"
    account.mkdir()

    def make(name: str, ledger: str | None = "git:wanctl-ledger", *options: str, more: str = "") -> Path:
        folder = clone(bare, name, *options)
        specs = folder / "specs"
        (specs / ".wanctl").mkdir(parents=True)
        (specs / ".wanctl/sandbox").symlink_to(account)
        (folder / ".git/info").mkdir(exist_ok=True)
        (folder / ".git/info/exclude").write_text(".wanctl\n", encoding="utf-8")
        small_dataset(folder / "data", clips=2)
        write(specs, "Then it rains.")
        with (specs / "wanctl.yaml").open("a", encoding="utf-8") as settings:
            settings.write((f"ledger: {ledger}\n" if ledger else "") + more)
        return specs

    return make


def wanctl(folder: Path, *words: str) -> str:
    printed, code = run_wanctl("-C", str(folder), *words)
    assert code == 0, printed
    return printed


def refused(folder: Path, *words: str) -> str:
    printed, code = run_wanctl("-C", str(folder), *words)
    assert code == 1, printed
    return printed


@contextlib.contextmanager
def another_run(folder: Path, held: Lease) -> Iterator[None]:
    """Somebody on another machine holds the lease."""
    store = Project.open(folder).store
    store.acquire(held)
    yield
    store.release(held)


def current() -> Lease:
    return lease("other", datetime.now(UTC))


def test_what_one_clone_applied_the_other_knows(workplace: Callable[..., Path]) -> None:
    one, other = workplace("one"), workplace("two", "git:wanctl-ledger", "--depth=1")
    git(other.parent, "checkout", "--quiet", "--detach")
    index = (other.parent / ".git/index").read_bytes()
    wanctl(one, "apply", "--yes", "--wait")
    told = wanctl(other, "plan")
    assert "No changes." in told
    assert "unverified" not in told  # only the ledger knows the aigc_config
    history = json.loads(wanctl(other, "ledger", "history", "--format", "json"))
    calls = [line["verb"] for line in history if line["result"] == "ok"]
    assert calls == ["upload", "train", "export", "deploy"]

    write(other, "Then it pours.")
    with (other / "wanctl.yaml").open("a", encoding="utf-8") as settings:
        settings.write("ledger: git:wanctl-ledger\n")
    wanctl(other, "apply", "--yes", "--wait")
    serial = json.loads(wanctl(one, "ledger", "show", "--format", "json"))["serial"]
    assert serial == json.loads(wanctl(other, "ledger", "show", "--format", "json"))["serial"]
    assert (other.parent / ".git/index").read_bytes() == index
    assert git(other.parent, "rev-parse", "--is-shallow-repository") == "true"
    assert not (other / ".wanctl/ledger.json").exists()


def test_an_apply_elsewhere_stops_this_one_and_plans_go_on(workplace: Callable[..., Path]) -> None:
    one, other = workplace("one"), workplace("two")
    with another_run(one, current()):
        told = refused(other, "apply", "--yes")
        assert "Another apply is running: holder other" in told
        assert "wanctl ledger unlock" in told
        wanctl(other, "plan")
    wanctl(other, "apply", "--yes")


def test_a_run_that_died_is_taken_over_with_a_note(workplace: Callable[..., Path]) -> None:
    one, other = workplace("one"), workplace("two")
    with another_run(one, lease("dead", datetime.now(UTC) - timedelta(hours=1))):
        told = wanctl(other, "apply", "--yes")
    assert "note: took over the lease of holder dead, held since " in told


def test_a_ledger_is_moved_and_the_old_place_sends_people_on(workplace: Callable[..., Path]) -> None:
    specs = workplace("one", None, more="environments: {prod: {project: rain-prod}}\n")
    wanctl(specs, "apply", "--yes", "--wait")
    before = json.loads(wanctl(specs, "ledger", "show", "--format", "json"))
    told = wanctl(specs, "ledger", "move", "git:wanctl-ledger")
    assert "Now write in wanctl.yaml: ledger: git:wanctl-ledger" in told
    assert "prod names no ledger of its own: wanctl --env prod ledger move git:wanctl-ledger" in told
    kept = json.loads((specs / ".wanctl/ledger.json.1").read_text(encoding="utf-8"))
    assert kept["entries"] == before["entries"]
    assert "was moved to git:wanctl-ledger. Write ledger: git:wanctl-ledger" in refused(specs, "plan")
    assert "was moved to git:wanctl-ledger" in refused(specs, "apply", "--yes")

    with (specs / "wanctl.yaml").open("a", encoding="utf-8") as settings:
        settings.write("ledger: git:wanctl-ledger\n")
    after = json.loads(wanctl(specs, "ledger", "show", "--format", "json"))
    assert after["entries"] == before["entries"]
    assert after["serial"] == before["serial"] + 1
    line = json.loads(wanctl(specs, "ledger", "history", "--format", "json"))[-1]
    assert (line["verb"], line["result"]) == ("move", "noted")
    assert line["note"].endswith("ledger.json")

    told = wanctl(specs, "ledger", "move", ".wanctl/ledger.json")  # and back: the notice gives way
    assert (
        f"Now change wanctl.yaml, line {_line_of(specs, 'ledger:')}, to: ledger: .wanctl/ledger.json" in told
    )
    assert "rain/ledger.json.1 on git:wanctl-ledger" in told


@pytest.mark.kubernetes
def test_a_ledger_moves_into_a_cluster_and_back(
    workplace: Callable[..., Path], cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    specs, place = workplace("one", None), cluster.ledger()
    wanctl(specs, "apply", "--yes", "--wait")
    before = json.loads(wanctl(specs, "ledger", "show", "--format", "json"))
    assert f"Now write in wanctl.yaml: ledger: {place}" in wanctl(specs, "ledger", "move", place)
    assert f"was moved to {place}" in refused(specs, "apply", "--yes")

    other = workplace("two", place)
    after = json.loads(wanctl(other, "ledger", "show", "--format", "json"))
    assert after["entries"] == before["entries"]
    assert "No changes" in wanctl(other, "plan")
    with another_run(other, current()):
        assert "Another apply is running: holder other" in refused(other, "apply", "--yes")
    told = wanctl(other, "ledger", "move", ".wanctl/ledger.json")
    assert f"{place}.kept-1" in told
    assert "was moved to" in refused(workplace("three", place), "plan")


def _line_of(specs: Path, start: str) -> int:
    lines = (specs / "wanctl.yaml").read_text(encoding="utf-8").splitlines()
    return 1 + next(number for number, line in enumerate(lines) if line.startswith(start))


def test_an_environments_line_is_named(workplace: Callable[..., Path]) -> None:
    specs = workplace("one", None, more="environments:\n  prod: {}\n  test:\n    ledger: t.json\n")
    wanctl(specs, "--env", "prod", "apply", "--yes")
    told = wanctl(specs, "--env", "prod", "ledger", "move", "git:state")
    assert "Now write in wanctl.yaml, under environments: prod: ledger: git:state" in told
    wanctl(specs, "--env", "test", "apply", "--yes")
    told = wanctl(specs, "--env", "test", "ledger", "move", "git:state")
    assert f"Now change wanctl.yaml, line {_line_of(specs, '    ledger:')}, to: ledger: git:state" in told


def test_a_move_over_another_ledger_is_refused(workplace: Callable[..., Path]) -> None:
    one, other = workplace("one", None), workplace("two", None)
    wanctl(one, "apply", "--yes")
    wanctl(one, "ledger", "move", "git:wanctl-ledger")
    wanctl(other, "apply", "--yes")
    assert "holds another ledger, of rain at sandbox" in refused(other, "ledger", "move", "git:wanctl-ledger")
    wanctl(other, "plan")
    assert not (other / ".wanctl/ledger.json.1").exists()


def test_a_ledger_in_use_is_not_moved(workplace: Callable[..., Path]) -> None:
    specs = workplace("one", None)
    wanctl(specs, "apply", "--yes")
    with another_run(specs, current()):
        assert "Another apply is running" in refused(specs, "ledger", "move", "git:wanctl-ledger")


@pytest.mark.parametrize(
    ("location", "word"),
    [
        ("gti:x", "gti: is no store"),
        (".wanctl/ledger.json", "is in .* already"),
        ("other.json", "nothing to move"),
    ],
)
def test_a_move_that_makes_no_sense(workplace: Callable[..., Path], location: str, word: str) -> None:
    told = refused(workplace("one", None), "ledger", "move", location)
    assert re.search(word, told), told


def test_a_lock_is_shown_and_broken_and_the_history_remembers(workplace: Callable[..., Path]) -> None:
    specs = workplace("one")
    wanctl(specs, "apply", "--yes")
    assert "Nobody holds the ledger git:wanctl-ledger." in wanctl(specs, "ledger", "unlock")
    held = current().model_copy(update={"run": "https://ci.example/7"})
    with another_run(specs, held):
        told = refused(specs, "ledger", "unlock")
        assert "holder   holder other" in told
        assert "run      https://ci.example/7" in told
        assert f"since    {held.since:%Y-%m-%d %H:%M:%S} UTC" in told
        assert "add --yes" in told
        assert "Another apply is running" in refused(specs, "apply", "--yes")
        assert "broke the lease of holder other (https://ci.example/7)" in wanctl(
            specs, "ledger", "unlock", "--yes"
        )
        wanctl(specs, "apply", "--yes")
    assert "unlock ledger · broke the lease of holder other (https://ci.example/7)" in wanctl(
        specs, "ledger", "history"
    )


def test_a_damaged_lock_is_broken_too(workplace: Callable[..., Path]) -> None:
    specs = workplace("one", None)
    (specs / ".wanctl/ledger.json.lease").write_text("?", encoding="utf-8")
    assert "wanctl ledger unlock" in refused(specs, "apply", "--yes")
    assert "cannot be read" in wanctl(specs, "ledger", "unlock", "--yes")
    wanctl(specs, "apply", "--yes")


def test_a_remote_that_is_away_stops_a_plan(workplace: Callable[..., Path], bare: Path) -> None:
    specs = workplace("one")
    shutil.rmtree(bare)
    told = refused(specs, "plan")
    assert "The ledger git:wanctl-ledger" in told
    assert "git remote -v" in told


def test_a_bucket_is_shared_as_well(workplace: Callable[..., Path], bucket: str) -> None:
    one, other = (
        workplace("one", f"s3://{bucket}/ledger.json"),
        workplace("two", f"s3://{bucket}/ledger.json"),
    )
    wanctl(one, "apply", "--yes", "--wait")
    assert "No changes." in wanctl(other, "plan")
    with another_run(one, current()):
        assert "Another apply is running: holder other" in refused(other, "apply", "--yes")


def test_a_misspelt_store_is_shown_where_it_is_written(workplace: Callable[..., Path]) -> None:
    told = refused(workplace("one", "gti:wanctl-ledger"), "validate")
    assert "gti: is no store that wanctl knows; write a file path, git:BRANCH" in told
    assert "wanctl.yaml:" in told
