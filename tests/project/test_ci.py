"""`wanctl ci` from a pull request to a served model: every run on a machine of its own, one shared ledger."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.forge.servers import Fault, GitHubServer, GitLabServer, served
from tests.ledger.ledger_files import clone, git
from tests.project.ci_runs import (
    CHOICE,
    EndedJob,
    Repository,
    account,
    gitlab,
    merge_request,
    pull_request,
    pushed,
    scheduled,
)
from tests.render.reading import PARSER
from tests.scenarios.playing import quiet_surroundings
from wanctl.ledger.lease import LEASE_TTL, Lease
from wanctl.project import Project
from wanctl.project.host import Host
from wanctl.render.made import failure_of
from wanctl.sandbox import Sandbox

KEY = "sk-0123456789abcdef0123456789abcdef"
GOLDEN = Path(__file__).with_name("comments.golden")
SANDBOX = """\
version: 1
project: money-rain
provider: sandbox
base_url: {url}
ledger: git:wanctl-ledger
polling: 100ms
vars: {{trigger: s86b5p}}
"""
REAL = SANDBOX.replace("provider: sandbox\nbase_url: {url}", "provider: model-studio").replace(
    "git:wanctl-ledger", ".wanctl/ledger.json"
)


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    server = GitHubServer()
    with served(server):
        yield server
    assert server.complaints == []


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[tuple[str, Sandbox]]:
    with account(tmp_path / "account") as found:
        yield found


@pytest.fixture
def repository(tmp_path: Path, sandbox: tuple[str, Sandbox]) -> Repository:
    made = Repository(tmp_path)
    made.add_project(SANDBOX.format(url=sandbox[0]))
    return made


def branches(repository: Repository) -> str:
    return git(repository.bare, "branch", "--format=%(refname:short)")


def test_from_a_pull_request_to_a_served_model(
    repository: Repository,
    github: GitHubServer,
    sandbox: tuple[str, Sandbox],
    request: pytest.FixtureRequest,
) -> None:
    golden = []

    def comment(title: str) -> str:
        [body] = github.bodies()
        labels = ", ".join(sorted(github.labels)) or "no labels"
        golden.append(f"==== {title}: {labels} ====\n{body.replace(commit[:12], 'COMMIT')}\n")
        return body

    # A pull request is planned; nothing is written, neither in the account nor in the ledger.
    commit = repository.push("feature")
    planned = repository.run("feature", pull_request(github, commit))
    assert planned.code == 0, planned.printed
    assert "1 training will be started and billed" in comment("a pull request")
    assert set(github.labels) == {"wanctl: changes", "wanctl: billed"}
    assert branches(repository).split() == ["feature", "main"]
    assert planned.outputs["status"] == "changes"
    assert planned.outputs["plan"] == "wanctl-artifacts/plan.json"
    assert planned.outputs["digest"] in planned.artefact("plan.json")
    assert planned.summary == planned.artefact("plan.md")

    # Merged: another machine applies it, and a third goes on hours later.
    commit = repository.push("main")
    applied = repository.run("main", pushed(github, commit))
    assert applied.code == 0, applied.printed
    assert "**2 calls made:**" in applied.summary
    assert applied.outputs["status"] == "in_progress"
    assert "wanctl-ledger" in branches(repository)
    sandbox[1].advance(timedelta(hours=8))
    waiting = repository.run("main", scheduled(github, commit), "--detailed-exitcode")
    assert waiting.code == 3, waiting.printed
    assert (waiting.outputs["status"], waiting.outputs["waiting"]) == ("waiting_for_person", "true")
    videos = list((waiting.folder / "wanctl-artifacts" / "previews" / "money-rain").rglob("*.mp4"))
    assert videos
    assert f"👀 {len(videos)} previews of `FineTune/money-rain`" in waiting.summary
    gallery = waiting.folder / "wanctl-artifacts" / "gallery" / "money-rain"
    assert "`gallery/money-rain/index.html`" in waiting.summary
    assert (gallery / "index.html").read_text(encoding="utf-8").count("<video") == len(videos) + 2
    assert (gallery / "sheet.png").read_bytes().startswith(b"\x89PNG")

    # The choice is a pull request too; the same comment says what it does.
    git(repository.author, "checkout", "--quiet", "main")
    repository.edit("specs/money-rain.yaml", "\nfinetune: money-rain", "\nfinetune: money-rain" + CHOICE)
    commit = repository.push("choice")
    chosen = repository.run("choice", pull_request(github, commit))
    assert chosen.code == 0, chosen.printed
    assert "export" in comment("the choice")
    assert github.labels == ["wanctl: changes"]

    # Merged again: exported now, deployed by a later run, and then all is as the specs say.
    commit = repository.push("main")
    for _ in range(4):
        ended = repository.run("main", pushed(github, commit))
        assert ended.code == 0, ended.printed
        sandbox[1].advance(timedelta(minutes=20))
    assert ended.outputs["status"] == "converged"
    last = repository.run("main", pull_request(github, commit), "--detailed-exitcode")
    assert last.code == 0
    assert "no changes" in comment("afterwards")
    assert github.labels == []
    jobs = [one for one in sandbox[1].requests() if (one.method, one.path) == ("POST", "/api/v1/fine-tunes")]
    assert len(jobs) == 1

    if request.config.getoption("--update"):
        GOLDEN.write_text("\n".join(golden), encoding="utf-8")
    assert "\n".join(golden) == GOLDEN.read_text(encoding="utf-8"), "--update rewrites it"
    assert all(PARSER.parse(text) for text in golden)


def test_a_token_that_only_reads_leaves_the_plan_standing(
    repository: Repository, github: GitHubServer
) -> None:
    github.faults = [Fault("POST", ".*", 403, times=99)]
    ended = repository.run("feature", pull_request(github, repository.push("feature")))
    assert ended.code == 0
    assert "warning: no comment on #7: POST /repos/ours/models/issues/7/comments: HTTP 403" in ended.printed
    assert "GITHUB_TOKEN needs permissions: pull-requests: write" in ended.printed
    assert "Plan: 1 upload, 1 training" in ended.printed
    assert GitHubServer.token not in ended.printed


def test_a_forge_that_is_away_leaves_the_plan_standing(repository: Repository, github: GitHubServer) -> None:
    environ = pull_request(github, repository.push("feature"))
    environ["GITHUB_API_URL"] = f"{github.url}/elsewhere"
    github.faults = [Fault(method, "/elsewhere.*", 404, times=99) for method in ("GET", "POST")]
    ended = repository.run("feature", environ)
    assert ended.code == 0
    assert "warning: no comment on #7" in ended.printed
    assert ended.outputs["status"] == "changes"


def test_mistakes_are_on_the_request_too(repository: Repository, github: GitHubServer) -> None:
    repository.edit("specs/money-rain.yaml", "capacity: 1", "capacitiy: 1")
    ended = repository.run("feature", pull_request(github, repository.push("feature")))
    assert ended.code == 1
    [body] = github.bodies()
    assert "there is no plan, 1 error" in body
    assert "specs/money-rain.yaml:" in body
    assert ended.outputs == {
        "status": "error",
        "digest": "",
        "changes": "false",
        "waiting": "false",
        "plan": "",
    }
    assert not (ended.folder / "wanctl-artifacts" / "plan.json").exists()
    repository.edit("specs/money-rain.yaml", "capacitiy: 1", "capacity: 1")
    repository.run("feature", pull_request(github, repository.push("feature")))
    assert len(github.bodies()) == 1
    assert "there is no plan" not in github.bodies()[0]


def test_a_push_to_another_branch_applies_nothing(
    repository: Repository, github: GitHubServer, sandbox: tuple[str, Sandbox]
) -> None:
    commit = repository.push("feature")
    ended = repository.run("feature", pushed(github, commit, "feature"))
    assert ended.code == 0
    assert "wanctl ci: github, push: plan" in ended.printed
    assert github.asked == []
    assert {one.method for one in sandbox[1].requests()} == {"GET"}


def test_a_merge_request_and_its_default_branch(repository: Repository, sandbox: tuple[str, Sandbox]) -> None:
    server = GitLabServer(me="project_42_bot")
    with served(server):
        commit = repository.push("feature")
        ended = repository.run("feature", merge_request(server, commit))
        assert ended.code == 0, ended.printed
        assert "wanctl ci: gitlab, merge_request_event: plan" in ended.printed
        assert "WANCTL_STATUS=changes\n" in ended.artefact("wanctl.env")
        assert set(server.labels) == {"wanctl: changes", "wanctl: billed"}
        commit = repository.push("main")
        ended = repository.run("main", gitlab(server, commit, "push", CI_COMMIT_BRANCH="main"))
        assert ended.code == 0, ended.printed
        assert "wanctl ci: gitlab, push: apply" in ended.printed
        assert "WANCTL_STATUS=in_progress\n" in ended.artefact("wanctl.env")
        assert len(server.bodies()) == 1
        sandbox[1].advance(timedelta(hours=8))
        waiting = repository.run("feature", merge_request(server, repository.push("feature")))
        assert waiting.code == 0, waiting.printed
        [name], [body] = server.uploads, server.bodies()
        assert f"![previews of FineTune/money-rain](/uploads/{1:032x}/{name})" in body
    assert server.complaints == []


def test_an_apply_that_fails_says_what_and_goes_on_next_time(
    repository: Repository, github: GitHubServer, sandbox: tuple[str, Sandbox]
) -> None:
    fault = sandbox[1].add_fault("quota", method="POST", path="/api/v1/fine-tunes")
    commit = repository.push("main")
    ended = repository.run("main", pushed(github, commit))
    assert ended.code == 1, ended.printed
    assert "> **This apply failed:**\n> - train `FineTune/money-rain`:" in ended.summary
    assert "- upload `Dataset/train` → `file-ft-" in ended.summary
    assert '"failures": [\n' in ended.artefact("result.json")
    sandbox[1].clear_faults(fault)
    again = repository.run("main", scheduled(github, commit))
    assert again.code == 0, again.printed
    assert "**1 call made:**\n\n- train `FineTune/money-rain` → `ft-" in again.summary


def test_a_run_beside_another_one_is_stopped_by_the_lease(
    repository: Repository, github: GitHubServer, sandbox: tuple[str, Sandbox]
) -> None:
    commit = repository.push("main")
    machine = clone(repository.bare, "machine-of-another")
    with contextlib.chdir(machine):
        store = Project.open(machine, host=Host(quiet_surroundings())).store
        now = datetime.now(UTC)
        store.acquire(Lease(token="t", holder="another run", since=now, expires=now + LEASE_TTL))
    ended = repository.run("main", pushed(github, commit))
    assert ended.code == 1
    assert "another run" in ended.summary
    assert {one.method for one in sandbox[1].requests()} <= {"GET"}


def test_no_secret_is_in_anything_that_is_left_behind(
    outside: Repository, github: GitHubServer, sandbox: tuple[str, Sandbox]
) -> None:
    secrets = {"DASHSCOPE_API_KEY": KEY, "WANCTL_BASE_URL": sandbox[0]}
    commit = outside.push("main")
    left = []
    for environ in (pull_request(github, commit), pushed(github, commit), pull_request(github, commit)):
        ended = outside.run("main", {**environ, **secrets}, before=("--debug",))
        assert ended.code == 0, ended.printed
        left += [ended.printed, ended.summary, *github.bodies()]
        left += [path.read_text() for path in (ended.folder / "wanctl-artifacts").glob("*.*")]
        sandbox[1].advance(timedelta(hours=8))
    assert any(line.startswith("POST") for line in github.asked)
    assert KEY not in "".join(left)
    assert GitHubServer.token not in "".join(left)
    assert "Signature=" not in "".join(left)


@pytest.fixture
def outside(tmp_path: Path) -> Repository:
    """A project of the real service, without its key."""
    made = Repository(tmp_path)
    made.add_project(REAL.format())
    return made


@pytest.mark.parametrize("by", ["fork", "gone fork", "dependabot"])
def test_a_fork_without_a_key_is_checked_offline(outside: Repository, github: GitHubServer, by: str) -> None:
    github.faults = [Fault("POST", ".*", 403, times=99)]
    head = {"fork": "mallory/models", "gone fork": "", "dependabot": "ours/models"}[by]
    more = {"DASHSCOPE_API_KEY": "", **({"GITHUB_ACTOR": "dependabot[bot]"} if by == "dependabot" else {})}
    commit = outside.push("feature")
    ended = outside.run("feature", {**pull_request(github, commit, head), **more})
    assert ended.code == 0, ended.printed
    assert "money-rain: 4 resources, valid; no plan: this comes from a fork or a bot" in ended.printed
    assert "warning: no comment on #7" in ended.printed
    assert "Traceback" not in ended.printed
    assert ended.outputs["status"] == "valid"
    assert ended.outputs["digest"] == ended.outputs["plan"] == ""
    assert "the specs are valid; there is no plan" in ended.summary
    assert "1 training (billed, about 101–113 USD)" in ended.summary
    assert "what serves, and whether it stays" in ended.summary
    files = sorted(path.name for path in (ended.folder / "wanctl-artifacts").iterdir())
    assert files == ["plan.html", "plan.md", "result.json", "wanctl.env"]


def test_a_fork_without_a_key_never_counts_as_nothing_to_do(
    outside: Repository, github: GitHubServer
) -> None:
    environ = pull_request(github, outside.push("feature"), "mallory/models")
    ended = outside.run("feature", {**environ, "DASHSCOPE_API_KEY": ""}, "--detailed-exitcode")
    assert ended.code == 2, ended.printed


def test_the_mistakes_of_a_fork_are_told(outside: Repository, github: GitHubServer) -> None:
    outside.edit("specs/money-rain.yaml", "../data/train", "../data/elsewhere")
    ended = outside.run("feature", pull_request(github, outside.push("feature"), "mallory/models"))
    assert ended.code == 1
    assert "there is no folder or file `../data/elsewhere`" in github.bodies()[0]


def test_a_fork_is_never_applied(outside: Repository, github: GitHubServer) -> None:
    environ = pull_request(github, outside.push("feature"), "mallory/models")
    ended = outside.run("feature", environ, "--mode", "apply")
    assert ended.code == 1
    assert "specs from a fork are never applied" in ended.printed


def test_a_key_that_was_forgotten_is_an_error_and_no_fork(outside: Repository, github: GitHubServer) -> None:
    ended = outside.run("feature", pull_request(github, outside.push("feature")))
    assert ended.code == 1
    assert "no API key found" in github.bodies()[0]


def test_anywhere_else_it_plans_and_keeps_the_files(repository: Repository) -> None:
    repository.push("feature")
    ended = repository.run("feature", {}, "--artifacts", "out")
    assert ended.code == 0
    files = sorted(path.name for path in (ended.folder / "out").iterdir())
    assert files == ["plan.html", "plan.json", "plan.md", "result.json", "wanctl.env"]


def test_a_commit_that_was_overtaken_is_not_applied(
    repository: Repository, github: GitHubServer, sandbox: tuple[str, Sandbox]
) -> None:
    """A run that is started again, or had to wait, would take back what was merged since."""
    old = repository.push("main")
    repository.edit("specs/money-rain.yaml", "n_epochs: 400", "n_epochs: 500")
    new = repository.push("main")
    ended = repository.run("main", pushed(github, old), at=old)
    assert ended.code == 0, ended.printed
    assert f"main has moved on to {new[:12]}" in ended.printed
    assert "Main has moved on" in ended.summary
    assert ended.outputs["status"] == "valid"
    assert sandbox[1].requests() == []
    asked = repository.run("main", pushed(github, old), "--mode", "apply", at=old)
    assert asked.code == 0, asked.printed
    assert "**2 calls made:**" in asked.summary


def test_where_nobody_can_tell_the_newest_commit_nothing_is_applied(
    repository: Repository, github: GitHubServer, sandbox: tuple[str, Sandbox]
) -> None:
    commit = repository.push("main")
    environ = pushed(github, commit)
    environ |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "url./nonexistent/.insteadOf"}
    environ |= {"GIT_CONFIG_VALUE_0": "file://"}
    ended = repository.run("main", environ)
    assert ended.code == 1
    assert "nobody can tell whether these specs are still the newest of main" in ended.printed
    assert "--mode apply" in ended.printed
    assert sandbox[1].requests() == []


def test_an_apply_that_breaks_off_does_not_say_that_nothing_was_changed(
    repository: Repository, github: GitHubServer, sandbox: tuple[str, Sandbox]
) -> None:
    repository.refuse_pushes_after(4)
    ended = repository.run("main", pushed(github, repository.push("main")))
    assert ended.code == 1
    assert any(one.method == "POST" for one in sandbox[1].requests())
    assert "stopped before the end, 1 error" in ended.summary
    assert "What was done stays done" in ended.summary
    for text in (ended.summary, ended.artefact("plan.html")):
        assert "Nothing was changed" not in text
        assert "here is no plan" not in text


def test_a_plan_does_not_stay_when_the_projects_name_is_gone(
    repository: Repository, github: GitHubServer
) -> None:
    repository.run("feature", pull_request(github, repository.push("feature")))
    assert "Digest:" in github.bodies()[0]
    repository.edit("specs/wanctl.yaml", "project: money-rain", "projct: money-rain")
    ended = repository.run("feature", pull_request(github, repository.push("feature")))
    assert ended.code == 1
    [body] = github.bodies()
    assert "there is no plan" in body
    assert "Digest:" not in body
    repository.edit("specs/wanctl.yaml", "projct: money-rain", "project: other-rain")
    repository.run("feature", pull_request(github, repository.push("feature")))
    [body] = github.bodies()
    assert "other-rain" in body


def test_the_specs_of_the_base_are_not_planned_as_the_requests(
    repository: Repository, github: GitHubServer
) -> None:
    base = repository.push("main")
    repository.edit("specs/money-rain.yaml", "capacity: 1", "capacity: 2")
    head = repository.push("feature")
    environ = {**pull_request(github, head), "GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_SHA": base}
    ended = repository.run("main", environ)
    assert ended.code == 1
    assert "let the workflow run on pull_request instead" in ended.printed
    [body] = github.bodies()
    assert "there is no plan" in body


def test_a_plan_of_an_older_commit_stays_off_the_request(
    repository: Repository, github: GitHubServer
) -> None:
    old = repository.push("feature")
    environ = pull_request(github, old)
    github.head = new = repository.push("feature")
    ended = repository.run("feature", environ)
    assert ended.code == 0
    assert github.bodies() == []
    assert f"no comment on #7: it is at {new[:12]} by now" in ended.printed


def test_a_person_approves_the_very_plan_of_the_branch(
    repository: Repository, github: GitHubServer, sandbox: tuple[str, Sandbox]
) -> None:
    commit = repository.push("main")
    planned = repository.run("main", pushed(github, commit), "--mode", "plan")
    digest = planned.outputs["digest"]
    assert planned.code == 0
    for wrong, told in (("0" * 64, "not the one that was approved"), ("", "is no plan's digest")):
        refused = repository.run("main", pushed(github, commit), "--approve", wrong)
        assert refused.code == 1
        assert told in refused.printed
        assert told in refused.summary.replace("`", "")
        assert "**Nothing was changed.**" in refused.summary
    assert {one.method for one in sandbox[1].requests()} == {"GET"}
    applied = repository.run("main", pushed(github, commit), "--approve", digest)
    assert applied.code == 0, applied.printed
    assert "**2 calls made:**" in applied.summary
    again = repository.run("main", pushed(github, commit), "--approve", digest)
    assert again.code == 1, "what was approved is done, and this is another plan"


def test_an_approval_where_only_a_plan_is_made_is_a_mistake(
    repository: Repository, github: GitHubServer
) -> None:
    environ = pull_request(github, repository.push("feature"))
    ended = repository.run("feature", environ, "--approve", "0" * 64)
    assert ended.code == 1
    assert "--approve is for an apply" in ended.printed


def test_nothing_that_stands_in_the_specs_is_a_command_to_githubs_runner(
    repository: Repository, github: GitHubServer
) -> None:
    """A line of the log with ::name:: or ##[name] is one, wherever it comes from."""
    said = "##[set-output name=digest;]0 ::add-mask::ada"

    def told(ended: EndedJob) -> tuple[str, list[str]]:
        lines = ended.printed.splitlines()
        [stop] = [line for line in lines if line.startswith("::stop-commands::")]
        assert lines.index(stop) < min(number for number, line in enumerate(lines) if "set-output" in line)
        return stop.removeprefix("::stop-commands::"), lines

    repository.edit("specs/money-rain.yaml", "Then the ${trigger}", f"{said} the ${{trigger}}")
    planned = repository.run("feature", pull_request(github, repository.push("feature")))
    assert planned.code == 0, planned.printed
    first, lines = told(planned)
    assert len(first) > 20
    assert lines[-1] == f"::{first}::"
    repository.edit("specs/money-rain.yaml", "capacity: 1", f'capacity: "{said}"')
    failed = repository.run("feature", pull_request(github, repository.push("feature")))
    assert failed.code == 1
    second, lines = told(failed)
    assert second != first
    assert f"::{second}::" not in lines, "the error is printed at the very end"
    server = GitLabServer(me="project_42_bot")
    with served(server):
        elsewhere = repository.run("feature", merge_request(server, repository.push("feature")))
    assert "stop-commands" not in elsewhere.printed


