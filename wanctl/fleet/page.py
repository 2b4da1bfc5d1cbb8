"""The fleet as a page in a browser: read-only, loads nothing, reads itself again."""

from datetime import datetime
from urllib.parse import urlencode

from wanctl.fleet.overview import Overview, ProjectView, spell
from wanctl.render.html import render, styled
from wanctl.watch.page import REFRESH, moment

MOST_SHOWN = 500  # rows; a browser, and a person, get no further


def fleet_policy() -> str:
    """What the page may do: its own style, and its own filter."""
    digest = styled("fleet.css")["style_hash"]
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


def fleet_html(
    overview: Overview, place: str, next_round: datetime | None, state: str = "", text: str = ""
) -> str:
    """The whole page; `state` and `text` narrow the table."""
    found = overview.only(state, text)
    return render(
        "fleet.html.j2",
        **styled("fleet.css"),
        place=place,
        title="fleet",
        refresh=REFRESH,
        overview=overview,
        projects=found[:MOST_SHOWN],
        hidden=max(len(found) - MOST_SHOWN, 0),
        state=state,
        text=text,
        next_round=next_round,
        moment=moment,
        spell=spell,
        link=_link,
    )


def _link(one: ProjectView) -> str:
    """The page of one project."""
    return f"/project?{urlencode({'name': str(one.name)})}"
