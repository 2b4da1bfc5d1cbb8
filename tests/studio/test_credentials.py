"""Where the key is found, and that it is not shown."""

import copy
import pickle
from pathlib import Path

import pytest

from wanctl.studio.credentials import Key, find_key
from wanctl.studio.errors import Misconfigured, NoKey


def write(home: Path, name: str, text: str) -> None:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_first_place_that_has_a_key_wins(tmp_path: Path) -> None:
    write(tmp_path, ".alibabacloud/credentials", "[default]\ndashscope_api_key = sk-ini\n")
    assert find_key({}, tmp_path).reveal() == "sk-ini"
    write(tmp_path, ".dashscope/api_key", "sk-file\nsecond line\n")
    assert find_key({}, tmp_path).reveal() == "sk-file"
    write(tmp_path, ".dashscope/config.toml", 'api_key = "sk-toml"\nregion = "intl"\n')
    assert find_key({}, tmp_path).reveal() == "sk-toml"
    assert find_key({"DASHSCOPE_API_KEY": " sk-env\n"}, tmp_path).reveal() == "sk-env"


def test_an_empty_place_counts_as_none(tmp_path: Path) -> None:
    write(tmp_path, ".dashscope/config.toml", 'api_key = ""\n')
    write(tmp_path, ".dashscope/api_key", "\n")
    write(tmp_path, ".alibabacloud/credentials", "[default]\ndashscope_api_key = sk-ini\n")
    assert find_key({"DASHSCOPE_API_KEY": " "}, tmp_path).reveal() == "sk-ini"


def test_dashscope_may_be_a_plain_file(tmp_path: Path) -> None:
    write(tmp_path, ".dashscope", "sk-plain\n")
    assert find_key({}, tmp_path).reveal() == "sk-plain"


def test_without_a_key_the_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(NoKey) as caught:
        find_key({}, tmp_path)
    for place in ("DASHSCOPE_API_KEY", ".dashscope/api_key", ".alibabacloud/credentials"):
        assert place in str(caught.value)


def test_a_coding_plan_key_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    find_key({"DASHSCOPE_API_KEY": "sk-sp-secret"}, tmp_path)
    assert "coding plan" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".dashscope/config.toml", "api_key = sk-secret"),
        (".alibabacloud/credentials", "sk-secret"),
        (".alibabacloud/credentials", "[default\nsk-secret"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_but_not_shown(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, name, text)
    with pytest.raises(Misconfigured, match=name.rpartition("/")[2]) as caught:
        find_key({}, tmp_path)
    assert "sk-secret" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("value", ["", "  ", "sk a", "sk\r\nX: y", "ключ", "sk-\x00"])
def test_what_cannot_be_a_key_is_refused(value: str) -> None:
    with pytest.raises(Misconfigured):
        Key(value)


def test_a_key_is_not_shown_or_stored() -> None:
    key = Key("sk-secret")
    assert "secret" not in f"{key} {key!r} {[key]} {key:>20}"
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        copy.copy(key)
