"""Names that callers choose, as parts of keys."""

import hashlib

MAX_LENGTH = 100


def key_part(name: str) -> str:
    """Return a name as part of a key: its SHA-256 if it is long."""
    return name if len(name) <= MAX_LENGTH else hashlib.sha256(name.encode()).hexdigest()
