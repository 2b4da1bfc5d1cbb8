"""Cutting in the middle: the first and the last of something too long, and how much stood between."""

from collections.abc import Sequence

HOLE = "…"


def fitted(parts: Sequence[str], room: int, gap: int = 1, hole: str = HOLE) -> tuple[list[str], int]:
    """Parts that fit into so many characters, from both ends, the hole between; and what was left out."""
    if sum(len(part) + gap for part in parts) <= room:
        return list(parts), 0
    left = room - len(hole) - gap
    first, last = 0, len(parts)
    while first < last:
        from_end = (len(parts) - last) * 2 < first  # twice as much of the beginning
        size = len(parts[last - 1 if from_end else first]) + gap
        if size > left:
            break
        left -= size
        first, last = (first, last - 1) if from_end else (first + 1, last)
    skipped = sum(len(part) for part in parts[first:last])
    return [*parts[:first], hole, *parts[last:]], skipped
