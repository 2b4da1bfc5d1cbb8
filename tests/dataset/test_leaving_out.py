"""Patterns of `exclude` mean what they mean in .gitignore, and none of them takes for ever."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.base import GitIgnorePatternError

from wanctl.dataset.leaving_out import LONGEST_PATTERN, fault_of, leaving_out

PATHS = st.lists(st.text("ab.", min_size=1, max_size=6), min_size=1, max_size=4).map("/".join)


@given(st.text("ab*?/.[]!", min_size=1, max_size=12), PATHS)
@example("*a*a*b", "xaab/ab")
@example("**/a*b*/c", "x/aab/c")
@example("*a/**/*b*a", "ba/a/ba")
@example("a**b*a", "abba")
def test_a_pattern_leaves_out_what_git_would(pattern: str, path: str) -> None:
    assume(fault_of(pattern) is None)
    try:
        expected = GitIgnoreSpec.from_lines([pattern], backend="simple").match_file(path)
    except GitIgnorePatternError:
        with pytest.raises(ValueError, match="pattern"):
            leaving_out([pattern])
        return
    assert leaving_out([pattern])(path) == expected


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 100 + "b", "a" * 250),
        ("*?" * 100 + "b", "a" * 250),
        ("*[a]*[c]b", "a" * 250),
        ("**/*a*a*a*a*a*b", "/".join(["a" * 250] * 32)),
        ("**/a/**/a/**/b", "/".join("a" * 32)),
        ("*a*/" * 30 + "*b", "/".join(["a" * 100] * 32)),
    ],
)
def test_no_pattern_takes_for_ever(pattern: str, path: str) -> None:
    """Taken back, the stars of the first would be matched more often than there are atoms."""
    assert fault_of(pattern) is None
    assert not leaving_out([pattern])(path)


@pytest.mark.parametrize(
    "pattern",
    ["**/a/" * 4 + "b", "*[a]*[a]*b", "[a-b]" * 2 + "*" * 3, "a" * (LONGEST_PATTERN + 1), " ", "!a"],
)
def test_what_could_take_for_ever_is_no_pattern(pattern: str) -> None:
    assert fault_of(pattern)
