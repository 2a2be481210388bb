"""Authenticates calls by their credentials."""

import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tabletop.image.v1.access_pb2 import Role

from image_grpc.access.caller import ANYBODY, BRIDGE_NAME, Caller
from image_grpc.access.callers import Callers, Match
from image_grpc.errors import Unauthenticated
from image_grpc.settings import AccessSettings

if TYPE_CHECKING:
    from image_grpc.access.tokens import TokenVerifier

BRIDGE = Caller(name=BRIDGE_NAME, role=Role.ROLE_WRITER)
_SCHEME = "bearer "
_CERTIFICATE_NAMES = ("x509_subject_alternative_name", "x509_common_name")
"""In the order of their precedence (RFC 6125): the common name counts only if there is no alternative name."""


class Authenticator:
    """Authenticates by API key, token or client certificate, whichever the settings name."""

    def __init__(self, settings: AccessSettings) -> None:
        """Raises InvalidSettings."""
        self._open = not settings.authenticates
        self._callers = Callers(settings.api_keys_file) if settings.api_keys_file else None
        self._tokens = _token_verifier(settings)
        self.bridge_key = secrets.token_urlsafe(32)
        """Identifies the bridge in this process, on a socket of its own."""

    async def caller(self, authorizations: Sequence[str], connection: Mapping[str, Iterable[bytes]]) -> Caller:
        """Return the caller. Raises Unauthenticated, IdentityProviderError.

        `authorizations` are the values of the metadata `authorization`. `connection` contains the names in the
        client certificate that TLS has verified.
        """
        if self._open:
            return ANYBODY
        if not authorizations:
            return self._by_certificate(connection)
        if len(authorizations) > 1:
            raise Unauthenticated("the call has more than one authorization")
        scheme, credential = authorizations[0][: len(_SCHEME)], authorizations[0][len(_SCHEME) :].strip()
        if scheme.lower() != _SCHEME or not credential:
            raise Unauthenticated("the authorization must be `Bearer` and an API key or token")
        if self._tokens is not None and credential.count(".") == 2:  # the API keys that we create have no periods
            return await self._tokens.caller(credential)
        if self._callers is None:
            raise Unauthenticated("this server accepts no API keys")
        return _valid(self._callers.with_key(credential), "the API key")

    def bridge(self, authorizations: Sequence[str]) -> Caller:
        """Return the bridge in this process as the caller. Raises Unauthenticated for anybody else."""
        expected = f"Bearer {self.bridge_key}"
        if len(authorizations) == 1 and hmac.compare_digest(authorizations[0].encode(), expected.encode()):
            return BRIDGE
        raise Unauthenticated("this socket is for the bridge in the process alone")

    def _by_certificate(self, connection: Mapping[str, Iterable[bytes]]) -> Caller:
        kinds = (list(connection.get(kind, ())) for kind in _CERTIFICATE_NAMES)
        names = [name.decode(errors="replace") for name in next((kind for kind in kinds if kind), [])]
        if not names:
            raise Unauthenticated("the call has no credentials: send `authorization: Bearer KEY`")
        if self._callers is not None:
            return _valid(self._callers.with_certificate(names), "the client certificate")
        if self._tokens is not None:
            raise Unauthenticated("the call has no token: send `authorization: Bearer TOKEN`")
        # Nothing but the operator's certificate authority says who may call.
        return Caller(name=names[0], role=Role.ROLE_WRITER)


def _valid(match: Match | None, credential: str) -> Caller:
    if match is None:
        raise Unauthenticated(f"{credential} is unknown")
    if match.has_expired:
        raise Unauthenticated(f"{credential} of {match.caller.name} has expired")
    return match.caller


def _token_verifier(settings: AccessSettings) -> "TokenVerifier | None":
    source = settings.jwt_jwks
    if not source:
        return None
    # Imported here: cryptography takes a while, and only tokens need it.
    from image_grpc.access.key_sets import FileKeys, RemoteKeys
    from image_grpc.access.tokens import TokenRules, TokenVerifier

    keys = RemoteKeys(source) if "://" in source else FileKeys(Path(source))
    return TokenVerifier(TokenRules(issuer=settings.jwt_issuer, audience=settings.jwt_audience), keys)