@pytest.mark.parametrize("link", ["wanctl-artifacts", "wanctl-artifacts/previews"])
def test_a_link_in_the_place_of_the_artefacts_is_not_followed(
    repository: Repository, github: GitHubServer, tmp_path: Path, link: str
) -> None:
    """Whatever it leads to would be written into, and uploaded as an artefact."""
    (tmp_path / "elsewhere").mkdir()
    (repository.author / link).parent.mkdir(exist_ok=True)
    (repository.author / link).symlink_to(tmp_path / "elsewhere")
    ended = repository.run("feature", pull_request(github, repository.push("feature")))
    assert ended.code == 0
    assert f"{link} is a link, and is not followed" in ended.printed
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert ended.outputs["plan"] == ""
    assert ended.outputs["status"] == "changes"


def test_what_was_only_checked_has_the_keys_of_a_plan(outside: Repository, github: GitHubServer) -> None:
    ended = outside.run("feature", pull_request(github, outside.push("feature"), "mallory/models"))
    result = json.loads(ended.artefact("result.json"))
    assert (result["format_version"], result["status"], result["errored"]) == ("1.0", "valid", False)
    told = {"why", "if_nothing_exists", "recorded", "untold"}
    assert result.keys() - told == failure_of(ValueError(), (), None, None).as_json().keys()
