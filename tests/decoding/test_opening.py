"""Media are opened in one place, in children only, and never with what a file names in it."""

import ast
import io
import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from tests.dataset.making import good
from tests.harness import Harness, dataset
from wanctl.decoding.child import TooMuchError
from wanctl.decoding.demuxers import demuxer_for
from wanctl.decoding.opening import DEMUXERS, opened_clip

ROOT = Path(__file__).parents[2]
OPENS = "wanctl/decoding/opening.py"
WRITES = {"wanctl/generation/joining.py", "wanctl/dataset/preparing/encoding.py"}  # files of our own


def sources(*words: str) -> list[tuple[str, ast.Module]]:
    """The modules in which one of these words stands, without the sandbox."""
    files = sorted((ROOT / "wanctl").rglob("*.py"))
    read = {one.relative_to(ROOT).as_posix(): one.read_text(encoding="utf-8") for one in files}
    return [
        (name, ast.parse(text))
        for name, text in read.items()
        if not name.startswith("wanctl/sandbox/") and any(word in text for word in words)
    ]


def called(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return ast.unparse(node.func)
    return ""


def test_one_place_opens_media() -> None:
    places = {
        name
        for name, module in sources(".open(")
        for node in ast.walk(module)
        if called(node) in {"av.open", "Image.open"}
        and not (name in WRITES and '"w"' in ast.unparse(node).replace("'", '"'))
    }
    assert places == {OPENS}


def test_every_job_that_is_asked_for_is_there() -> None:
    jobs = {
        node.value
        for _, module in sources('_job"')
        for node in ast.walk(module)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("wanctl.")
        and node.value.endswith("_job")
    }
    assert len(jobs) >= 12
    for job in jobs:
        module, _, name = job.partition(":")
        assert callable(getattr(import_module(module), name))


LOOK = """
import json, sys
from wanctl.cli import main
sys.argv = ["wanctl", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
sys.stderr.write(json.dumps([name for name in sys.modules if name in {"av", "PIL.PngImagePlugin"}]))
"""


@pytest.mark.parametrize("command", [("dataset", "inspect", "train")])
def test_the_process_that_has_the_key_loads_no_decoder(tmp_path: Path, command: tuple[str, ...]) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(dataset())
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *command], cwd=harness.specs, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr.splitlines()[-1]) == []


PLAYLISTS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "hls": ("hls", lambda other: f"#EXTM3U\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n"),
    "concat": ("concat", lambda other: f"ffconcat version 1.0\nfile '{other}'\n"),
}


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_no_playlist_is_opened(tmp_path: Path, kind: str) -> None:
    other = tmp_path / "clip.mp4"
    other.write_bytes(good(1)["clip_1.mp4"])
    demuxer, content = PLAYLISTS[kind]
    written = content(other).encode()
    assert demuxer_for(written.ljust(600)) is None
    assert demuxer not in DEMUXERS
    with pytest.raises(TooMuchError), opened_clip(io.BytesIO(written), demuxer):
        pass
    with pytest.raises(Exception, match="Invalid data"), opened_clip(io.BytesIO(written), "mov"):
        pass


def test_a_name_that_is_an_address_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("concat:a|b.mp4").write_bytes(good(1)["clip_1.mp4"])
    with opened_clip(Path("concat:a|b.mp4"), "mov") as container:
        assert container.streams.video
