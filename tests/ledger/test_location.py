"""What `ledger:` may say, and what untrusted specs may not say with it."""

import sys
from pathlib import Path

import pytest

from tests.ledger.ledger_files import owner
from wanctl.ledger.errors import LedgerError
from wanctl.ledger.location import (
    FileLocation,
    GitLocation,
    KubeLocation,
    Location,
    ObjectLocation,
    own_location,
    parse_location,
)
from wanctl.ledger.opening import open_store


@pytest.mark.parametrize(
    ("text", "location"),
    [
        (".wanctl/ledger.json", FileLocation(".wanctl/ledger.json")),
        ("/var/lib/ledger.json", FileLocation("/var/lib/ledger.json")),
        ("C:/state/ledger.json", FileLocation("C:/state/ledger.json")),
        ("git:wanctl-ledger", GitLocation("wanctl-ledger")),
        ("git:state/rain@upstream", GitLocation("state/rain", "upstream")),
        ("s3://bucket/a/b.json", ObjectLocation("s3", "bucket", "a/b.json")),
        ("oss://bucket/b", ObjectLocation("oss", "bucket", "b")),
        ("gs://bucket/b", ObjectLocation("gs", "bucket", "b")),
        ("az://container/b", ObjectLocation("az", "container", "b")),
        ("kube:wanctl/rain", KubeLocation("wanctl", "rain")),
        (
            "kube:wanctl/rain.v2@admin@arn:aws:eks:x:1:cluster/y",
            KubeLocation("wanctl", "rain.v2", "admin@arn:aws:eks:x:1:cluster/y"),
        ),
    ],
)
def test_a_location_has_parts(text: str, location: Location) -> None:
    assert parse_location(text) == location


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("gti:wanctl-ledger", "gti: is no store that wanctl knows; write a file path, git:BRANCH, s3://"),
        ("ftp://host/ledger", "ftp: is no store"),
        ("git://host/repository", "git: is no store"),
        ("git:", "git:BRANCH"),
        ("git:--upload-pack=evil", "branch"),
        ("git:a..b", "branch"),
        ("git:a.lock", "branch"),
        ("git:a/../b", "branch"),
        ("git:refs^{}", "branch"),
        ("git:b@ext::sh -c evil", "remote of this clone"),
        ("git:b@https://host/r", "remote of this clone"),
        ("git:b@../elsewhere", "remote of this clone"),
        ("git:b@-evil", "remote of this clone"),
        ("git:b@a@c", "git:BRANCH@REMOTE"),
        ("s3://bucket", "s3://BUCKET/KEY"),
        ("s3://bucket/", "s3://BUCKET/KEY"),
        ("s3://bucket/a//b", "s3://BUCKET/KEY"),
        ("s3://bucket/../b", "s3://BUCKET/KEY"),
        ("s3://user:pass@bucket/b", "s3://BUCKET/KEY"),
        ("oss://bucket/b?x=1", "oss://BUCKET/KEY"),
        ("kube:wanctl", "kube:NAMESPACE/NAME"),
        ("kube:/rain", "kube:NAMESPACE/NAME"),
        ("kube:a/b/c", "kube:NAMESPACE/NAME"),
        ("kube:../rain", "the name of a namespace"),
        ("kube:Wanctl/rain", "the name of a namespace"),
        ("kube:wanctl/Rain", "the name of a Secret"),
        ("kube:wanctl/..", "the name of a Secret"),
        (f"kube:wanctl/{'r' * 231}", "the name of a Secret"),
        ("kube:wanctl/rain@", "kube:NAMESPACE/NAME"),
        ("kube:wanctl/rain@a b", "kube:NAMESPACE/NAME"),
        ("kube://wanctl/rain", "kube: is no store"),
    ],
)
def test_what_is_no_location_is_refused_with_what_to_write(text: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as refused:
        open_store(text, owner(tmp_path))
    assert word in str(refused.value)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        (".wanctl/ledger.json", ".wanctl/ledger.prod.json"),
        ("ledger", "ledger.prod"),
        (".ledger", ".ledger.prod"),
        ("s3://b.c/ledger", "s3://b.c/ledger.prod"),
        ("gs://b/a/ledger.json", "gs://b/a/ledger.prod.json"),
        ("git:wanctl-ledger@up", "git:wanctl-ledger@up"),
        ("kube:wanctl/rain", "kube:wanctl/rain.prod"),
        ("kube:wanctl/rain@there", "kube:wanctl/rain.prod@there"),
    ],
)
def test_an_environment_has_its_own(text: str, own: str) -> None:
    assert own_location(text, "prod") == own


def test_without_the_extra_an_object_store_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(LedgerError, match=r"pip install 'wanctl\[object-stores\]'"):
        open_store("s3://bucket/key", owner(tmp_path))


def test_oss_says_which_variables_it_misses(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, and OSS_REGION"):
        open_store("oss://bucket/key", owner(tmp_path, OSS_ACCESS_KEY_ID="a", OSS_REGION="x"))
