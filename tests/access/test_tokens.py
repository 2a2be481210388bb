"""JSON Web Tokens, and the key sets that verify them."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from pathlib import Path

import grpc
import pytest
from joserfc.jwk import KeySet
from tabletop.image.v1.theme_service_pb2 import CreateThemeRequest

from image_grpc.access import key_sets
from tests.access.calls import (
    AUDIENCE,
    SECONDS,
    bearer,
    jwt_settings,
    list_themes,
    refused,
    signing_key,
    token,
    write_key_set,
)
from tests.access.key_servers import http_response, key_server
from tests.service import service
from tests.statuses import failed_call


async def test_a_token_needs_issuer_audience_time_signature_and_role(tmp_path: Path) -> None:
    key, other, file = signing_key("one"), signing_key("one"), tmp_path / "jwks.json"
    write_key_set(file, key)
    now = int(time.time())
    async with service(tmp_path / "data", **jwt_settings(file)) as running:
        await list_themes(running.channel, token(key))
        await list_themes(running.channel, token(key, aud=["other", AUDIENCE], exp=now - 30))  # clocks differ
        for wrong in (
            {"iss": "https://other.example.com"},
            {"aud": "other"},
            {"exp": now - 600},
            {"exp": None},
            {"nbf": now + 600},
            {"sub": None},
            {"sub": "bridge"},
            {"sub": "a\0b"},
            {"sub": "x" * 256},
            {"role": "root"},
            {"role": None},
            {"service": ""},
            {"service": 7},
        ):
            await refused(running.channel, token(key, **wrong))
        await refused(running.channel, token(other))
        await refused(running.channel, token(key)[:-4] + "AAAA")
        await refused(running.channel, "a.b.c")
        header, payload, _ = token(key).split(".")
        unsigned = urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        await refused(running.channel, f"{unsigned}.{payload}.")
        await refused(running.channel, f"{header}.{payload}.")
        create = CreateThemeRequest()
        call = running.themes.CreateTheme(create, metadata=bearer(token(key)), timeout=SECONDS)
        assert (await failed_call(call)).reason == "PERMISSION_DENIED"


async def test_the_key_set_at_a_url_is_cached_and_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_sets, "MIN_INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(key_sets, "RETRY_SECONDS", 0.0)
    first, second, file = signing_key("one"), signing_key("two"), tmp_path / "jwks.json"
    requests = 0

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        writer.write(http_response(file.read_bytes()))

    async with key_server(respond) as (url, server), service(tmp_path / "data", **jwt_settings(url)) as running:
        file.write_text("nonsense")
        status = await failed_call(list_themes(running.channel, token(first)))
        assert (status.code, status.reason) == (grpc.StatusCode.UNAVAILABLE, "IDENTITY_PROVIDER_ERROR")
        write_key_set(file, first)
        await list_themes(running.channel, token(first))
        fetched = requests
        for _ in range(5):
            await list_themes(running.channel, token(first))
        assert requests == fetched
        write_key_set(file, second)
        await list_themes(running.channel, token(second))
        await refused(running.channel, token(first))
        monkeypatch.setattr(key_sets, "MAX_AGE_SECONDS", 0.0)
        write_key_set(file, first)
        await refused(running.channel, token(second))  # withdrawn, and the set is old
        server.close()
        fetched = requests
        await list_themes(running.channel, token(first))
        assert requests == fetched


async def test_a_token_waits_for_keys_that_are_published_during_a_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_sets, "MIN_INTERVAL_SECONDS", 0.0)
    first, second = signing_key("one"), signing_key("two")
    served, begun, may_end = [first], asyncio.Event(), asyncio.Event()
    may_end.set()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(KeySet(list(served)).as_dict(private=False)).encode()
        begun.set()
        await may_end.wait()
        writer.write(http_response(body))

    async with key_server(respond) as (url, _), service(tmp_path / "data", **jwt_settings(url)) as running:
        await list_themes(running.channel, token(first))
        begun.clear()
        may_end.clear()
        unknown = asyncio.create_task(refused(running.channel, token(signing_key("unknown"))))
        await begun.wait()
        served.append(second)
        waiting = asyncio.create_task(list_themes(running.channel, token(second)))
        await asyncio.sleep(0.1)  # it joins the fetch that began before its key was published
        may_end.set()
        await asyncio.gather(unknown, waiting)


async def test_a_provider_that_sends_slowly_holds_calls_up_for_a_limited_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_sets, "FETCH_SECONDS", 0.3)

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with key_server(respond) as (url, _), service(tmp_path / "data", **jwt_settings(url)) as running:
        status = await failed_call(list_themes(running.channel, token(signing_key("one"))))
        assert status.reason == "IDENTITY_PROVIDER_ERROR"


async def test_without_a_kid_a_token_is_verified_with_the_only_key_also_after_a_rotation(tmp_path: Path) -> None:
    file, keys = tmp_path / "jwks.json", [signing_key("one"), signing_key("two")]
    write_key_set(file, keys[0])
    async with service(tmp_path / "data", **jwt_settings(file)) as running:
        for key in keys:
            write_key_set(file, key)
            await list_themes(running.channel, token(key, with_kid=False))
        await refused(running.channel, token(keys[0], with_kid=False))
