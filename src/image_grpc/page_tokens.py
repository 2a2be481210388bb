"""Page tokens: an opaque position that is bound to the listing it was issued for."""

import base64
import hashlib

_DIGEST_BYTES = 16


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
    if sealed[:_DIGEST_BYTES] != _digest(position, listing):
        raise InvalidPageToken("was not issued for this listing with these filters")
    return position


def _digest(position: bytes, listing: bytes) -> bytes:
    return hashlib.blake2b(listing + position, digest_size=_DIGEST_BYTES, person=b"page token").digest()
