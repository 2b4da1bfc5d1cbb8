"""The answers that a project begins with: the default of each where nobody says one, and whether it can be.

CI installs a package that is pinned, from where a person said: a bare name is resolved by whichever index the
machine asks, where it may be a stranger's. So a workflow gets the commit or wheel that this wanctl came from,
or what --package says, or nothing: then its first step says so.
"""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from wanctl.base.words import quoted, suggestion
from wanctl.catalogue.packaged import newest_edition, packaged_models
from wanctl.forge.registry import FORGES, forge_at
from wanctl.language.fields import LONGEST_NAME, check_name
from wanctl.project.errors import ProjectError
from wanctl.project.local import shown_path
from wanctl.studio import regions
from wanctl.studio.errors import Misconfigured
from wanctl.studio.regions import REGIONS, Region, region_named

NO_FORGE = "none"
_REQUIREMENT = r"(?:wanctl(?:\[[a-z,-]+\])? ?@ ?)?"
_PINNED = re.compile(
    rf"{_REQUIREMENT}git\+(?:https|ssh)://[\w.@:-]+/[\w./~%-]+@(?:[0-9a-f]{{40}}|v?\d[\w.+-]*)"
    rf"|{_REQUIREMENT}https://[\w.:-]+/[\w./~%+-]+\.whl(?:#sha256=[0-9a-f]{{64}})?"
    r"|\.?/?[\w./-]+\.whl"
    r"|wanctl(?:\[[a-z,-]+\])?==\d[\w.+]*",
    re.ASCII,
)


@dataclass(frozen=True)
class ProjectOptions:
    """The options of a new project; `checked` says whether they can be."""

    name: str
    model: str
    region: str
    forge: str
    workspace: str | None = None
    pre_commit: bool = False
    package: str = ""  # what CI installs; empty: a person has yet to say it

    def checked(self) -> "ProjectOptions":
        check_project_name(self.name)
        check_model(self.model)
        region = check_region(self.region)
        if needs_workspace(region) and not self.workspace:
            raise ProjectError(f"region {region.name} has a host for each workspace: add --workspace ID")
        if self.workspace:
            check_workspace(self.workspace)
        check_forge(self.forge)
        check_package(self.package)
        return self


def check_project_name(name: str) -> str:
    try:
        return check_name(name)
    except ValueError as error:
        raise ProjectError(f"{quoted(name)} is no name: it {error}") from None


def check_model(model: str) -> str:
    models = list(packaged_models(newest_edition()))
    if model not in models:
        raise ProjectError(f"{quoted(model)} cannot be fine-tuned here: {suggestion(model, models, '')}")
    return model


def check_region(name: str) -> Region:
    if region := region_named(name):
        return region
    names = [region.name for region in REGIONS]
    raise ProjectError(f"there is no region {quoted(name)}: {suggestion(name, names, '')}")


def check_workspace(workspace: str) -> str:
    try:
        return regions.check_workspace(workspace)
    except Misconfigured as error:
        raise ProjectError(str(error)) from None


def check_forge(forge: str) -> str:
    if forge not in (known := forge_choices()):
        raise ProjectError(f"there is no forge {quoted(forge)}: {suggestion(forge, known, '')}")
    return forge


def forge_choices() -> list[str]:
    return [*(forge.name for forge in FORGES), NO_FORGE]


def needs_workspace(region: Region) -> bool:
    return "{workspace}" in region.base_url


def name_for(folder: Path) -> str:
    """The folder's name, as far as it can be a project's."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", folder.resolve().name).strip("-_")[:LONGEST_NAME]
    return plain.rstrip("-_") or "my-model"


def forge_for(folder: Path) -> str:
    """Where the clone's remote is, as far as its host tells."""
    git = shutil.which("git")
    if git is None or not folder.is_dir():
        return forge_at("").name
    command = [git, "-C", str(folder), "remote", "get-url", "origin"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603 - fixed words, no shell
    host = re.match(r"(?:\w+://)?(?:[^@/]*@)?([^:/]*)", found.stdout.strip())
    return forge_at(host[1] if host else "").name


def check_folder(folder: Path) -> Path:
    """A place where a folder is, or can be made."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise ProjectError(f"{shown_path(there)} is there already, and is no folder")
    return folder


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
