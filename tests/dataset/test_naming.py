"""The names that wanctl gives say whose a thing is; a name that it could not have given says nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanctl.address import NAME
from wanctl.dataset.contents import UploadName, parse_upload_name, upload_name
from wanctl.kinds.snapshot import job_name_for, parse_job_name, resource_in_job_name
from wanctl.studio.objects import Job

DIGEST = "0123456789abcdef"
NAMES = st.from_regex(NAME, fullmatch=True)
NEARLY = st.text("a-_", min_size=1, max_size=8)


def test_the_name_of_an_upload_says_whose_it_is_and_what_it_holds() -> None:
    name = upload_name("money-rain", "train", DIGEST * 4)
    assert name == f"money-rain--train--{DIGEST}.zip"
    assert parse_upload_name(name) == UploadName("money-rain", "train", DIGEST)


@given(NAMES, NAMES, st.binary(min_size=32, max_size=32))
def test_the_name_of_an_upload_is_read_back(project: str, name: str, digest: bytes) -> None:
    parsed = parse_upload_name(upload_name(project, name, digest.hex()))
    assert parsed == UploadName(project, name, digest.hex()[:16])


@given(NAMES, NAMES)
def test_the_mark_of_a_job_is_read_back(project: str, name: str) -> None:
    job = Job(job_id="ft-1", job_name=job_name_for(project, name, DIGEST * 4))
    assert parse_job_name(job) == (project, DIGEST)
    assert resource_in_job_name(job) == name


@given(NEARLY, NEARLY)
def test_what_is_read_has_one_reading(project: str, name: str) -> None:
    """A name that no project may have is nobody's, however its hyphens are counted."""
    allowed = re.fullmatch(NAME, project) and re.fullmatch(NAME, name)
    parsed = parse_upload_name(upload_name(project, name, DIGEST))
    mark = parse_job_name(Job(job_id="ft-1", job_name=job_name_for(project, name, DIGEST)))
    assert parsed == (UploadName(project, name, DIGEST) if allowed else None)
    assert mark == ((project, DIGEST) if allowed else None)


@pytest.mark.parametrize(
    "filename",
    [
        "",
        "train.zip",
        "a--b.zip",
        "a--b--0123.zip",
        "a--b--0123456789ABCDEF.zip",
        f"a--b--{DIGEST}",
        f"rain---train--{DIGEST}.zip",
        f"rain--train---{DIGEST}.zip",
        f"a--b--c--{DIGEST}.zip",
        f"a b--c--{DIGEST}.zip",
        f"a--b--{DIGEST}.zip\n",
    ],
)
def test_the_name_of_somebody_elses_upload_says_nothing(filename: str) -> None:
    assert parse_upload_name(filename) is None
    assert parse_job_name(Job(job_id="ft-1", job_name=filename.removesuffix(".zip") + "-")) is None
