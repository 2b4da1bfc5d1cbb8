"""Since when what waits has been waiting, written down: or a loop that is restarted each day would never see
a wait of more than a day. What cannot be read is forgotten.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from wanctl.base.files import PUBLIC, replace_file
from wanctl.watch.status import LoopStatus

_Since = TypeAdapter(dict[str, AwareDatetime])


class Waits:
    """Remembers in a file since when something waits; listens to the loop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self, now: datetime) -> Mapping[str, datetime]:
        """As they were written down. Nothing has been waiting since a time that is still to come."""
        try:
            return {wait: min(at, now) for wait, at in _Since.validate_json(self._path.read_bytes()).items()}
        except (OSError, ValidationError):
            return {}

    def completed(self, loop_status: LoopStatus) -> None:
        replace_file(self._path, _Since.dump_json(dict(loop_status.waiting_since)), mode=PUBLIC)

    def failed(self, loop_status: LoopStatus) -> None:
        """Nothing has been seen."""
