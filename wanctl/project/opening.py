"""`wanctl.open`: a project for whoever writes Python."""

import logging
from pathlib import Path

from wanctl.project import Project
from wanctl.project.host import Host

_log = logging.getLogger("wanctl")


def open_project(
    directory: str | Path = ".", env: str | None = None, key: str | None = None, base_url: str | None = None
) -> Project:
    """The project whose specs are in this folder, in an environment of wanctl.yaml.

    Raises Error with everything that is wrong with the specs. The key is the given one, else that of the
    environment's DASHSCOPE_API_KEY, else that of ~/.dashscope; the sandbox needs none. `base_url` is another
    endpoint, and the only way to name a host that wanctl does not know. What a person should see besides the
    results is logged as a warning of the logger wanctl.
    """
    return Project.open(Path(directory), env, Host.here(base_url, key), _log.warning)
