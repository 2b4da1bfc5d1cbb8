"""What `exclude:` leaves out of a dataset: patterns as in .gitignore, each of a kind that is matched quickly.

Patterns come with specs, so from anybody, and a match must not go on for ever: stars in one name are matched
from the left and never taken back, and what cannot be bounded so is limited in number.
"""

import re
import warnings
from collections.abc import Callable, Sequence

from wanctl.dataset.contents import DatasetError

MOST_PATTERNS = 100  # of one dataset
LONGEST_PATTERN = 500  # characters
_MOST_FOLDER_STARS = 3  # ** in one pattern
_MOST_STARS = 2  # in a pattern that has brackets, too
_STAR, _ANY = "[^/]*", "[^/]"  # a star and a question mark, as the library spells them
Leave = Callable[[str], bool]


def fault_of(pattern: str) -> str | None:
    """Why a pattern is none that is matched; None where it is one."""
    if not pattern.strip() or pattern.lstrip().startswith(("!", "#")):
        return "must be a pattern of what to leave out, as in raw/ or *.psd"
    if len(pattern) > LONGEST_PATTERN:
        return f"must be at most {LONGEST_PATTERN} characters long"
    if pattern.count("**") > _MOST_FOLDER_STARS:
        return f"must have ** at most {_MOST_FOLDER_STARS} times"
    if "[" in pattern and pattern.count("*") > _MOST_STARS:
        return f"must have at most {_MOST_STARS} stars where it has brackets"
    return None


def leaving_out(exclude: Sequence[str]) -> Leave:
    """Whether a path is left out; the library is loaded only where there are patterns."""
    if not exclude:
        return lambda _: False
    from pathspec import GitIgnoreSpec

    # Brackets in brackets mean today what they say.
    warnings.filterwarnings("ignore", category=FutureWarning, module="pathspec")
    try:
        read = GitIgnoreSpec.from_lines(exclude)
    except (ValueError, re.error) as error:
        raise DatasetError(f"exclude: there is a pattern that .gitignore does not know: {error}") from None
    for one in read.patterns:
        if one.regex is None or "[" in str(one.pattern):
            continue
        one.regex = re.compile(without_returning(one.regex.pattern))
    return GitIgnoreSpec(read.patterns, backend="simple").match_file


def without_returning(expression: str) -> str:
    """The same expression, in which a star that another one follows in the same name takes the first match.

    What stands between two stars has a fixed length, so the first place where it fits is as good as any.
    """
    begin, *behind = expression.split(_STAR)
    whole = begin
    for number, fixed in enumerate(behind):
        last = number == len(behind) - 1
        whole += f"{_STAR}{fixed}" if last or "/" in fixed.replace(_ANY, "") else f"(?>{_STAR}?{fixed})"
    return whole
