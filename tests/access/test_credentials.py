"""API keys, tokens, and client certificates, and what happens while they are replaced."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from click.testing import CliRunner
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from tabletop.image.v1.theme_service_pb2 import CreateThemeRequest, ListThemesRequest
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

from image_grpc.access import reloading_file, tokens
from image_grpc.access.api_keys import create_key
from image_grpc.cli import main
from image_grpc.probe import is_serving
from image_grpc.settings import InvalidSettings
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.processes import free_port
from tests.service import service
from tests.statuses import CallStatus, failed_call

SECONDS = 60.0
ISSUER, AUDIENCE = "https://id.example.com", "images"
CLIENTS = 50


@pytest.fixture(autouse=True)
def _reload_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading_file, "CHECK_SECONDS", 0.0)


def bearer(credential: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {credential}")]


async def list_themes(channel: grpc.aio.Channel, credential: str = "") -> None:
    metadata = bearer(credential) if credential else []
    stub: Any = ThemeServiceStub(channel)
    await stub.ListThemes(ListThemesRequest(), metadata=metadata, timeout=SECONDS)


async def refused(channel: grpc.aio.Channel, credential: str = "") -> CallStatus:
    status = await failed_call(list_themes(channel, credential))
    assert (status.code, status.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    return status


# API keys


async def test_a_key_of_the_command_is_accepted_until_its_line_is_deleted(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    arguments = ["api-key", "create", "--role", "reader", "--file", str(file), "--name"]
    first, second = (CliRunner().invoke(main, [*arguments, name]).output.strip() for name in ("one", "two"))
    assert len({first, second}) == 2
    assert first not in file.read_text()
    async with service(tmp_path / "data", api_keys_file=file) as running:
        await list_themes(running.channel, first)
        await list_themes(running.channel, second)
        file.write_text(file.read_text().splitlines()[1] + "\n")
        assert "unknown" in (await refused(running.channel, first)).message
        await list_themes(running.channel, second)
        third = CliRunner().invoke(main, [*arguments, "three"]).output.strip()
        await list_themes(running.channel, third)


async def test_a_broken_file_stops_a_start_and_is_ignored_later(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    key = create_key(file, name="one", role="reader", service="", expires=None)
    async with service(tmp_path / "data", api_keys_file=file) as running:
        file.write_text("{}")
        await list_themes(running.channel, key)
        file.unlink()
        await list_themes(running.channel, key)
    for content, problem in (("{}", "line 1"), ("\n#\nnonsense", "line 3"), (None, "No such file")):
        if content is not None:
            file.write_text(content)
        else:
            file.unlink()
        with pytest.raises(InvalidSettings, match=problem):
            async with service(tmp_path / "data", api_keys_file=file):
                pass


async def test_an_expired_key_is_refused_and_says_so(tmp_path: Path) -> None:
    file, past = tmp_path / "keys.jsonl", datetime.now(UTC) - timedelta(seconds=1)
    key = create_key(file, name="one", role="reader", service="", expires=past)
    async with service(tmp_path / "data", api_keys_file=file) as running:
        assert "expired" in (await refused(running.channel, key)).message


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic abc", "igk_abc", "Bearer \u0001"])
async def test_a_malformed_authorization_is_refused(tmp_path: Path, authorization: str) -> None:
    file = tmp_path / "keys.jsonl"
    create_key(file, name="one", role="reader", service="", expires=None)
    async with service(tmp_path / "data", api_keys_file=file) as running:
        metadata = [("authorization", authorization)] if authorization.isprintable() else bearer("é")
        if metadata[0][1].isascii():
            call = running.themes.ListThemes(ListThemesRequest(), metadata=metadata, timeout=SECONDS)
            assert (await failed_call(call)).reason == "UNAUTHENTICATED"


@pytest.mark.parametrize("role", ["root", "", "READER"])
def test_the_command_knows_the_roles(tmp_path: Path, role: str) -> None:
    arguments = ["api-key", "create", "--name", "x", "--role", role, "--file", str(tmp_path / "keys")]
    assert CliRunner().invoke(main, arguments).exit_code == 2


# Tokens


def signing_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


def token(key: ECKey, **claims: Any) -> str:
    now = int(time.time())
    defaults = {"iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "role": "reader", "exp": now + 600}
    content = {name: value for name, value in (defaults | claims).items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": key.kid}, content, key)


def write_key_set(file: Path, *keys: ECKey) -> None:
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps(KeySet(list(keys)).as_dict(private=False)))
    temporary.replace(file)


def jwt_settings(jwks: Path | str) -> dict[str, object]:
    return {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_jwks": str(jwks)}


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
            {"role": "root"},
            {"role": None},
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
    monkeypatch.setattr(tokens, "MIN_AGE_SECONDS", 0.0)
    first, second, file = signing_key("one"), signing_key("two"), tmp_path / "jwks.json"
    requests = 0

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        await reader.readuntil(b"\r\n\r\n")
        body = file.read_bytes()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(body), body))
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
    async with service(tmp_path / "data", **jwt_settings(url)) as running:
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
        server.close()
        await list_themes(running.channel, token(second))


# TLS


class Certificates:
    """Certificates of one authority in files, which can be replaced."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.folder = folder
        self.ca_file = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.ca_file))
        self.replace()

    def replace(self) -> None:
        """Issue a new certificate of the server."""
        issued = self.ca.issue_cert("localhost", "127.0.0.1")
        for name, blobs in (("key", [issued.private_key_pem]), ("pem", issued.cert_chain_pems)):
            temporary = self.folder / "new"
            temporary.write_bytes(b"".join(each.bytes() for each in blobs))
            temporary.replace(self.folder / f"server.{name}")

    def settings(self, *, mutual: bool = False) -> dict[str, object]:
        files = {"tls_certificate_file": self.folder / "server.pem", "tls_key_file": self.folder / "server.key"}
        return files | ({"tls_client_ca_file": self.ca_file} if mutual else {})

    def channel(self, address: str, client: trustme.LeafCert | None = None) -> grpc.aio.Channel:
        chain = b"".join(each.bytes() for each in client.cert_chain_pems) if client else None
        key = client.private_key_pem.bytes() if client else None
        credentials = grpc.ssl_channel_credentials(self.ca_file.read_bytes(), key, chain)
        return grpc.aio.secure_channel(address, credentials, options=[("grpc.use_local_subchannel_pool", 1)])


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    folder = tmp_path / "certificates"
    folder.mkdir()
    return Certificates(folder)


