"""`wanctl init`: a new project's files, from the templates in this folder. Nothing is ever written over."""

import math
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

from wanctl.catalogue.base_models import Catalogue, CatalogueModel
from wanctl.catalogue.packaged import newest_edition, packaged_models
from wanctl.forge.registry import forge_named
from wanctl.init.answers import NO_FORGE, ProjectOptions, check_region
from wanctl.language.fields import LONGEST_NAME
from wanctl.language.root import SETTINGS_FILE, Root
from wanctl.language.rules.musts import LEAST_STEPS
from wanctl.project.errors import ProjectError
from wanctl.project.local import shown_path

IGNORED = (".wanctl/", "wanctl-artifacts/", "previews/")
SPEND = {"USD": 150, "CNY": 1000}  # a first limit, of about one training
REHEARSAL = "-rehearsal"
FEWEST_SAMPLES = 10
LAST_FRAMES = "first_and_last_frame"


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
    region = check_region(options.region)
    models = packaged_models(newest_edition(), region.name)
    price = Catalogue(models, region.name).price(options.model)
    currency = price.per_1k_tokens.currency if price else None
    last_frames = models[options.model].mode == LAST_FRAMES
    return {
        "title": options.name,
        "name": _scalar(options.name),
        "rehearsal": _scalar(options.name[: LONGEST_NAME - len(REHEARSAL)].rstrip("-_") + REHEARSAL),
        "model": options.model,
        "edition": newest_edition(),
        **_first_training(models[options.model]),
        "undocumented": region.name not in models[options.model].regions,
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


def _first_training(base: CatalogueModel) -> dict[str, int]:
    """Epochs that make enough steps of the fewest samples, as seldom looked at as the documents want."""
    usual, batch = base.defaults.n_epochs or 1, base.defaults.batch_size or 1
    epochs = max(usual, math.ceil(LEAST_STEPS / math.ceil(FEWEST_SAMPLES / batch)))
    every = max(base.defaults.eval_epochs or 1, math.ceil(epochs / 10))
    return {"epochs": epochs, "every": every, "choice": max(every, epochs // 2 // every * every)}


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
