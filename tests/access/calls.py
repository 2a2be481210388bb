"""Calls with credentials, and tokens of an identity provider."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from tabletop.image.v1.theme_service_pb2 import ListThemesRequest
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

from tests.service import Service, stubs
from tests.statuses import CallStatus, failed_call

SECONDS = 60.0
ISSUER, AUDIENCE = "https://id.example.com", "images"


def bearer(credential: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {credential}")]


class Identified:
    """A channel whose calls have a credential."""

    def __init__(self, channel: grpc.aio.Channel, credential: str) -> None:
        self._channel, self._credential = channel, credential

    def __getattr__(self, name: str) -> Any:
        multi_callable = getattr(self._channel, name)
        return lambda *args, **kwargs: partial(multi_callable(*args, **kwargs), metadata=bearer(self._credential))


def as_caller(running: Service, credential: str) -> Service:
    """Return the service with stubs whose calls have a credential."""
    channel: Any = Identified(running.channel, credential)
    return replace(running, **stubs(channel))


async def list_themes(channel: grpc.aio.Channel, credential: str = "") -> None:
    metadata = bearer(credential) if credential else []
    stub: Any = ThemeServiceStub(channel)
    await stub.ListThemes(ListThemesRequest(), metadata=metadata, timeout=SECONDS)


async def refused(channel: grpc.aio.Channel, credential: str = "") -> CallStatus:
    status = await failed_call(list_themes(channel, credential))
    assert (status.code, status.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    return status


def signing_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


def token(key: ECKey, *, with_kid: bool = True, **claims: Any) -> str:
    now = int(time.time())
    defaults = {"iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "role": "reader", "exp": now + 600}
    content = {name: value for name, value in (defaults | claims).items() if value is not None}
    return jwt.encode({"alg": "ES256"} | ({"kid": key.kid} if with_kid else {}), content, key)


def write_key_set(file: Path, *keys: ECKey) -> None:
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps(KeySet(list(keys)).as_dict(private=False)))
    temporary.replace(file)


def jwt_settings(jwks: Path | str) -> dict[str, object]:
    return {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_jwks": str(jwks)}
