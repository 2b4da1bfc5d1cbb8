"""The API key: where it is found, and a type that keeps it from being shown.

Found in the environment or in files of the user's home, never in the specs. Both are passed in.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from wanctl.base.net import Secret
from wanctl.base.words import first_line
from wanctl.studio.errors import Misconfigured, NoKey

_log = logging.getLogger(__name__)

VARIABLE = "DASHSCOPE_API_KEY"


class Key(Secret):
    """An API key."""

    __slots__ = ()

    def __init__(self, value: str) -> None:
        value = value.strip()
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise Misconfigured("the API key is empty or has characters that no key has")
        super().__init__(value)

    @property
    def coding_plan(self) -> bool:
        """A key of a coding plan, which Model Studio's hosts do not accept."""
        return self._value.startswith("sk-sp-")


def find_key(environ: Mapping[str, str], home: Path) -> Key:
    """The key of the first place that has one; an empty one counts as none."""
    found = environ.get(VARIABLE, "").strip() or _in_dashscope(home / ".dashscope")
    found = found or _in_credentials(home / ".alibabacloud" / "credentials")
    if not found:
        raise NoKey(
            "no API key found",
            hint=f"set {VARIABLE}, or write the key to {home}/.dashscope/api_key, or as dashscope_api_key"
            f" under [default] in {home}/.alibabacloud/credentials",
        )
    key = Key(found)
    if key.coding_plan:
        _log.warning("the API key begins with sk-sp-: coding plan keys do not work with Model Studio")
    return key


def _in_dashscope(place: Path) -> str:
    """The official SDK's folder, in the SDK's order; some people have a plain file of that name."""
    if place.is_file():
        return _only_line(place)
    return _in_config(place / "config.toml") or _only_line(place / "api_key")


def _only_line(path: Path) -> str:
    return first_line(_text(path).strip()).strip()


def _in_config(path: Path) -> str:
    import tomllib

    try:
        found = tomllib.loads(_text(path)).get("api_key", "")
    except tomllib.TOMLDecodeError:
        raise Misconfigured(f"{path} is not TOML") from None  # its cause may quote the line, and so the key
    return found.strip() if isinstance(found, str) else ""


def _in_credentials(path: Path) -> str:
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(_text(path))
    except configparser.Error:
        raise Misconfigured(f"{path} is not an INI file") from None  # as above
    return parser.get("default", "dashscope_api_key", fallback="").strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"{path} cannot be read") from None
