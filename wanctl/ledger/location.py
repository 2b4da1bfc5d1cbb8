"""The places that `ledger:` may name: a file, a branch of git, an object in a bucket, a Secret. No I/O.

Anybody may have written the specs: a location names a remote that the clone knows already, or a context of
the kubeconfig, and never a URL.
"""

import json
import re
from dataclasses import dataclass, replace

DEFAULT_REMOTE = "origin"
KNOWN = "a file path, git:BRANCH, s3://, oss://, gs:// or az://BUCKET/KEY, or kube:NAMESPACE/NAME"

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>//)?(?P<rest>.*)", re.DOTALL)
_GIT = re.compile(r"(?P<branch>[^@]+)(?:@(?P<remote>[^@]+))?")
_REF_PART = r"(?!\.)[A-Za-z0-9._+-]+(?<!\.lock)(?<!\.)"
_BRANCH = re.compile(rf"(?!-){_REF_PART}(?:/{_REF_PART})*")
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_KUBE = re.compile(r"(?P<namespace>[^/@]+)/(?P<name>[^/@]+)(?:@(?P<context>[^\s\x00-\x1f]+))?")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LONGEST_LEDGER_NAME = 230  # characters: copies beside it have longer ones
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


@dataclass(frozen=True)
class KubeLocation:
    """A Secret and a Lease of this name, in the cluster that is called from here, or that of a context."""

    namespace: str
    name: str
    context: str | None = None

    def named(self, name: str) -> "KubeLocation":
        """Another one beside it."""
        return replace(self, name=name)

    def __str__(self) -> str:
        return f"kube:{self.namespace}/{self.name}" + (f"@{self.context}" if self.context else "")


Location = FileLocation | GitLocation | ObjectLocation | KubeLocation


def parse_location(text: str) -> Location:
    """The parts of a location; ValueError says what is wrong with it and what may be written."""
    match = _SCHEME.fullmatch(text)
    if match is None or (len(match["scheme"]) == 1 and not match["slashes"]):  # C:\… is a path
        return FileLocation(text)
    scheme = match["scheme"]
    if scheme == "git" and not match["slashes"]:
        return _git(match["rest"])
    if scheme == "kube" and not match["slashes"]:
        return _kube(match["rest"])
    if scheme in OBJECT_SCHEMES and match["slashes"]:
        return _object(scheme, match["rest"])
    raise ValueError(f"{scheme}: is no store that wanctl knows; write {KNOWN}")


def own_location(text: str, environment: str) -> str:
    """An environment's own ledger, beside the base's: ledger.json → ledger.prod.json. On a branch of git
    each environment has a file of its own, so the branch is the same."""
    location = parse_location(text)
    if isinstance(location, GitLocation):
        return text
    if isinstance(location, KubeLocation):
        return str(location.named(_with_environment(location.name, environment)))
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


def _kube(rest: str) -> KubeLocation:
    match = _KUBE.fullmatch(rest)
    if match is None:
        raise ValueError("must be kube:NAMESPACE/NAME or kube:NAMESPACE/NAME@CONTEXT, as in kube:wanctl/rain")
    from wanctl.kubernetes.resources import is_namespace, is_object_name

    namespace, name = match["namespace"], match["name"]
    if not is_namespace(namespace):
        raise ValueError(f"{json.dumps(namespace)} cannot be the name of a namespace")
    if not is_object_name(name) or len(name) > LONGEST_LEDGER_NAME:
        raise ValueError(
            f"{json.dumps(name)} cannot be the name of a Secret: letters and digits in lower case, - and ."
        )
    return KubeLocation(namespace, name, match["context"])


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
