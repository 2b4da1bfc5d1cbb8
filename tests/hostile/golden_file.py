"""Golden answers of a class of hostile inputs: one file for a class, a section for a case."""

import re
import tempfile
from pathlib import Path

from filelock import FileLock

_FOLDER = Path(__file__).parent / "golden"
_HEAD = re.compile(r"^=== (.+)$", re.MULTILINE)


def golden(group: str) -> dict[str, str]:
    """Name of a case → what was answered."""
    path = _FOLDER / f"{group}.golden"
    if not path.exists():
        return {}
    parts = _HEAD.split(path.read_text(encoding="utf-8"))[1:]
    return {name: body.strip("\n") + "\n" for name, body in zip(parts[::2], parts[1::2], strict=True)}


def renew(group: str, name: str, text: str) -> None:
    """Write one section anew, and leave the others."""
    _FOLDER.mkdir(exist_ok=True)
    with FileLock(Path(tempfile.gettempdir()) / f"hostile-{group}.lock"):  # several processes renew at once
        sections = {**golden(group), name: text}
        whole = "\n".join(f"=== {one}\n{sections[one]}" for one in sorted(sections))
        (_FOLDER / f"{group}.golden").write_text(whole, encoding="utf-8")
