"""The places that `ledger:` may name: a file, a branch of git, an object in a bucket. No I/O.

Anybody may have written the specs: a location names a remote that the clone knows already, never a URL.
"""

import json
import re

from wanctl.base.classes import dataclass

DEFAULT_REMOTE = "origin"
KNOWN = "a file path, git:BRANCH, s3://, oss://, gs:// or az://BUCKET/KEY"

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>//)?(?P<rest>.*)", re.DOTALL)
_GIT = re.compile(r"(?P<branch>[^@]+)(?:@(?P<remote>[^@]+))?")
_REF_PART = r"(?!\.)[A-Za-z0-9._+-]+(?<!\.lock)(?<!\.)"
_BRANCH = re.compile(rf"(?!-){_REF_PART}(?:/{_REF_PART})*")
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
OBJECT_SCHEMES = ("s3", "oss", "gs", "az")


@dataclass(frozen=True)
class FileLocation:
    path: str


@dataclass(frozen=True)
class GitLocation:
    branch: str
    remote: str = DEFAULT_REMOTE

    def __str__(self) -> str:
        return f"git:{self.branch}" + (f"@{self.remote}" if self.remote != DEFAULT_REMOTE else "")


@dataclass(frozen=True)
class ObjectLocation:
    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}"


Location = FileLocation | GitLocation | ObjectLocation


def parse_location(text: str) -> Location:
    """The parts of a location; ValueError says what is wrong with it and what may be written."""
    match = _SCHEME.fullmatch(text)
    if match is None or (len(match["scheme"]) == 1 and not match["slashes"]):  # C:\… is a path
        return FileLocation(text)
    scheme = match["scheme"]
    if scheme == "git" and not match["slashes"]:
        return _git(match["rest"])
    if scheme in OBJECT_SCHEMES and match["slashes"]:
        return _object(scheme, match["rest"])
    raise ValueError(f"{scheme}: is no store that wanctl knows; write {KNOWN}")


def own_location(text: str, environment: str) -> str:
    """An environment's own ledger, beside the base's: ledger.json → ledger.prod.json. On a branch of git
    each environment has a file of its own, so the branch is the same."""
    location = parse_location(text)
    if isinstance(location, GitLocation):
        return text
    path = location.key if isinstance(location, ObjectLocation) else location.path
    return text.removesuffix(path) + _with_environment(path, environment)


def _with_environment(path: str, environment: str) -> str:
    folder, slash, name = path.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    own = f"{stem}.{environment}.{suffix}" if dot and stem else f"{name}.{environment}"
    return f"{folder}{slash}{own}"


def _git(rest: str) -> GitLocation:
    match = _GIT.fullmatch(rest)
    if match is None:
        raise ValueError("must be git:BRANCH or git:BRANCH@REMOTE, as in git:wanctl-ledger")
    branch, remote = match["branch"], match["remote"] or DEFAULT_REMOTE
    if ".." in branch or not _BRANCH.fullmatch(branch):
        raise ValueError(
            f"{json.dumps(branch)} cannot be the name of a branch; write git:BRANCH, as in git:wanctl-ledger"
        )
    if not _REMOTE.fullmatch(remote):
        raise ValueError("after @ comes the name of a remote of this clone, as git remote lists it")
    return GitLocation(branch, remote)


def _object(scheme: str, rest: str) -> ObjectLocation:
    bucket, _, key = rest.partition("/")
    parts = key.split("/")
    if (
        not _BUCKET.fullmatch(bucket)
        or not all(parts)
        or {".", ".."} & set(parts)
        or "?" in key
        or "#" in key
    ):
        raise ValueError(f"must be {scheme}://BUCKET/KEY, as in {scheme}://my-team/wanctl/ledger.json")
    return ObjectLocation(scheme, bucket, key)
