"""TLS, client certificates, and what happens while certificates, keys and key sets are replaced."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tabletop.image.v1.theme_service_pb2 import CreateThemeRequest, ListThemesRequest
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

from image_grpc.access import server_credentials
from image_grpc.access.callers import create_key
from image_grpc.probe import is_serving
from image_grpc.settings import EmbeddedSettings, InvalidSettings, load
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.processes import free_port
from tests.access.calls import SECONDS, bearer, jwt_settings, list_themes, refused, signing_key, token, write_key_set
from tests.access.key_servers import file_server
from tests.service import service
from tests.statuses import failed_call

CLIENTS = 50


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
    with pytest.raises(InvalidSettings, match="does not belong to the certificate"):
        async with service(tmp_path / "data", **certificates.settings()):
            pass


@pytest.mark.parametrize("kind", ["file", "URL"])
async def test_calls_go_on_while_certificate_keys_and_key_set_are_replaced(
    kind: str, tmp_path: Path, certificates: Certificates
) -> None:
    keys_file, jwks = tmp_path / "keys.jsonl", tmp_path / "jwks.json"
    lasting = create_key(keys_file, name="lasting", role="reader")
    line = keys_file.read_text()
    signing = [signing_key("0")]
    write_key_set(jwks, *signing)
    current = {"token": token(signing[0])}
    calls, stopped = 0, asyncio.Event()
    async with AsyncExitStack() as stack:
        source = jwks if kind == "file" else await stack.enter_async_context(file_server(jwks))
        settings = {**certificates.settings(), **jwt_settings(source), "api_keys_file": keys_file}
        running = await stack.enter_async_context(service(tmp_path / "data", **settings))

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
                create_key(keys_file, name=str(round_), role="reader")
                keys_file.write_text(line)
                signing.append(signing_key(str(round_)))
                write_key_set(jwks, *signing)
                current["token"] = token(signing[-1])
            stopped.set()
    assert calls >= 5 * CLIENTS


async def test_with_tokens_a_client_certificate_alone_is_no_caller(tmp_path: Path, certificates: Certificates) -> None:
    file, key = tmp_path / "jwks.json", signing_key("one")
    write_key_set(file, key)
    client = certificates.ca.issue_cert("client.example.com")
    settings = certificates.settings(mutual=True) | jwt_settings(file)
    async with service(tmp_path / "data", **settings) as running:
        async with certificates.channel(running.running.address, client) as channel:
            await list_themes(channel, token(key))
            assert "no token" in (await refused(channel)).message


async def test_the_common_name_counts_only_without_alternative_names(
    tmp_path: Path, certificates: Certificates
) -> None:
    keys = tmp_path / "keys.jsonl"
    names = {"admin": "admin.example.com", "reader": "low.example.com"}
    entries = [{"name": role, "role": role, "certificate": name} for role, name in names.items()]
    keys.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    client = certificates.ca.issue_cert("low.example.com", common_name="admin.example.com")
    async with service(tmp_path / "data", api_keys_file=keys, **certificates.settings(mutual=True)) as running:
        async with certificates.channel(running.running.address, client) as channel:
            stub: Any = ThemeServiceStub(channel)
            call = stub.CreateTheme(CreateThemeRequest(), timeout=SECONDS)
            assert "reader has the role reader" in (await failed_call(call)).message


async def test_the_socket_of_the_bridge_is_for_the_bridge_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    key = create_key(file, name="one", role="writer")
    async with service(tmp_path / "data", api_keys_file=file) as running:
        endpoint = running.running.for_bridge
        assert endpoint.api_key not in repr(running.running)
        async with endpoint.open_async() as channel:
            await list_themes(channel, endpoint.api_key)
            await refused(channel, key)
            await refused(channel)
        await refused(running.channel, endpoint.api_key)


async def test_more_than_one_authorization_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    key = create_key(file, name="one", role="reader")
    async with service(tmp_path / "data", api_keys_file=file) as running:
        metadata = bearer("igk_wrong") + bearer(key)
        call = running.themes.ListThemes(ListThemesRequest(), metadata=metadata, timeout=SECONDS)
        assert (await failed_call(call)).reason == "UNAUTHENTICATED"


@pytest.mark.parametrize("curve", [ec.SECP521R1(), ec.SECP256K1()], ids=lambda curve: curve.name)
def test_a_key_that_the_server_could_not_use_stops_a_start(tmp_path: Path, curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key").write_bytes(pem)
    (tmp_path / "certificate").write_bytes(b"")
    settings = load(EmbeddedSettings, tls_certificate_file=tmp_path / "certificate", tls_key_file=tmp_path / "key")
    with pytest.raises(InvalidSettings, match="P-256 or P-384"):
        server_credentials(settings)
