"""Whether a webhook comes from who knows the secret, as GitHub and GitLab (and those like them) sign it."""

import hmac
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256

LARGEST_BODY = 25 * 1024 * 1024  # what GitHub sends at most


class TooLarge(Exception):  # noqa: N818 - reads as what happened
    """More than any webhook sends."""


async def genuine(secret: str, headers: Mapping[str, str], body: AsyncIterator[bytes]) -> bool:
    """True if the body is signed with the secret, or the secret itself is shown. Nothing of it is kept."""
    expected = hmac.new(secret.encode(), digestmod=sha256)
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > LARGEST_BODY:
            raise TooLarge
        expected.update(chunk)
    if (signed := headers.get("x-hub-signature-256")) is not None:
        return _same(signed, f"sha256={expected.hexdigest()}")
    if (token := headers.get("x-gitlab-token")) is not None:
        return _same(token, secret)
    return False


def _same(given: str, expected: str) -> bool:
    """Compared in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())
