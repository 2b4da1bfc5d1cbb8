"""A file is there whole or not at all, and nothing is left beside it; names from elsewhere are no paths."""

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wanctl.base.files import PRIVATE, PUBLIC, beside, file_name, replace_file, replacing


def test_what_was_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("old", encoding="utf-8")

    def interrupted() -> None:
        with replacing(file) as written:
            written.write(b"half of the ne")
            assert file.read_text(encoding="utf-8") == "old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert file.read_text(encoding="utf-8") == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["plan.json"]


def test_a_body_that_fails_leaves_no_new_file(tmp_path: Path) -> None:

    def full() -> None:
        with beside(tmp_path / "a.zip") as partial:
            partial.write_bytes(b"some")
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        full()
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from wanctl.base.files import replacing

with replacing(Path(sys.argv[1]), durable=True) as written:
    written.write(b"half of the ne")
    written.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="nothing is killed so there")
def test_a_writer_that_is_killed_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    file.write_text("old", encoding="utf-8")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert file.read_text(encoding="utf-8") == "old"
    replace_file(file, "new")  # what the killed one left beside it is in nobody's way
    assert file.read_text(encoding="utf-8") == "new"


@pytest.mark.skipif(os.name == "nt", reason="it has no such rights")
def test_rights_are_those_that_were_asked_for_or_that_it_had(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    replace_file(file, "new")
    assert _mode(file) == PRIVATE
    file.chmod(0o640)
    replace_file(file, "newer")
    assert _mode(file) == 0o640
    replace_file(file, b"newest", mode=PUBLIC, durable=True)
    assert (_mode(file), file.read_bytes()) == (PUBLIC, b"newest")


def _mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@given(st.text(max_size=300))
@example("../../x")
@example("..")
@example("")
@example("CON")
@example("con")
@example("com1.mp4")
@example("a..b")
@example("a.")
@example("wan2.6-i2v\n")
@example("/etc/passwd")
@example("a\\b")
@example("a\0b")
@example(".hidden")
@example("x" * 300)
@example("\ud800")
@example("checkpoint-160")
def test_a_name_is_one_plain_part_of_a_path(text: str) -> None:
    name = file_name(text)
    assert re.fullmatch(r"[a-z0-9_][a-z0-9._-]{0,79}", name)
    assert name not in {".", ".."}
    assert Path("/base", name).resolve() == Path("/base") / name
    assert os.path.normpath(name) == name
    assert not re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name)
    assert file_name(text) == name


@given(st.text(max_size=50), st.text(max_size=50))
@example("checkpoint-1", "Checkpoint-1")
@example("../x", "..\\x")
def test_two_texts_have_two_names(one: str, two: str) -> None:
    assert (file_name(one).lower() == file_name(two).lower()) == (one == two)


@given(st.text(max_size=50))
def test_no_plain_text_has_the_name_of_another(text: str) -> None:
    name = file_name(text)
    assert name == text or file_name(name) != name


def test_the_usual_names_stay_as_they_are() -> None:
    assert file_name("checkpoint-160") == "checkpoint-160"
    assert file_name("ft-202603180900-5599") == "ft-202603180900-5599"
    assert file_name("wan2.6-i2v-flash") == "wan2.6-i2v-flash"
