"""JSON Web Tokens of the platform's identity provider (RFC 7519), verified with its key set (RFC 7517)."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import structlog
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from image_grpc.access.caller import Caller
from image_grpc.access.reloading_file import ReloadingFile
from image_grpc.access.roles import role_of
from image_grpc.errors import IdentityProviderError, Unauthenticated
from image_grpc.retry import SOON

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Asymmetric ones: with a shared secret, whoever verifies tokens could issue them."""
CLOCK_SKEW_SECONDS = 60
"""How far the clocks of this host and of the identity provider may differ."""
MAX_AGE_SECONDS = 300.0
"""A key set is fetched again after this time, so that a key that was withdrawn is not accepted for longer."""
MIN_AGE_SECONDS = 1.0
"""A token with an unknown key makes the key set be fetched again, but not more often than this."""
FETCH_SECONDS = 5.0
MAX_KEY_SET_BYTES = 1_000_000
CLAIM_ROLE, CLAIM_SERVICE = "role", "service"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRules:
    """What a token must contain."""

    issuer: str
    audience: str


class TokenVerifier:
    """Verifies tokens."""

    def __init__(self, rules: TokenRules, keys: "FileKeys | RemoteKeys") -> None:
        self._keys = keys
        self._claims = jwt.JWTClaimsRegistry(
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": rules.issuer},
            aud={"essential": True, "value": rules.audience},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def caller(self, token: str) -> Caller:
        """Return the caller that a token is about. Raises Unauthenticated, IdentityProviderError."""
        try:
            try:
                return self._verify(token, await self._keys.current())
            except InvalidKeyIdError:
                return self._verify(token, await self._keys.renewed())
        except ExpiredTokenError as error:
            raise Unauthenticated("the token has expired") from error
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthenticated(f"the token is invalid: {error}") from error

    def _verify(self, token: str, keys: KeySet) -> Caller:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        self._claims.validate(claims)
        service = claims.get(CLAIM_SERVICE, "")
        if not isinstance(service, str):
            raise ValueError(f"claim {CLAIM_SERVICE} must be a string")
        return Caller(name=str(claims["sub"]), role=role_of(str(claims.get(CLAIM_ROLE, ""))), service=service)


def parse_key_set(data: bytes) -> KeySet:
    """Return the keys of a JWKS document. Raises ValueError."""
    try:
        return KeySet.import_key_set(orjson.loads(data))
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a JSON Web Key Set: {error}") from error


class FileKeys:
    """The key set in a file."""

    def __init__(self, path: Path) -> None:
        """Raises InvalidSettings."""
        self._file = ReloadingFile(parse_key_set, path)

    async def current(self) -> KeySet:
        """Return the keys."""
        return self._file.content()

    async def renewed(self) -> KeySet:
        """Return the keys as of now."""
        return self._file.content(fresh=True)


class RemoteKeys:
    """The key set at a URL. While it cannot be fetched, the last one holds."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: KeySet | None = None
        self._fetched = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def current(self) -> KeySet:
        """Return the keys; old ones are fetched again in the background. Raises IdentityProviderError."""
        if self._keys is None:
            await asyncio.shield(self._start())
        elif time.monotonic() - self._fetched > MAX_AGE_SECONDS:
            self._start()
        if self._keys is None:
            raise IdentityProviderError("the keys of the identity provider could not be fetched", retry_delay=SOON)
        return self._keys

    async def renewed(self) -> KeySet:
        """Return the keys after another attempt to fetch them."""
        await asyncio.shield(self._start())
        return await self.current()

    def _start(self) -> "asyncio.Task[None]":
        """Return the running attempt to fetch the keys, on which other calls wait as well, or a new one."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(), name="key set")
        return self._fetching

    async def _fetch(self) -> None:
        await asyncio.sleep(max(0.0, self._fetched + MIN_AGE_SECONDS - time.monotonic()))
        self._fetched = time.monotonic()
        try:
            async with httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False) as http:
                response = (await http.get(self._url)).raise_for_status()
            if len(response.content) > MAX_KEY_SET_BYTES:
                raise ValueError(f"more than {MAX_KEY_SET_BYTES} bytes")
            self._keys = parse_key_set(response.content)
        except (httpx.HTTPError, ValueError) as problem:
            log.error("keys of the identity provider not fetched", url=self._url, problem=str(problem))
        finally:
            self._fetching = None
