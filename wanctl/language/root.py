"""The only way from specs to files and URLs: specs may come from people whom nobody knows.

Nothing outside the project's root is read, nor what is hidden inside it: a path is followed through its
symlinks first and judged then. URLs are fetched where plans run: named stores and https only, no chain of
protocols, nothing in the machine's own network. `yaml.nodes` hides a password in one.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from wanctl.base.errors import WanctlError
from wanctl.base.redaction import without_secrets
from wanctl.base.words import did_you_mean, listed, quoted
from wanctl.finding import Finding, Place, Severity
from wanctl.language.findings import SpecErrors
from wanctl.rules import Rule

SETTINGS_FILE = "wanctl.yaml"
LARGEST_TEXT = 64 * 1024
LARGEST_YAML = 8 * 1024 * 1024
_YAML = frozenset({".yaml", ".yml"})


class PathRefused(WanctlError, ValueError):  # noqa: N818 - reads as what happened
    """A file that specs may not have, or that cannot be read; `hint` says what would do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Root:
    """The folder that bounds what specs can read: the enclosing git work tree, else the project's own."""

    path: Path
    directory: Path

    @classmethod
    def around(cls, directory: Path) -> Self:
        directory = directory.resolve()
        for folder in (directory, *directory.parents):
            if (folder / ".git").exists():
                return cls(folder, directory)
        return cls(directory, directory)

    def follow(self, folder: Path, written: str) -> Path:
        """The file or folder that a path in the specs leads to, if it may: it need not exist."""
        path = self.locate(folder, written)
        if any(part.startswith(".") for part in path.relative_to(self.path).parts):
            raise PathRefused(
                f"{written} is hidden, and specs use visible files only", "give it a name without a dot"
            )
        return path

    def locate(self, folder: Path, written: str) -> Path:
        """The same for what wanctl itself keeps, which may be hidden, but not in git's own folder."""
        if not written.strip() or "\0" in written:
            raise PathRefused("must be a path")
        if Path(written).is_absolute() or written.startswith("~"):
            raise PathRefused(f"{written} is not relative", "write it relative to this file")
        try:
            path = (folder / written).resolve()
        except (OSError, RuntimeError) as error:  # a loop of symlinks
            raise PathRefused(f"{written} cannot be followed: {error}") from None
        if not path.is_relative_to(self.path):
            raise PathRefused(
                f"{written} leads out of the project's root {self.path}",
                "copy what you need into the project; its root is the git work tree around it, if any",
            )
        if ".git" in path.relative_to(self.path).parts:
            raise PathRefused(f"{written} leads into git's own folder")
        return path

    def shown(self, path: Path) -> str:
        """A path as a person in the current folder would type it."""
        current = Path.cwd()
        return str(path.relative_to(current)) if path.is_relative_to(current) else str(path)

    def named(self, path: Path) -> str:
        """A path as it is the same on every machine: from the project's folder, else from the root."""
        base = self.directory if path.is_relative_to(self.directory) else self.path
        return path.relative_to(base).as_posix()

    def specs(self) -> Iterator[Path]:
        """wanctl.yaml and every YAML file beneath, but for hidden folders and nested projects."""
        yield self.directory / SETTINGS_FILE
        yield from self._beneath(self.directory)

    def _beneath(self, folder: Path) -> Iterator[Path]:
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith(".") or (entry.name == SETTINGS_FILE and folder == self.directory):
                continue
            if entry.is_dir():
                if not entry.is_symlink() and not (entry / SETTINGS_FILE).exists():
                    yield from self._beneath(entry)
            elif entry.suffix in _YAML:
                yield entry

    def read_spec(self, path: Path) -> str:
        """A YAML file's text. A link may lead to another one, and to nothing else: its lines are quoted."""
        target = self.locate(path.parent, path.name)
        if path.is_symlink():
            self.follow(path.parent, path.name)
            if target.suffix not in _YAML:
                raise PathRefused(
                    f"{path.name} is a link to a file that is no YAML", "commit the file itself"
                )
        return _read(path, path.name, LARGEST_YAML)

    def read_text(self, folder: Path, written: str) -> tuple[str, str]:
        """The text behind {file: …}, without its last line's end, and the file's name."""
        path = self.follow(folder, written)
        text = _read(path, written, LARGEST_TEXT).replace("\r\n", "\n")
        return text.removesuffix("\n"), self.named(path)

    def shown_text(self, folder: Path, written: str) -> str:
        """The name of such a text as a person would type it."""
        return self.shown(self.follow(folder, written))


