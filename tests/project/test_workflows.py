"""The files for CI, read as the forges document them: known keys and values, nothing that moves under us."""

import json
import re
import shlex
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from wanctl.init.answers import ProjectOptions
from wanctl.init.scaffold import Scaffold

ROOT = Path(__file__).parents[2]

# https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
WORKFLOW = {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"}
JOB = {
    "name", "permissions", "needs", "if", "runs-on", "environment", "concurrency", "outputs", "env",
    "defaults", "steps", "timeout-minutes", "strategy", "continue-on-error", "container",
    "services", "uses", "with", "secrets",
}  # fmt: skip
STEP = {
    "id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "continue-on-error",
    "timeout-minutes",
}  # fmt: skip
PERMISSIONS = {"contents": {"read", "write", "none"}, "pull-requests": {"read", "write", "none"}}
INPUTS = {
    "actions/checkout": {"ref", "fetch-depth", "persist-credentials"},
    "actions/setup-python": {"python-version", "cache"},
    "actions/cache": {"path", "key", "restore-keys"},
    "actions/upload-artifact": {
        "name",
        "path",
        "if-no-files-found",
        "retention-days",
        "include-hidden-files",
    },
}
CONTEXTS = {
    "github.event.pull_request.number", "github.ref_name", "github.run_id", "github.token",
    "secrets.DASHSCOPE_API_KEY",
}  # fmt: skip

# https://docs.gitlab.com/ci/yaml/ and https://docs.gitlab.com/ci/variables/predefined_variables/
GITLAB_GLOBAL = {"default", "include", "stages", "variables", "workflow"}
GITLAB_JOB = {
    "stage", "image", "timeout", "rules", "interruptible", "resource_group", "cache",
    "before_script", "script", "after_script", "artifacts", "variables", "needs", "environment",
    "retry", "tags", "allow_failure", "id_tokens",
}  # fmt: skip
GITLAB_ARTIFACTS = {"when", "paths", "reports", "expire_in", "name", "exclude", "expose_as", "untracked"}
GITLAB_PREDEFINED = {
    "CI_PIPELINE_SOURCE", "CI_COMMIT_BRANCH", "CI_DEFAULT_BRANCH", "CI_SERVER_PROTOCOL", "CI_SERVER_HOST",
    "CI_SERVER_PORT", "CI_PROJECT_PATH",
}  # fmt: skip


def written(forge: str, tmp_path: Path, below: str = "") -> str:
    (tmp_path / ".git").mkdir()
    files = Scaffold.of(ProjectOptions("rain", "wan2.6-i2v", "singapore", forge), tmp_path / below).files
    return next(text for path, text in files.items() if path.suffix == ".yml")


@pytest.fixture(params=["", "models/storm"])
def workflow(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return written("github", tmp_path, request.param)


@pytest.fixture(params=["", "models/storm"])
def pipeline(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return written("gitlab", tmp_path, request.param)


def parsed(text: str) -> dict[str, Any]:
    """As GitHub reads YAML 1.2: `on` is a word and not `true`."""
    found = yaml.safe_load(text)
    return {"on" if key is True else key: value for key, value in found.items()}


@pytest.mark.parametrize("below", ["", "models/storm"])
@pytest.mark.parametrize(
    ("forge", "schema"),
    [
        ("github", ["vendor.github-workflows"]),
        ("gitlab", ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
    ],
)
def test_the_forges_own_schemas_take_them(forge: str, schema: list[str], below: str, tmp_path: Path) -> None:
    file = tmp_path / "workflow.yml"
    file.write_text(written(forge, tmp_path, below), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *schema, str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("below", ["", "models/storm"])
def test_a_linter_for_the_security_of_workflows_finds_nothing(below: str, tmp_path: Path) -> None:
    """Actions that are not pinned, permissions that are too wide, text of strangers in a shell, and more."""
    text = written("github", tmp_path, below)
    assert zizmor(text, tmp_path) == []
    for careless, rule in (
        (re.sub(r"@[0-9a-f]{40}", "@main", text, count=1), "unpinned-uses"),
        (text.replace("pull_request:  ", "pull_request_target:"), "dangerous-triggers"),
        (re.sub(r"permissions:\n +contents: write", "permissions: write-all", text), "excessive-permissions"),
        (
            text.replace("run: wanctl ci", "run: echo ${{ github.head_ref }} && wanctl ci"),
            "template-injection",
        ),
    ):
        assert rule in zizmor(careless, tmp_path)


def zizmor(text: str, folder: Path) -> list[str]:
    """The names of the rules that a workflow breaks. No network is asked."""
    file = folder / "linted.yml"
    file.write_text(text, encoding="utf-8")
    words = (
        "--offline",
        "--no-progress",
        "--no-config",
        "--quiet",
        "--collect=workflows",
        "--strict-collection",
    )
    [program] = (
        one for one in files("zizmor") or () if one.name == "zizmor"
    )  # its package is a program alone
    command = [str(program.locate()), *words, "--format=json", "--no-exit-codes", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return sorted(one["ident"] for one in json.loads(ended.stdout))


def test_a_github_workflow_has_documented_keys_alone(workflow: str) -> None:
    whole = parsed(workflow)
    assert set(whole) <= WORKFLOW
    assert set(whole["on"]) == {"pull_request", "push", "schedule", "workflow_dispatch"}
    assert all(re.fullmatch(r"\S+( \S+){4}", one["cron"]) for one in whole["on"]["schedule"])
    for job in whole["jobs"].values():
        assert set(job) <= JOB
        assert set(job["concurrency"]) == {"group", "cancel-in-progress"}
        for scope, access in job["permissions"].items():
            assert access in PERMISSIONS[scope]
        for step in job["steps"]:
            assert set(step) <= STEP
            assert ("uses" in step) != ("run" in step)


def test_github_actions_are_pinned_to_commits_and_get_inputs_that_they_know(workflow: str) -> None:
    for line in workflow.splitlines():
        if "uses:" in line:
            assert re.search(r"uses: [\w./-]+@[0-9a-f]{40}   # v\d+\.\d+\.\d+$", line), line
    for job in parsed(workflow)["jobs"].values():
        for step in job["steps"]:
            if "uses" in step:
                assert set(step.get("with", {})) <= INPUTS[step["uses"].partition("@")[0]]


def test_github_expressions_name_what_there_is_and_none_is_run_by_a_shell(workflow: str) -> None:
    assert {one.strip() for one in re.findall(r"\$\{\{(.*?)\}\}", workflow)} <= CONTEXTS
    for job in parsed(workflow)["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def test_a_github_plan_cannot_write_the_ledger_and_an_apply_is_alone(workflow: str) -> None:
    whole = parsed(workflow)
    plan, apply = whole["jobs"]["plan"], whole["jobs"]["apply"]
    assert whole["permissions"] == {}
    assert plan["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert apply["permissions"] == {"contents": "write"}
    assert apply["concurrency"]["cancel-in-progress"] is False
    assert "${{" not in apply["concurrency"]["group"]
    assert (plan["if"], apply["if"]) == (
        "github.event_name == 'pull_request'",
        "github.event_name != 'pull_request'",
    )


def test_a_gitlab_pipeline_has_documented_keys_alone(pipeline: str) -> None:
    whole = yaml.safe_load(pipeline)
    jobs = {name: job for name, job in whole.items() if name not in GITLAB_GLOBAL}
    assert len(jobs) == 2
    for job in jobs.values():
        assert set(job) <= GITLAB_JOB
        assert job["stage"] in {"build", "test", "deploy"}
        assert set(job["artifacts"]) <= GITLAB_ARTIFACTS
        assert set(job["artifacts"]["reports"]) == {"dotenv"}
        assert set(job["cache"]) <= {"key", "paths", "policy", "when"}
        for rule in job["rules"]:
            assert set(rule) <= {"if", "when", "changes", "exists", "variables", "allow_failure"}
        for line in (*job["before_script"], *job["script"]):
            assert isinstance(line, str)
    settings = " ".join(line for line in pipeline.splitlines() if not line.lstrip().startswith("#"))
    used = set(re.findall(r"\$\{?([A-Z_]+)", settings))
    assert used <= GITLAB_PREDEFINED | {"GITLAB_TOKEN", "WANCTL_PACKAGE"}


def test_a_gitlab_apply_is_alone_and_on_the_default_branch(pipeline: str) -> None:
    whole = yaml.safe_load(pipeline)
    [(_, apply)] = [(name, job) for name, job in whole.items() if name.endswith("-apply")]
    assert apply["resource_group"]
    assert apply["interruptible"] is False
    assert all("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in rule["if"] for rule in apply["rules"])


def _shown_instead(page: str, shown: str) -> str:
    """The page with this file in the place of the one that begins alike."""
    first = shown.partition("\n")[0]
    start = page.index(first)
    end = re.compile(r"^\S", re.MULTILINE).search(page, start)
    assert end is not None
    return page[:start] + shown + "\n" + page[end.start() :]


def test_the_page_for_users_shows_the_very_files(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    update = request.config.getoption("--update")
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    for forge in ("github", "gitlab"):
        (tmp_path / forge).mkdir()
        lines = written(forge, tmp_path / forge).splitlines()
        shown = "".join(f"    {line}\n" if line else "\n" for line in lines)
        if update:
            page = _shown_instead(page, shown)
            (ROOT / "docs" / "ci.md").write_text(page, encoding="utf-8")
        assert shown in page, f"docs/ci.md shows another file for {forge} than wanctl init writes"


def test_the_pre_commit_hook_is_one() -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert set(hook) == {"id", "name", "description", "entry", "language", "pass_filenames", "files"}
    assert (hook["id"], hook["entry"], hook["language"]) == ("wanctl-validate", "wanctl validate", "python")
    assert not hook["pass_filenames"]
    assert re.search(hook["files"], "specs/wanctl.yaml")
    assert re.search(hook["files"], "specs/prompts/rain.txt")
    assert not re.search(hook["files"], "README.md")


def test_the_image_runs_wanctl_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    steps = [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line and line[0] != "#"]
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD"}
    assert {name for name, *_ in steps} <= known
    bases = [words for name, words in steps if name == "FROM"]
    assert all(re.match(r"[\w.:-]+@sha256:[0-9a-f]{64}( AS \w+)?$", base) for base in bases), bases
    last = max(number for number, (name, _) in enumerate(steps) if name == "FROM")
    final = steps[last:]
    assert ("USER", "wanctl") in final
    assert [json.loads(words) for name, words in final if name == "ENTRYPOINT"] == [["wanctl"]]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for name, words in steps:
        sources = shlex.split(words)[:-1] if name == "COPY" and "--from" not in words else []
        for source in sources:
            assert (ROOT / source).exists()
            assert source.removeprefix("./") in kept
