"""`wanctl init`: a new project's files, from the templates in this folder. Nothing is ever written over."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from wanctl.base.words import quoted, suggestion
from wanctl.catalogue.base_models import Catalogue
from wanctl.catalogue.packaged import packaged_models
from wanctl.forge.registry import FORGES, forge_at, forge_named
from wanctl.init.package import check_package
from wanctl.language.models import LONGEST_NAME, check_name
from wanctl.language.root import SETTINGS_FILE, Root
from wanctl.project.errors import ProjectError
from wanctl.project.local import shown_path
from wanctl.studio import regions
from wanctl.studio.errors import Misconfigured
from wanctl.studio.regions import REGIONS, Region

NO_FORGE = "none"
IGNORED = (".wanctl/", "wanctl-artifacts/", "previews/")
SPEND = {"USD": 150, "CNY": 1000}  # a first limit, of about one training
REHEARSAL = "-rehearsal"
LAST_FRAMES = "first_and_last_frame"


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
    models = list(packaged_models())
    if model not in models:
        raise ProjectError(f"{quoted(model)} cannot be fine-tuned here: {suggestion(model, models, '')}")
    return model


def check_region(name: str) -> Region:
    wanted = name.strip().lower().replace("_", "-")
    for region in REGIONS:
        if wanted in {region.name, *region.aliases}:
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


@dataclass(frozen=True)
class Scaffold:
    """The files of one new project, with their places."""

    folder: Path
    root: Path  # the enclosing work tree: where forges look for their files
    files: Mapping[Path, str]
    workflow: Path | None = None  # the one for CI

    @classmethod
    def of(cls, options: ProjectOptions, folder: Path) -> "Scaffold":
        folder = folder.resolve()
        root = Root.around(folder).path
        specs, values = folder / "specs", _values(options, folder, root)
        forge = forge_named(options.forge)
        workflow = root / forge.workflow(str(values["workflow"])) if forge else None
        templates = {
            specs / SETTINGS_FILE: "wanctl.yaml.j2",
            specs / f"{options.name}.yaml": "resources.yaml.j2",
            specs / "prompts" / f"{options.name}.txt": "prompt.txt.j2",
            folder / "data" / "README.md": "data.md.j2",
        }
        if workflow:
            templates[workflow] = f"{options.forge}.yml.j2"
        if options.pre_commit:
            templates[root / ".pre-commit-config.yaml"] = "pre-commit.yaml.j2"
        files = {path: _templates().get_template(name).render(values) for path, name in templates.items()}
        return cls(folder, root, files, workflow)

    def require_room(self) -> None:
        """An error that names every file which is there already, or would be read along with ours."""
        if taken := list(dict.fromkeys(self._in_the_way())):
            listed = "".join(f"\n  {shown_path(path)}" for path in taken)
            own = taken == [self.workflow]
            advice = f"\nTo add the jobs to it: --forge {NO_FORGE}; docs/ci.md shows them" if own else ""
            raise ProjectError(f"nothing was written, since this is there already:{listed}{advice}")

    def _in_the_way(self) -> Iterator[Path]:
        for path in self.files:
            parents = takewhile(lambda one: one != self.root, path.parents)
            no_folder = [one for one in parents if (one.is_symlink() or one.exists()) and not one.is_dir()]
            if no_folder:
                yield no_folder[-1]
            elif path.is_symlink() or path.exists():
                yield path
        specs, ignored = self.folder / "specs", self.folder / ".gitignore"
        if (self.folder / SETTINGS_FILE).exists():
            yield self.folder / SETTINGS_FILE  # it would be found first
        if specs.is_dir():
            yield from (path for path in Root(self.root, specs).specs() if path.exists())
        if (ignored.is_symlink() or ignored.exists()) and not ignored.is_file():
            yield ignored

    def write(self) -> list[Path]:
        """All the files, or none of them; and the lines that .gitignore lacks."""
        self.require_room()
        for path, text in self.files.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("x", encoding="utf-8") as stream:
                    stream.write(text)
            except OSError as error:
                raise ProjectError(f"{path} cannot be written: {error.strerror}") from error
        self._ignore()
        return [*self.files]

    def _ignore(self) -> None:
        path = self.folder / ".gitignore"
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        missing = [line for line in IGNORED if line not in text.splitlines()]
        if missing:
            gap = "" if not text or text.endswith("\n") else "\n"
            with path.open("a", encoding="utf-8") as stream:
                stream.write(gap + "".join(f"{line}\n" for line in missing))


def begin_repository(folder: Path) -> bool:
    """A work tree of git around the folder, made if there is none: the ledger's branch and the specs' root
    need one. True if one was made."""
    folder.mkdir(parents=True, exist_ok=True)
    if (Root.around(folder).path / ".git").exists():
        return False
    git = shutil.which("git")
    if git is None:
        raise ProjectError("git is not installed, and a project needs a repository: install it first")
    command = [git, "-c", "init.defaultBranch=main", "init", "--quiet", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - fixed words, no shell
    if made.returncode:
        raise ProjectError(f"git init failed in {folder}: {made.stderr.strip()}")
    return True


def _branch(root: Path) -> str:
    """The branch that pull requests are merged into, as far as the clone tells."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return "main"

    def told(*words: str) -> str:
        command = [git, "-C", str(root), *words]
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603 - fixed words, no shell
        return found.stdout.strip() if found.returncode == 0 else ""

    local = told("for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()
    usual = [name for name in ("main", "master") if name in local]
    born = told("symbolic-ref", "--short", "HEAD") if not local else ""
    remote = told("symbolic-ref", "--short", "refs/remotes/origin/HEAD").removeprefix("origin/")
    found = next((name for name in (remote, *usual, born) if name), "main")
    return found if re.fullmatch(r"[A-Za-z][\w./-]*", found, re.ASCII) else "main"


def _values(options: ProjectOptions, folder: Path, root: Path) -> dict[str, object]:
    """The variables of the templates; names of people's own are spelt so that YAML reads them as text."""
    below = "" if folder == root else folder.relative_to(root).as_posix()
    named = options.forge != NO_FORGE or options.pre_commit
    if named and not re.fullmatch(r"[\w./-]*", below, re.ASCII):
        raise ProjectError(
            f"{below} cannot be written into a workflow file", "use letters, digits, -, _ and ."
        )
    models, region = packaged_models(), check_region(options.region)
    price = Catalogue(models, region.name).price(options.model)
    currency = price.per_1k_tokens.currency if price else None
    last_frames = models[options.model].mode == LAST_FRAMES
    return {
        "title": options.name,
        "name": _scalar(options.name),
        "rehearsal": _scalar(options.name[: LONGEST_NAME - len(REHEARSAL)].rstrip("-_") + REHEARSAL),
        "model": options.model,
        "region": region.name,
        "workspace": _scalar(options.workspace) if options.workspace else None,
        "currency": currency,
        "spend": SPEND.get(currency or "", 0),
        "last_frames": last_frames,
        "first_frames": True,
        "package": _scalar(options.package) if options.package else None,
        "branch": _branch(root),
        "workflow": f"wanctl-{options.name}" if below else "wanctl",
        "there": f" -C {shlex.quote(below)}" if below else "",
        "specs": f"{below}/specs" if below else "specs",
        "pattern": f"{re.escape(below)}/" if below else "(specs|data)/",
    }


def _scalar(text: str) -> str:
    """The text as YAML that is read as this text, and not as a number, a date or a yes."""
    return text if yaml.safe_load(text) == text else f'"{text}"'


@cache
def _templates() -> Environment:
    """YAML and text, in which nothing is escaped; brackets, since forges have braces of their own."""
    return Environment(
        loader=PackageLoader("wanctl.init"),
        autoescape=False,  # noqa: S701 - none of it is HTML, and every value was checked
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
    )
