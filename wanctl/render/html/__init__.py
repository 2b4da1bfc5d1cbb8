"""For browsers: pages and pictures that load nothing, from the templates of this folder.

Every value is made visible, and escaped unless a template says otherwise.
"""

import base64
import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from wanctl.base.words import counted
from wanctl.render.visible import visible
from wanctl.render.words import ACTIONS


def scripted(*names: str) -> dict[str, str]:
    """The script of a page, and the digest by which its policy allows that script and no other."""
    script = "".join(environment().get_template(name).render() for name in names)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"script": Markup(script), "script_hash": digest}  # noqa: S704 - a file of this package


def render(template: str, **values: Any) -> str:
    return environment().get_template(template).render(values)


def styled(*names: str) -> dict[str, str]:
    """The style of a page, and the digest by which its policy allows that style and no other."""
    style = "".join(environment().get_template(name).render() for name in names)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {"style": Markup(style), "style_hash": digest}  # noqa: S704 - files of this package


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("wanctl.render.html"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.update(actions=ACTIONS, counted=counted)
    return made


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
