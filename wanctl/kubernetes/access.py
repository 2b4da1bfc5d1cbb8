"""Where a cluster is and who we are there: from the Pod that this runs in, or from a kubeconfig.

A token is read again from its file, since clusters replace it while a process lives. What a kubeconfig asks
for and is not done here is refused with a sentence: ignored, it would be another access than was meant.
"""

import base64
import binascii
import os
import platform
import ssl
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from wanctl.base.net import Secret, is_loopback
from wanctl.kubernetes.errors import ClusterConfigError
from wanctl.kubernetes.resources import is_object_name

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TOKEN_LASTS = 60.0  # seconds that a token is used for before its file is read again
LARGEST_CONFIG = 4 * 1024 * 1024  # bytes
_NOT_DONE = {
    "exec": "asks a program for its credentials",
    "auth-provider": "asks a provider for its credentials",
    "as": "acts as another user",
    "as-uid": "acts as another user",
    "as-groups": "acts as another group",
    "username": "has a password",
}
_INSTEAD = "Use one with a token or a client certificate: kubectl create token makes a token"


class TokenSource:
    """A bearer token, which may be in a file that is written anew now and then."""

    def __init__(
        self,
        token: Secret | None = None,
        file: Path | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = token
        self._file = file
        self._now = now
        self._read_at: float | None = None

    @property
    def renewable(self) -> bool:
        """A refused token may have been replaced meanwhile."""
        return self._file is not None

    def current(self, *, anew: bool = False) -> Secret | None:
        """The token to send now; None where there is none."""
        if self._file and (anew or self._read_at is None or self._now() - self._read_at >= TOKEN_LASTS):
            try:
                text = self._file.read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ClusterConfigError(
                    f"the token in {self._file} cannot be read ({type(error).__name__})"
                ) from None
            self._token, self._read_at = Secret(text), self._now()
        return self._token


@dataclass(frozen=True)
class ClusterAccess:
    """One cluster, and us there."""

    server: str
    trust: ssl.SSLContext = field(repr=False)
    token: TokenSource = field(default_factory=TokenSource, repr=False)
    namespace: str = "default"
    server_name: str | None = None  # of its certificate, where that is another one than the address has
    source: str = ""  # for messages

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.server)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ClusterConfigError(f"{self.source}: the address of the cluster is none") from None
        if parts.username or parts.query or parts.fragment or not host:
            raise ClusterConfigError(f"{self.source}: the address of the cluster is none that can be used")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
            raise ClusterConfigError(
                f"{self.source}: a cluster is called by https, and not by {parts.scheme}"
            )


def find_cluster(
    environ: Mapping[str, str], home: Path, context: str | None = None, mounted: Path = SERVICE_ACCOUNT
) -> ClusterAccess:
    """As kubectl finds it: a named context, or KUBECONFIG; else the Pod's own, else ~/.kube/config."""
    named = [Path(one) for one in environ.get("KUBECONFIG", "").split(os.pathsep) if one]
    if not named and context is None and in_cluster(environ, mounted):
        return cluster_of_this_pod(environ, mounted)
    files = named or [home / ".kube" / "config"]
    if not any(file.exists() for file in files):
        raise ClusterConfigError(
            f"there is no cluster to call: {files[0]} is not there, and this is no Pod of a cluster",
            "set KUBECONFIG to a kubeconfig",
        )
    return cluster_of_kubeconfig([file for file in files if file.exists()], context)


def in_cluster(environ: Mapping[str, str], mounted: Path = SERVICE_ACCOUNT) -> bool:
    """This runs in a Pod with a service account."""
    return bool(environ.get("KUBERNETES_SERVICE_HOST")) and (mounted / "token").exists()


@dataclass(frozen=True)
class ThisPod:
    """The Pod that this process runs in, by its name."""

    namespace: str
    name: str


def this_pod(environ: Mapping[str, str], mounted: Path = SERVICE_ACCOUNT) -> ThisPod | None:
    """None where the cluster that is called is not that of the Pod. POD_NAME goes before HOSTNAME."""
    if environ.get("KUBECONFIG") or not in_cluster(environ, mounted):
        return None
    name = environ.get("POD_NAME") or environ.get("HOSTNAME") or platform.node()
    return ThisPod(cluster_of_this_pod(environ, mounted).namespace, name) if is_object_name(name) else None