def followed(path: Path) -> Path:
    """Where a link leads; a loop leads nowhere, and is told when it is read."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


def likely_meant(path: Path, written: str) -> str | None:
    """Of a path that leads to nothing: the path as it may have been meant, by what lies beside it."""
    parts, missing = list(Path(written).parts), path
    behind: list[str] = []
    while not missing.parent.is_dir() and len(parts) > 1:
        behind.insert(0, parts.pop())
        missing = missing.parent
    try:
        names = [entry.name for entry in missing.parent.iterdir() if not entry.name.startswith(".")]
    except OSError:
        return None
    near = did_you_mean(missing.name, sorted(names))
    return Path(*parts[:-1], near, *behind).as_posix() if near else None


def _read(path: Path, written: str, largest: int) -> str:
    try:
        if not path.exists():
            near = likely_meant(path, written)
            raise PathRefused(f"there is no file {written}", f"did you mean {near}?" if near else None)
        if not path.is_file():
            raise PathRefused(f"{written} is not a file")
        with path.open("rb") as stream:
            data = stream.read(largest + 1)
    except OSError as error:
        raise PathRefused(f"{written} cannot be read: {error.strerror or error}") from None
    if len(data) > largest:
        raise PathRefused(f"{written} is larger than {largest // 1024:,} KB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PathRefused(f"{written} is not UTF-8 at byte {error.start:,}") from None


def local_part(url: str) -> str | None:
    """The path behind file://; None for a URL that may be fetched; anything else is refused."""
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if "::" in url or "\\" in url or not url.isprintable():
        raise PathRefused(f"{quoted(without_secrets(url))} is not a plain URL")
    if scheme == "file":
        return rest.removeprefix("localhost/")
    from wanctl.dataset.remote import EXTRAS

    if scheme not in EXTRAS:
        known = sorted({*EXTRAS, "file"} - {"http"})
        raise PathRefused(
            f"{scheme}:// is not known", f"there are {listed(known)}; or a path, or {{file_id: …}}"
        )
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise PathRefused(f"{without_secrets(url)} is not a URL: {error}") from None
    if not host:
        raise PathRefused(f"{without_secrets(url)} names no bucket or host")
    if scheme in {"http", "https"}:
        _check_host(scheme, host)
    return None


def _check_host(scheme: str, host: str) -> None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        inside, loopback = host.endswith((".internal", ".local")), host == "localhost"
    else:
        loopback = address.is_loopback
        inside = not address.is_global and not loopback
    if inside:
        raise PathRefused(f"{host} is in the machine's own network, which specs cannot reach")
    if scheme == "http" and not loopback:
        raise PathRefused("http:// is not encrypted", "write https://")


def find_project(start: Path) -> Path:
    """The folder of the project: where one is, or its specs/. SpecErrors says what was looked for."""
    if start.name == SETTINGS_FILE and start.is_file():
        return start.parent
    looked = (start, start / "specs")
    for folder in looked:
        if (folder / SETTINGS_FILE).is_file():
            return folder
    raise SpecErrors([no_project(start, looked)])


def no_project(start: Path, looked: tuple[Path, ...]) -> Finding:
    names = listed([str(folder / SETTINGS_FILE) for folder in looked], "or")
    message = f"there is no project here: no {names}"
    misnamed = [folder / "wanctl.yml" for folder in looked if (folder / "wanctl.yml").exists()]
    hint = (
        f"rename {misnamed[0]} to {SETTINGS_FILE}"
        if misnamed
        else "go to the project's folder, or name it with -C DIR; to begin one: wanctl init"
    )
    return Finding.at(Place(str(start), 0, 0), Severity.ERROR, Rule.NO_PROJECT, message, hint=hint)
