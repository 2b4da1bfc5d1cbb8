"""fleet.yaml: the repositories, folders and environments that one process keeps."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from wanctl.base.errors import WanctlError
from wanctl.finding import Place
from wanctl.language.findings import Findings, SpecErrors
from wanctl.language.load import environments_of
from wanctl.language.root import SETTINGS_FILE
from wanctl.language.translation import complaints
from wanctl.language.yaml.documents import SourceFile
from wanctl.language.yaml.nodes import dotted
from wanctl.rules import Rule

EVERY = "*"  # all environments that a project has
ANYWHERE = ("**",)
_EXAMPLE = "write version: 1 and repositories: [{path: ., ref: origin/main}]"


class FleetError(WanctlError):
    """The fleet as a whole cannot be had. A single project that is broken holds up nobody."""


class Repository(BaseModel):
    """One clone on this machine, the ref of it that is followed, and which of its projects."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Path()
    ref: str = "origin/main"
    projects: Annotated[tuple[str, ...], Field(min_length=1)] = ANYWHERE
    environments: tuple[str, ...] = ()

    @field_validator("projects")
    @classmethod
    def _inside(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            path = PurePosixPath(pattern)
            if path.is_absolute() or ".." in path.parts or not path.parts:
                raise ValueError("must be a folder within the repository, such as teams/*")
        return patterns


class FleetFile(BaseModel):
    """The whole file, as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    repositories: Annotated[tuple[Repository, ...], Field(min_length=1)]

    @field_validator("repositories")
    @classmethod
    def _once(cls, repositories: tuple[Repository, ...]) -> tuple[Repository, ...]:
        if len({one.path for one in repositories}) < len(repositories):
            raise ValueError("must name each clone once; a second ref needs a second clone")
        return repositories


@dataclass(frozen=True)
class FleetScope:
    """The repositories that are kept, and the folder in which the fleet itself is at home."""

    home: Path
    repositories: tuple[Repository, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file, whose own folder its paths start from. SpecErrors tells everything that is wrong."""
        file, home = _read(path), path.resolve().parent
        based = (one.model_copy(update={"path": (home / one.path).resolve()}) for one in file.repositories)
        return cls(home, tuple(based))

    @classmethod
    def below(cls, root: Path, ref: str, environment: str | None) -> Self:
        """All projects in one folder."""
        environments = (environment,) if environment else ()
        repository = Repository(path=root.resolve(), ref=ref, environments=environments)
        return cls(repository.path, (repository,))


def _read(path: Path) -> FleetFile:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FleetError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FleetError(f"{path} is no text in UTF-8") from error
    findings = Findings()
    document = next(SourceFile(str(path), text, findings).documents(), None)
    findings.raise_if_broken()
    if document is None or not isinstance(document.value, dict):
        findings.error(Place(str(path), 1, 1), Rule.DOCUMENT, "it must be a mapping", hint=_EXAMPLE)
        raise SpecErrors(findings.sorted())
    try:
        return FleetFile.model_validate(document.value)
    except ValidationError as error:
        for one in complaints(error, FleetFile):
            place = document.place_of(one)
            findings.error(place, one.rule, one.message, path=f"Fleet.{dotted(one.path)}", hint=one.hint)
        raise SpecErrors(findings.sorted()) from error


@dataclass(frozen=True, order=True)
class MemberName:
    """A project of the fleet: its folder within the repository's, and the environment that is kept."""

    repository: Path
    folder: str
    environment: str = ""  # none: the project without one

    def __str__(self) -> str:
        place = self.repository.name if self.folder == "." else self.folder
        return f"{place} ({self.environment})" if self.environment else place

    @property
    def home(self) -> Path:
        """Where this machine keeps the project's ledger and caches."""
        return self.repository / self.folder


def members_of(repository: Repository, top: Path) -> tuple[MemberName, ...]:
    """The repository's projects as they stand in a folder, each in the environments asked for."""
    return tuple(
        sorted(
            MemberName(repository.path, folder.relative_to(top).as_posix(), environment)
            for folder in _folders(top, repository.projects)
            for environment in _environments(folder, repository.environments)
        )
    )


def _folders(top: Path, patterns: tuple[str, ...]) -> set[Path]:
    """Where a wanctl.yaml is. What is hidden, or a way out of the folder, is passed over."""
    found = set()
    for pattern in patterns:
        for settings in top.glob(f"{pattern}/{SETTINGS_FILE}"):
            within = settings.parent.relative_to(top)
            hidden = any(part.startswith(".") for part in within.parts)
            if not hidden and settings.parent.resolve().is_relative_to(top.resolve()):
                found.add(settings.parent)
    return found


def _environments(folder: Path, asked: tuple[str, ...]) -> Iterator[str]:
    """An environment that a project does not have is passed over."""
    known = environments_of(folder) if asked else ()
    if EVERY in asked:
        yield from known or ("",)
    elif asked:
        yield from (name for name in asked if name in known)
    else:
        yield ""
