"""A refusal by the machine is no fault of wanctl: a sentence, and no traceback."""

import errno
import os
import re
from pathlib import Path

import pytest

from wanctl.cli.faults import reported, sentences, spelt
from wanctl.project import Project
from wanctl.project.errors import ProjectError

SPECS = "version: 1\nproject: rain\n"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EMFILE])
def test_it_is_said_with_its_path(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), reported(debug=False):
        raise OSError(number, os.strerror(number), "/work/specs/.wanctl")
    said = capsys.readouterr().err
    assert said.startswith(f"error: /work/specs/.wanctl: {os.strerror(number)}.")
    assert "fault of wanctl" not in said


def test_what_should_not_have_happened_stays_a_fault() -> None:
    assert "fault of wanctl" in sentences(OSError(errno.EBADF, os.strerror(errno.EBADF)))[0]


@pytest.mark.parametrize(
    ("error", "first"),
    [
        (ProjectError("there is no key", "set one"), "there is no key; set one"),
        (OSError(errno.ENOSPC, "full", "/data"), f"/data: {os.strerror(errno.ENOSPC)}."),
    ],
)
def test_a_log_says_that_it_is_an_error_and_a_document_need_not(error: Exception, first: str) -> None:
    assert sentences(error)[0] == first
    assert spelt(error)[0] == f"error: {first}"
    assert sentences(error)[1:] == spelt(error)[1:]


def test_a_place_where_the_sandbox_cannot_be_kept_is_named(tmp_path: Path) -> None:
    (tmp_path / "wanctl.yaml").write_text(SPECS, encoding="utf-8")
    state = tmp_path / ".wanctl"
    state.write_text("a file where a folder should be", encoding="utf-8")
    project = Project.open(tmp_path)
    with pytest.raises(ProjectError, match=re.escape(f"keeps its account in {state / 'sandbox'}")):
        project.plan()
