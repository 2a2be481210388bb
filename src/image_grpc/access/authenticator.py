"""Finds out who calls, from the credentials of a call."""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from tabletop.image.v1.access_pb2 import Role

from image_grpc.access.api_keys import ApiKeys, Match
from image_grpc.access.caller import ANYBODY, Caller
from image_grpc.access.tokens import FileKeys, RemoteKeys, TokenRules, TokenVerifier
from image_grpc.errors import Unauthenticated
from image_grpc.settings import AccessSettings

AUTHORIZATION = "authorization"
_SCHEME = "bearer "
_CERTIFICATE_NAMES = ("x509_subject_alternative_name", "x509_common_name")
BRIDGE = Caller(name="bridge", role=Role.ROLE_WRITER)


class Authenticator:
    """Authenticates by API key, token or client certificate, whichever the settings name."""

    def __init__(self, settings: AccessSettings) -> None:
        """Raises InvalidSettings."""
        self._open = not settings.authenticates
        self._keys = ApiKeys(settings.api_keys_file) if settings.api_keys_file else None
        self._tokens = _token_verifier(settings)
        self.bridge_key = secrets.token_urlsafe(32)
        """Identifies the bridge in this process."""

    async def caller(self, metadata: Mapping[str, str], certificate: Mapping[str, Iterable[bytes]]) -> Caller:
        """Return who calls. Raises Unauthenticated, IdentityProviderError.

        `certificate` are the properties of the connection, with the names in the certificate that TLS has verified.
        """
        if self._open:
            return ANYBODY
        authorization = metadata.get(AUTHORIZATION)
        if authorization is None:
            return self._by_certificate(certificate)
        if not authorization.lower().startswith(_SCHEME):
            raise Unauthenticated("the authorization must be `Bearer` and an API key or token")
        credential = authorization[len(_SCHEME) :].strip()
        if hmac.compare_digest(credential.encode(), self.bridge_key.encode()):
            return BRIDGE
        if self._tokens is not None and credential.count(".") == 2:  # API keys contain no periods
            return await self._tokens.caller(credential)
        if self._keys is None:
            raise Unauthenticated("this server accepts no API keys")
        return _valid(self._keys.with_key(credential), "the API key")

    def _by_certificate(self, certificate: Mapping[str, Iterable[bytes]]) -> Caller:
        names = [name.decode(errors="replace") for kind in _CERTIFICATE_NAMES for name in certificate.get(kind, ())]
        if not names:
            raise Unauthenticated("the call has no credentials: send `authorization: Bearer KEY`")
        if self._keys is None:  # the operator's certificate authority decides who gets one
            return Caller(name=names[0], role=Role.ROLE_WRITER)
        return _valid(self._keys.with_certificate(names), "the client certificate")


def _valid(match: Match | None, credential: str) -> Caller:
    if match is None:
        raise Unauthenticated(f"{credential} is unknown")
    if match.expired:
        raise Unauthenticated(f"{credential} of {match.caller.name} has expired")
    return match.caller


def _token_verifier(settings: AccessSettings) -> TokenVerifier | None:
    source = settings.jwt_jwks
    if not source:
        return None
    keys = RemoteKeys(source) if "://" in source else FileKeys(Path(source))
    return TokenVerifier(TokenRules(issuer=settings.jwt_issuer, audience=settings.jwt_audience), keys)
