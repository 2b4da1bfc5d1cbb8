"""The package that a CI machine installs: something that is pinned, from where a person said.

A bare name is resolved by whichever index the machine asks, where it may be a stranger's. So a workflow
gets the commit or wheel that this wanctl came from, or what --package says, or nothing: then its first
step says so.
"""

import json
import re
from importlib.metadata import PackageNotFoundError, distribution

from wanctl.project.errors import ProjectError

_REQUIREMENT = r"(?:wanctl(?:\[[a-z,-]+\])? ?@ ?)?"
_PINNED = re.compile(
    rf"{_REQUIREMENT}git\+(?:https|ssh)://[\w.@:-]+/[\w./~%-]+@(?:[0-9a-f]{{40}}|v?\d[\w.+-]*)"
    rf"|{_REQUIREMENT}https://[\w.:-]+/[\w./~%+-]+\.whl(?:#sha256=[0-9a-f]{{64}})?"
    r"|\.?/?[\w./-]+\.whl"
    r"|wanctl(?:\[[a-z,-]+\])?==\d[\w.+]*",
    re.ASCII,
)


def check_package(text: str) -> str:
    """The words for pip, if they name one thing; empty is not said yet."""
    if text and not _PINNED.fullmatch(text):
        raise ProjectError(
            f"{text!r} is not pinned: write git+https://HOST/PATH@COMMIT, a wheel's address, a wheel in this "
            "repository, or wanctl==VERSION if the index that CI asks has it from people you trust"
        )
    return text


def installed_from() -> str:
    """Where this wanctl was installed from, as pip noted it; empty where that is no place for CI."""
    try:
        noted = json.loads(distribution("wanctl").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return ""
    return _requirement(noted)


def _requirement(noted: dict[str, dict[str, object]]) -> str:
    """PEP 610's note of a direct URL as what pip would be told to get the same again."""
    url, commit = noted.get("url", ""), noted.get("vcs_info", {}).get("commit_id")
    if commit:
        found = f"git+{url}@{commit}"
    else:
        hashes = noted.get("archive_info", {}).get("hashes")
        sha256 = hashes.get("sha256") if isinstance(hashes, dict) else None
        found = f"{url}#sha256={sha256}" if sha256 else f"{url}"
    remote = "://" in found and not found.startswith("file:")
    return found if remote and _PINNED.fullmatch(found) else ""
