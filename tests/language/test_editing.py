"""One value is written into a spec, and every other byte stays."""

import pytest

from wanctl.language.writing import with_digest

NEW = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kind: Dataset\nname: a\nsource: data\n", "kind: Dataset\nname: a\nsource: data\ndigest: NEW\n"),
        ("kind: Dataset\nname: a\nsource: data", "kind: Dataset\nname: a\nsource: data\ndigest: NEW\n"),
        (
            "# the best\nkind: Dataset\nsource: 'data'   # here\nname: a  # b\n",
            "# the best\nkind: Dataset\nsource: 'data'   # here\ndigest: NEW\nname: a  # b\n",
        ),
        (
            "kind: Dataset\r\nsource: data\r\nname: a\r\n",
            "kind: Dataset\r\nsource: data\r\ndigest: NEW\r\nname: a\r\n",
        ),
        ("{kind: Dataset, source: data, name: a}\n", "{kind: Dataset, source: data, digest: NEW, name: a}\n"),
        (
            "kind: Dataset\nsource: data\ndigest: sha256:0  # old\nname: a\n",
            "kind: Dataset\nsource: data\ndigest: NEW  # old\nname: a\n",
        ),
        ("  kind: Dataset\n  source: data\n", "  kind: Dataset\n  source: data\n  digest: NEW\n"),
        (
            'kind: Dataset\nsource: "d\\u00e4ta"\nname: 数据\n',
            'kind: Dataset\nsource: "d\\u00e4ta"\ndigest: NEW\nname: 数据\n',
        ),
    ],
)
def test_the_digest_is_written_and_nothing_else(before: str, after: str) -> None:
    line = 2 if before.startswith("#") else 1
    written = with_digest(before, line, NEW)
    assert written == after.replace("NEW", NEW)
    assert with_digest(written or "", line, NEW) == written


def test_the_document_is_found_by_its_line() -> None:
    two = "kind: Dataset\nsource: a\n---\nkind: Dataset\nsource: b\n"
    assert with_digest(two, 4, NEW) == two + f"digest: {NEW}\n"
    assert with_digest(two, 2, NEW) is None
