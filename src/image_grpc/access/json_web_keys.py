"""Documents with the keys of identity providers (RFC 7517)."""

from collections.abc import Iterable
from typing import Any

import orjson
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Only asymmetric algorithms: with a shared secret, a service that verifies tokens could issue them, too."""
_KEY_TYPES = ("RSA", "EC", "OKP")
_MAX_LOGGED = 100
"""Characters of a `kid` in the log."""

log = structlog.get_logger(__name__)


class KeySetParser:
    """Parses the successive versions of a key set.

    A key that cannot verify signatures is ignored (RFC 7517, section 5) and logged when it first occurs: providers
    publish keys of new types, and keys for encryption, next to those that sign tokens.
    """

    def __init__(self) -> None:
        self._ignored: set[tuple[str, str]] = set()

    def parse(self, data: bytes) -> KeySet:
        """Return the usable keys of a document. Raises ValueError if there is none."""
        keys: list[Key] = []
        ignored: set[tuple[str, str]] = set()
        for entry in _entries(data):
            try:
                keys.append(_usable_key(entry))
            except ValueError as problem:
                ignored.add((_label(entry), str(problem)))
        for kid, reason in sorted(ignored - self._ignored):
            log.warning("key of the identity provider ignored", kid=kid, reason=reason)
        self._ignored = ignored
        if not keys:
            raise ValueError(f"no usable key in the JSON Web Key Set{_summary(ignored)}")
        return KeySet(keys)


def _entries(data: bytes) -> list[Any]:
    """Return the keys of a document as they are. Raises ValueError."""
    document = orjson.loads(data)
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise ValueError("not a JSON Web Key Set: the member `keys` must be an array")
    return keys


def _usable_key(entry: Any) -> Key:
    """Return a key that verifies signatures. Raises ValueError with what is wrong."""
    if not isinstance(entry, dict):
        raise ValueError("must be an object")
    if entry.get("kty") not in _KEY_TYPES:
        raise ValueError(f"`kty` must be one of {', '.join(_KEY_TYPES)}")
    if entry.get("use", "sig") != "sig":
        raise ValueError("`use` must be sig")
    if entry.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        raise ValueError(f"`alg` must be one of {', '.join(ALGORITHMS)}")
    try:
        key = JWKRegistry.import_key(entry)
        key.check_key_op("verify")
    except KeyError as error:
        raise ValueError(f"unsupported value {error}") from error
    except (JoseError, ValueError, TypeError, AttributeError, ArithmeticError, UnsupportedAlgorithm) as error:
        raise ValueError(str(error) or "malformed value") from error
    if not hasattr(key.public_key, "verify"):
        raise ValueError(f"unsupported value {entry.get('crv')!r}")
    return key


def _label(entry: Any) -> str:
    return str(entry.get("kid", "") if isinstance(entry, dict) else "")[:_MAX_LOGGED]


def _summary(ignored: Iterable[tuple[str, str]]) -> str:
    """Return which keys were ignored, for an error message."""
    kid, reason = min(ignored, default=("", ""))
    return f"; for example, key {kid!r}: {reason}" if reason else ""
