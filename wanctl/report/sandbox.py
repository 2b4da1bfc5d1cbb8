"""The sandbox's contents for a person's eyes."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text


def sandbox_lines(found: Mapping[str, Any]) -> Iterator[Text]:
    """The clock, then each object on its line."""
    yield Text.assemble(("sandbox", "bold"), f"  {found.get('now')}  speed {found.get('speed')}")
    for kind in ("files", "jobs", "deployments", "tasks"):
        rows = found.get(kind) or []
        yield Text(f"  {kind}: {len(rows) or 'none'}")
        for row in rows:
            facts = [str(value) for key, value in row.items() if value not in (None, "", {}, [])]
            yield Text("    " + "  ".join(facts)[:160], style="dim")