async def test_the_server_speaks_tls_only_and_health_has_its_own_port(
    tmp_path: Path, certificates: Certificates
) -> None:
    health = f"127.0.0.1:{free_port()}"
    async with service(tmp_path / "data", health_listen=health, **certificates.settings()) as running:
        async with certificates.channel(running.running.address) as channel:
            await list_themes(channel)
        assert (await failed_call(list_themes(running.channel))).code is grpc.StatusCode.UNAVAILABLE
        assert await asyncio.to_thread(is_serving, health)


async def test_client_certificates_identify_callers(tmp_path: Path, certificates: Certificates) -> None:
    known, unknown = (certificates.ca.issue_cert(name) for name in ("known.example.com", "unknown.example.com"))
    keys = tmp_path / "keys.jsonl"
    keys.write_text(json.dumps({"name": "known", "role": "reader", "certificate": "known.example.com"}))
    foreign = trustme.CA().issue_cert("known.example.com")
    settings = certificates.settings(mutual=True)
    async with service(tmp_path / "data", api_keys_file=keys, **settings) as running:
        address = running.running.address
        async with certificates.channel(address, known) as channel:
            await list_themes(channel)
        async with certificates.channel(address, unknown) as channel:
            assert "unknown" in (await refused(channel)).message
        for client in (foreign, None):
            async with certificates.channel(address, client) as channel:
                assert (await failed_call(list_themes(channel))).code is grpc.StatusCode.UNAVAILABLE
    async with service(tmp_path / "data", **settings) as running:
        async with certificates.channel(running.running.address, unknown) as channel:
            await list_themes(channel)


async def test_a_certificate_without_its_key_stops_a_start(tmp_path: Path, certificates: Certificates) -> None:
    (certificates.folder / "server.key").write_bytes(certificates.ca.issue_cert("x").private_key_pem.bytes())
    with pytest.raises(InvalidSettings, match="not a certificate with its key"):
        async with service(tmp_path / "data", **certificates.settings()):
            pass


async def test_calls_go_on_while_certificate_keys_and_key_set_are_replaced(
    tmp_path: Path, certificates: Certificates
) -> None:
    keys_file, jwks = tmp_path / "keys.jsonl", tmp_path / "jwks.json"
    lasting = create_key(keys_file, name="lasting", role="reader", service="", expires=None)
    line = keys_file.read_text()
    signing = [signing_key("0")]
    write_key_set(jwks, *signing)
    current = {"token": token(signing[0])}
    calls, stopped = 0, asyncio.Event()
    settings = {**certificates.settings(), **jwt_settings(jwks), "api_keys_file": keys_file}
    async with service(tmp_path / "data", **settings) as running:

        async def call_on(credential: Callable[[], str]) -> None:
            nonlocal calls
            while not stopped.is_set():
                async with certificates.channel(running.running.address) as channel:  # a handshake each time
                    await list_themes(channel, credential())
                    calls += 1

        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(call_on(lambda: lasting) if number % 2 else call_on(lambda: current["token"]))
            for round_ in range(1, 6):
                target = calls + CLIENTS

                def reached(target: int = target) -> bool:
                    return calls >= target

                await eventually(reached, "more calls")
                certificates.replace()
                create_key(keys_file, name=str(round_), role="reader", service="", expires=None)
                keys_file.write_text(line)
                signing.append(signing_key(str(round_)))
                write_key_set(jwks, *signing)
                current["token"] = token(signing[-1])
            stopped.set()
    assert calls >= 5 * CLIENTS
