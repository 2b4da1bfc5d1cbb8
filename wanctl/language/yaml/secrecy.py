"""Credentials do not belong into specs. Finds what looks like one, and hides it from every message."""

import re

ADVICE = "take it out, and revoke it if it was ever pushed; wanctl reads the key from DASHSCOPE_API_KEY"

_KEY = re.compile(
    r"(?<![A-Za-z0-9_-])sk-(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{8,}"  # an API key
    r"|(?<=://)[^\s/@:'\"]*:[^\s/@'\"]+(?=@)"  # user:password in a URL
    r"|(?<=Signature=)[A-Za-z0-9%+/=_-]{8,}"  # a signed link
)
_NAMES = frozenset(
    {
        "apikey",
        "key",
        "token",
        "secret",
        "password",
        "passwd",
        "accesskey",
        "accesskeyid",
        "accesskeysecret",
        "accesstoken",
        "secretkey",
        "dashscopeapikey",
        "authorization",
    }
)


def mask_keys(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text with its keys as dots, of the same length, and where they were: (offset, length)."""
    found = [(match.start(), match.end() - match.start()) for match in _KEY.finditer(text)]
    return (_KEY.sub(lambda match: "•" * len(match[0]), text) if found else text), found


def is_secret_name(name: str) -> bool:
    """Whether what is kept under this name would be a credential."""
    return name.lower().replace("_", "").replace("-", "") in _NAMES
