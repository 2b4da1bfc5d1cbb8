"""Where a cluster is and who we are there: found as kubectl finds it, and refused where it asks for more."""

import base64
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from wanctl.kubernetes.access import (
    TOKEN_LASTS,
    ClusterAccess,
    TokenSource,
    cluster_of_kubeconfig,
    find_cluster,
    this_pod,
)
from wanctl.kubernetes.errors import ClusterConfigError


def authority(folder: Path) -> Path:
    """A certificate of nobody, with its key beside it."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=x"
    made = [*command.split(), "-keyout", "ca.key", "-out", "ca.crt"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    return folder / "ca.crt"


def kubeconfig(folder: Path, cluster: dict[str, Any], user: dict[str, Any], name: str = "config") -> Path:
    path = folder / name
    context = {"cluster": "c", "user": "u", "namespace": "rain"}
    content = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": context}],
        "clusters": [{"name": "c", "cluster": {"server": "https://10.1.2.3:6443", **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def pod(folder: Path) -> Path:
    (folder / "token").write_text("first-token\n", encoding="ascii")
    (folder / "namespace").write_text("operators\n", encoding="ascii")
    authority(folder)
    return folder


IN_A_POD = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443", "HOSTNAME": "wanctl-0"}


def test_a_pod_finds_its_own_cluster(tmp_path: Path) -> None:
    mounted = pod(tmp_path)
    access = find_cluster(IN_A_POD, tmp_path, mounted=mounted)
    assert (access.server, access.namespace) == ("https://[fd00::1]:443", "operators")
    token = access.token.current()
    assert token
    assert token.reveal() == "first-token"
    found = this_pod(IN_A_POD, mounted)
    assert found
    assert (found.namespace, found.name) == ("operators", "wanctl-0")


def test_a_kubeconfig_that_is_named_goes_before_the_pod(tmp_path: Path) -> None:
    mounted, path = pod(tmp_path), kubeconfig(tmp_path, {}, {"token": "of-a-person"})
    environ = {**IN_A_POD, "KUBECONFIG": str(path)}
    assert find_cluster(environ, tmp_path, mounted=mounted).server == "https://10.1.2.3:6443"
    assert this_pod(environ, mounted) is None, "the cluster that is called may know nothing of this Pod"


def test_a_token_is_read_again_after_its_time(tmp_path: Path) -> None:
    now = [0.0]
    path = tmp_path / "token"
    path.write_text("first-token", encoding="ascii")
    source = TokenSource(file=path, now=lambda: now[0])

    def current(*, anew: bool = False) -> str:
        token = source.current(anew=anew)
        assert token
        return token.reveal()

    assert current() == "first-token"
    path.write_text("second-token", encoding="ascii")
    now[0] = TOKEN_LASTS - 1
    assert current() == "first-token"
    assert current(anew=True) == "second-token"
    path.write_text("third-token", encoding="ascii")
    now[0] = 2 * TOKEN_LASTS
    assert current() == "third-token"
    path.unlink()
    with pytest.raises(ClusterConfigError, match=r"token in \S+/token cannot be read \(FileNotFoundError\)"):
        current(anew=True)


def test_a_token_is_in_no_text_of_it(tmp_path: Path) -> None:
    access = cluster_of_kubeconfig([kubeconfig(tmp_path, {}, {"token": "very-secret-token"})])
    assert "very-secret-token" not in f"{access} {access!r} {access.token.current()}"


@pytest.mark.parametrize("inline", [True, False], ids=["in the file", "in files beside it"])
def test_certificates_are_read(tmp_path: Path, inline: bool) -> None:
    files = {"certificate-authority": authority(tmp_path)}
    of_user = {"client-certificate": tmp_path / "ca.crt", "client-key": tmp_path / "ca.key"}

    def spelled(one: dict[str, Path]) -> dict[str, str]:
        if not inline:
            return {key: path.name for key, path in one.items()}
        return {f"{key}-data": base64.b64encode(path.read_bytes()).decode() for key, path in one.items()}

    access = cluster_of_kubeconfig([kubeconfig(tmp_path, spelled(files), spelled(of_user))])
    (known,) = access.trust.get_ca_certs()
    assert known["subject"] == ((("commonName", "x"),),)
    assert access.namespace == "rain"


def test_without_an_authority_those_of_the_machine_are_believed(tmp_path: Path) -> None:
    access = cluster_of_kubeconfig([kubeconfig(tmp_path, {"tls-server-name": "api.example"}, {"token": "t"})])
    assert access.trust.check_hostname
    assert access.server_name == "api.example"


def test_of_several_files_the_first_that_names_a_thing_wins(tmp_path: Path) -> None:
    one = kubeconfig(tmp_path, {}, {"token": "first"}, "one")
    two = kubeconfig(tmp_path, {"server": "https://other:1"}, {"token": "second"}, "two")
    content = yaml.safe_load(two.read_text("utf-8"))
    content["contexts"].append({"name": "there", "context": {"cluster": "d", "user": "u"}})
    content["clusters"].append({"name": "d", "cluster": {"server": "https://d:1"}})
    two.write_text(yaml.safe_dump(content), encoding="utf-8")
    environ = {"KUBECONFIG": f"{tmp_path / 'none'}:{one}:{two}"}
    assert find_cluster(environ, tmp_path).server == "https://10.1.2.3:6443"
    there = find_cluster(environ, tmp_path, "there")
    token = there.token.current()
    assert there.server == "https://d:1"
    assert token
    assert token.reveal() == "first"


@pytest.mark.parametrize(
    ("cluster", "user", "says"),
    [
        (
            {},
            {"exec": {"command": "aws"}},
            r"asks a program for its credentials \(exec\).*kubectl create token",
        ),
        ({}, {"auth-provider": {"name": "gcp"}}, "asks a provider"),
        ({}, {"token": "t", "as": "root"}, "acts as another user"),
        ({}, {"username": "u", "password": "p"}, "has a password"),
        ({"insecure-skip-tls-verify": True}, {"token": "t"}, "insecure-skip-tls-verify is not followed"),
        ({"proxy-url": "http://p:1"}, {"token": "t"}, "set HTTPS_PROXY"),
        ({"server": "http://10.1.2.3"}, {"token": "t"}, "called by https, and not by http"),
        ({"server": "https://u:secret@h"}, {"token": "t"}, "none that can be used"),
        ({"server": "https://[::1"}, {"token": "t"}, "none"),
        ({"server": ""}, {"token": "t"}, "none that can be used"),
        ({"certificate-authority": "nowhere"}, {}, "certificate-authority cannot be read"),
        ({"certificate-authority-data": "e30="}, {}, "certificate-authority cannot be read"),
        ({"certificate-authority-data": "?"}, {}, "is not base64"),
        ({}, {"client-certificate": "nowhere"}, "certificate and key cannot be used"),
        ({}, {"client-certificate-data": "e30=", "client-key-data": "e30="}, "cannot be used"),
    ],
)
def test_what_a_kubeconfig_asks_for_and_is_not_done_is_refused(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], says: str
) -> None:
    with pytest.raises(ClusterConfigError, match=says) as refused:
        cluster_of_kubeconfig([kubeconfig(tmp_path, cluster, user)])
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no current-context"),
        ("- a", "has no current-context"),
        ("current-context: x", "has no context named 'x'"),
        ("a: [", "cannot be read as a kubeconfig"),
        ("{current-context: x, contexts: [{name: x, context: {cluster: y}}]}", "has no cluster named 'y'"),
    ],
)
def test_a_file_that_is_no_kubeconfig_says_so(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "config"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ClusterConfigError, match=says):
        cluster_of_kubeconfig([path])


def test_where_there_is_no_cluster_it_is_said_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ClusterConfigError, match=r"there is no cluster to call.*set KUBECONFIG"):
        find_cluster({}, tmp_path, mounted=tmp_path)


def test_without_tls_only_this_machine_is_called() -> None:
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert ClusterAccess("http://127.0.0.1:1", trust).namespace == "default"
    with pytest.raises(ClusterConfigError):
        ClusterAccess("ftp://127.0.0.1", trust)
