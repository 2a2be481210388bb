"""Page tokens: an opaque position that is bound to the listing it was issued for, and signed if there is a key.

All processes of a service need the same key, so there is no default: without one, a caller could make a token of its
own. Positions are checked in any case.
"""

import base64
import hashlib
import hmac

_DIGEST_BYTES = 16

_key = b""


def configure(key: str) -> None:
    """Sign the tokens of this process with a key, and accept only such."""
    global _key  # noqa: PLW0603  # one key per process, like the settings it comes from
    _key = hashlib.sha256(key.encode()).digest() if key else b""


class InvalidPageToken(ValueError):
    """The token is malformed or was issued for another listing."""


def encode(position: bytes, *, listing: bytes) -> str:
    """Return the token for a position in a listing; `listing` is everything that identifies the listing."""
    return base64.urlsafe_b64encode(_digest(position, listing) + position).decode().rstrip("=")


def decode(token: str, *, listing: bytes) -> bytes:
    """Return the position in a token. Raises InvalidPageToken."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise InvalidPageToken("is not a page token of this service") from error
    position = sealed[_DIGEST_BYTES:]
    if not hmac.compare_digest(sealed[:_DIGEST_BYTES], _digest(position, listing)):
        raise InvalidPageToken("was not issued for this listing with these filters")
    return position


def _digest(position: bytes, listing: bytes) -> bytes:
    content = hashlib.sha256(listing).digest() + position
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES, key=_key, person=b"page token").digest()
