"""JSON Web Tokens of the platform's identity provider (RFC 7519)."""

from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from image_grpc.access.caller import MAX_SERVICE, Caller, is_usable_name
from image_grpc.access.json_web_keys import ALGORITHMS
from image_grpc.access.key_sets import Keys
from image_grpc.access.roles import role_of
from image_grpc.errors import Unauthenticated

CLOCK_SKEW_SECONDS = 60
"""Maximum difference between the clocks of this host and of the identity provider."""
MAX_SUBJECT = 255
"""As OpenID Connect limits it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRules:
    """What a token must contain."""

    issuer: str
    audience: str


class TokenVerifier:
    """Verifies tokens."""

    def __init__(self, rules: TokenRules, keys: Keys) -> None:
        self._keys = keys
        self._claims = jwt.JWTClaimsRegistry(
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": rules.issuer},
            aud={"essential": True, "value": rules.audience},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def caller(self, token: str) -> Caller:
        """Return the caller that a token names. Raises Unauthenticated, IdentityProviderError."""
        try:
            try:
                return self._verify(token, await self._keys.current())
            except (InvalidKeyIdError, BadSignatureError):  # the provider may have a new key
                return self._verify(token, await self._keys.renewed())
        except ExpiredTokenError as error:
            raise Unauthenticated("the token has expired") from error
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise Unauthenticated(f"the token is invalid: {error}") from error

    def _verify(self, token: str, keys: KeySet) -> Caller:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        self._claims.validate(claims)
        service = claims.get("service", "")
        if "service" in claims and not (isinstance(service, str) and 0 < len(service) <= MAX_SERVICE):
            raise ValueError(f"the claim service must have 1 to {MAX_SERVICE} characters")
        name = str(claims["sub"])
        if not 0 < len(name) <= MAX_SUBJECT or not is_usable_name(name):
            raise ValueError(f"the claim sub must have 1 to {MAX_SUBJECT} printable characters, and not be bridge")
        return Caller(name=name, role=role_of(str(claims.get("role", ""))), service=service)