def cluster_of_this_pod(environ: Mapping[str, str], mounted: Path = SERVICE_ACCOUNT) -> ClusterAccess:
    """The cluster whose Pod this is."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    source = "the service account of this Pod"
    try:
        namespace = (mounted / "namespace").read_text(encoding="utf-8").strip()
    except OSError:
        namespace = "default"
    return ClusterAccess(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        trust=_trusting(source, file=mounted / "ca.crt"),
        token=TokenSource(file=mounted / "token"),
        namespace=namespace,
        source=source,
    )


def cluster_of_kubeconfig(files: list[Path], context: str | None = None) -> ClusterAccess:
    """The cluster of this context, or of the current one. The first file that names a thing wins."""
    read = [_Kubeconfig(file) for file in files]
    name = context or next((one.current for one in read if one.current), None)
    if name is None:
        raise ClusterConfigError(
            f"{files[0]} has no current-context", "kubectl config use-context NAME sets one"
        )
    place, chosen = _named(read, "contexts", "context", name)
    home, cluster = _named(read, "clusters", "cluster", str(chosen.get("cluster", "")))
    source = f"context {name} of {place.file}"
    user_file, user = home, dict[str, Any]()
    if chosen.get("user"):
        user_file, user = _named(read, "users", "user", str(chosen["user"]))
    _refuse_what_is_not_done(source, cluster, user)
    trust = _trusting(
        source,
        file=home.path(cluster, "certificate-authority"),
        text=home.data(cluster, "certificate-authority-data"),
    )
    _load_certificate(source, trust, user_file, user)
    return ClusterAccess(
        server=str(cluster.get("server", "")).rstrip("/"),
        trust=trust,
        token=_token(user_file, user),
        namespace=str(chosen.get("namespace") or "default"),
        server_name=cluster.get("tls-server-name"),
        source=source,
    )


class _Kubeconfig:
    """One file, read with care: it may be anything."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            if file.stat().st_size > LARGEST_CONFIG:
                raise ClusterConfigError(f"{file} is larger than any kubeconfig")
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
            raise ClusterConfigError(
                f"{file} cannot be read as a kubeconfig ({type(error).__name__})"
            ) from None
        self._content = content if isinstance(content, dict) else {}

    @property
    def current(self) -> str | None:
        return self._content.get("current-context") or None

    def find(self, plural: str, single: str, name: str) -> dict[str, Any] | None:
        listed = self._content.get(plural)
        for one in listed if isinstance(listed, list) else []:
            if isinstance(one, dict) and one.get("name") == name:
                found = one.get(single)
                return found if isinstance(found, dict) else {}
        return None

    def path(self, section: Mapping[str, Any], key: str) -> Path | None:
        """A path in a kubeconfig starts beside it."""
        return self.file.parent / str(section[key]) if section.get(key) else None

    def data(self, section: Mapping[str, Any], key: str) -> bytes | None:
        if not section.get(key):
            return None
        try:
            return base64.b64decode(str(section[key]), validate=True)
        except binascii.Error:
            raise ClusterConfigError(f"{key} in {self.file} is not base64") from None


def _named(
    read: list[_Kubeconfig], plural: str, single: str, name: str
) -> tuple[_Kubeconfig, dict[str, Any]]:
    for one in read:
        if (found := one.find(plural, single, name)) is not None:
            return one, found
    raise ClusterConfigError(f"{read[0].file} has no {single} named {name!r}")


def _refuse_what_is_not_done(source: str, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> None:
    if cluster.get("insecure-skip-tls-verify"):
        raise ClusterConfigError(
            f"{source}: insecure-skip-tls-verify is not followed, as the ledger and tokens go over this line",
            "name the cluster's certificate-authority",
        )
    if cluster.get("proxy-url"):
        raise ClusterConfigError(f"{source}: proxy-url is not followed", "set HTTPS_PROXY and NO_PROXY")
    for key, what in _NOT_DONE.items():
        if user.get(key):
            raise ClusterConfigError(f"{source} {what} ({key}), which wanctl does not do", _INSTEAD)


def _token(file: _Kubeconfig, user: Mapping[str, Any]) -> TokenSource:
    if path := file.path(user, "tokenFile"):
        return TokenSource(file=path)
    return TokenSource(Secret(str(user["token"])) if user.get("token") else None)


def _trusting(source: str, file: Path | None = None, text: bytes | None = None) -> ssl.SSLContext:
    """Whose certificates are believed: the cluster's own authority, else those of the machine."""
    try:
        if text is not None:
            return ssl.create_default_context(cadata=text.decode("ascii"))
        return ssl.create_default_context(cafile=file)
    except (OSError, ValueError) as error:
        raise ClusterConfigError(
            f"{source}: the certificate-authority cannot be read ({type(error).__name__})"
        ) from None


def _load_certificate(source: str, trust: ssl.SSLContext, file: _Kubeconfig, user: Mapping[str, Any]) -> None:
    """The client's certificate and key. OpenSSL reads files alone, so what stands in the kubeconfig is
    written to one that nobody else can read, and taken away at once."""
    texts = [file.data(user, f"client-{part}-data") for part in ("certificate", "key")]
    paths = [file.path(user, f"client-{part}") for part in ("certificate", "key")]
    if not any(texts) and not any(paths):
        return
    with tempfile.TemporaryDirectory(prefix="wanctl-kube-") as folder:  # 0700
        for number, text in enumerate(texts):
            if text is not None:
                paths[number] = Path(folder) / str(number)
                (Path(folder) / str(number)).write_bytes(text)
        certificate, key = paths
        try:
            if certificate is None or key is None:
                raise FileNotFoundError
            trust.load_cert_chain(certificate, key)
        except (OSError, ValueError) as error:
            raise ClusterConfigError(
                f"{source}: the client's certificate and key cannot be used ({type(error).__name__})"
            ) from None
