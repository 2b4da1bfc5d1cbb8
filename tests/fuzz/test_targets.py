"""Any bytes, and good ones that were damaged: each reader gives a value, or a sentence of our own, soon."""

import random
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.fuzz import run
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS
from tests.hostile.playing import MOST_MEMORY, MOST_SECONDS

NAMES = sorted(TARGETS)
FEW = {"specs": 40, "plan": 60, "archive": 60, "cache": 60, "annotations": 60}


def damaged(seeds: Sequence[bytes], words: Sequence[bytes], dice: random.Random) -> bytes:
    """A seed with bytes changed, left out, put in, or taken from another seed."""
    content = bytearray(dice.choice(seeds))
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(content) + 1)
        end = min(len(content), at + dice.choice((0, 1, 4, 40)))
        other = dice.choice(seeds)
        begin = dice.randrange(len(other) + 1)
        content[at:end] = dice.choice(
            (
                b"",
                dice.randbytes(dice.randint(1, 4)),
                bytes([dice.choice((0, 1, 0x7F, 0x80, 0xFF))]) * (end - at),
                dice.choice(words or (b"\0",)),
                other[begin : begin + dice.choice((4, 40, 400))],
                bytes(content[at:end]) * dice.randint(1, 50),
            )
        )
    return bytes(content)


def met(target: Target, content: bytes) -> None:
    began = time.process_time()
    target.fed(content)
    assert time.process_time() - began <= MOST_SECONDS


@pytest.mark.parametrize("name", NAMES)
def test_any_bytes_end_with_a_value_or_a_sentence(name: str) -> None:
    target = TARGETS[name]
    seeds = list(target.seeds())
    before = most_memory()
    assert any(_is_good(target, one) for one in seeds)  # else nothing behind the first check is ever tried

    @settings(max_examples=examples(FEW.get(name, 100)), derandomize=True)
    @given(content=st.binary(max_size=200), dice=st.randoms(use_true_random=False))
    def meets_all(content: bytes, dice: random.Random) -> None:
        met(target, content)
        met(target, damaged(seeds, target.words, dice))

    meets_all()
    assert most_memory() - before <= MOST_MEMORY


def most_memory() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _is_good(target: Target, content: bytes) -> bool:
    try:
        return target.fed(content) is None
    except AssertionError:
        return False


def test_what_is_no_sentence_is_a_finding() -> None:
    def meet(content: bytes) -> None:
        {b"a": 1}[content]

    target = Target("x", meet, lambda: [b"a"])
    assert target.fed(b"a") is None
    with pytest.raises(KeyError):
        target.fed(b"b")


def test_a_finding_is_replayed_without_the_fuzzer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = tmp_path / "lease-crash-1"
    found.write_bytes(b"{}")
    assert run.main(["--replay", "lease", str(found)]) == 0
    assert "The lease on ledger.json is damaged" in capsys.readouterr().out
    found.write_bytes(b"")
    assert run.main(["--replay", "lease", str(found)]) == 0
    assert "it gives a value" in capsys.readouterr().out


def test_what_is_no_target_and_a_fuzzer_that_is_not_there_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="no target is called leases: there are specs, "):
        run.main(["--replay", "leases", "x"])
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert run.main([]) == 1
    assert "needs atheris" in capsys.readouterr().out
