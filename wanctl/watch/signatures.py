"""Whether a webhook comes from who knows the secret, as GitHub, GitLab, Bitbucket and their like sign it."""

import hmac
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256

SIGNATURES = ("x-hub-signature-256", "x-hub-signature")  # GitHub, Gitea and others; Bitbucket
LARGEST_BODY = 25 * 1024 * 1024  # what GitHub sends at most


class TooLarge(Exception):  # noqa: N818 - reads as what happened
    """More than any webhook sends."""


async def genuine(secret: str, headers: Mapping[str, str], body: AsyncIterator[bytes]) -> bool:
    """True if the body is signed with the secret, or the secret itself is shown. Nothing of it is kept, and
    without any sign of the secret nothing is read."""
    signed = next((headers[name] for name in SIGNATURES if name in headers), None)
    if signed is None:
        token = headers.get("x-gitlab-token")
        return token is not None and _same(token, secret)
    expected = hmac.new(secret.encode(), digestmod=sha256)
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > LARGEST_BODY:
            raise TooLarge
        expected.update(chunk)
    return _same(signed, f"sha256={expected.hexdigest()}")


def _same(given: str, expected: str) -> bool:
    """Compared in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())
