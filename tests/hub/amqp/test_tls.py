"""The hub on a RabbitMQ that requires TLS with client certificates."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from tabletop.hub.v1.events_pb2 import ImageGenerated

from image_grpc.errors import HubError
from image_grpc.hub import Ack, Delivery, Outcome, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.amqp import AmqpHub
from image_grpc_testkit.contracts.hub_testkit import (
    TIMEOUT_SECONDS,
    Inbox,
    envelope_named,
    queue_message,
    request_message,
)
from image_grpc_testkit.servers.processes import free_port
from image_grpc_testkit.servers.rabbitmq import rabbitmq

CONFIGURATION = """
listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {folder}/ca.pem
ssl_options.certfile = {folder}/server.pem
ssl_options.keyfile = {folder}/server.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
"""

CLIENT = {"certfile": "client.pem", "keyfile": "client.key"}


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsNode:
    """A node that requires TLS, and a folder with certificates."""

    port: int
    folder: Path

    def url(self, host: str = "localhost", **files: str) -> str:
        """Return the node's URL with TLS options whose values are files in the folder."""
        query = urllib.parse.urlencode({name: str(self.folder / file) for name, file in files.items()})
        return f"amqps://guest:guest@{host}:{self.port}/?{query}"


@pytest.fixture(scope="module")
def tls_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsNode]:
    folder, port = tmp_path_factory.mktemp("tls"), free_port()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other_ca.pem")
    for name, issuer in (("server", authority), ("client", authority), ("untrusted", trustme.CA())):
        certificate = issuer.issue_cert("localhost")
        certificate.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        certificate.private_key_pem.write_to_path(folder / f"{name}.key")
    with rabbitmq(CONFIGURATION.format(port=port, folder=folder)):
        yield TlsNode(port=port, folder=folder)


async def test_messages_requests_and_replies_use_tls(tls_node: TlsNode) -> None:
    hub = AmqpHub(tls_node.url(cafile="ca.pem", **CLIENT))
    await hub.start()
    try:

        async def handle(delivery: Delivery) -> Settlement:
            reply = envelopes.reply_envelope(delivery.envelope, "reply", ImageGenerated(image_id="reply"))
            await hub.reply(delivery, reply, timeout=TIMEOUT_SECONDS)
            return Ack()

        replying = await hub.consume(topology.STORAGE_QUEUE, handle, concurrency=1)
        request = request_message(topology.STORE, envelope_named("request"))
        reply = await hub.request(request, timeout=TIMEOUT_SECONDS)
        assert envelopes.payload(reply, ImageGenerated).image_id == "reply"
        inbox = Inbox()
        consuming = await hub.consume(topology.STORE_QUEUE, inbox, concurrency=1)
        job = queue_message(topology.STORE_QUEUE, envelope_named("job"))
        assert await hub.publish(job, timeout=TIMEOUT_SECONDS) is Outcome.CONFIRMED
        await inbox.wait_for(1)
        assert inbox.names == ["job"]
        for consumer in (replying, consuming):
            await consumer.stop(grace=TIMEOUT_SECONDS)
    finally:
        await hub.close()


@pytest.mark.parametrize(
    ("files", "error"),
    [
        # The broker verifies the client after the client's part of the handshake: the client reads the reason, or
        # finds the connection closed, whichever comes first.
        ({"cafile": "ca.pem"}, "(certificate required|[Cc]onnection)"),
        ({"cafile": "ca.pem", "certfile": "untrusted.pem", "keyfile": "untrusted.key"}, "(unknown ca|[Cc]onnection)"),
        ({"cafile": "other_ca.pem", **CLIENT}, "certificate verify failed"),
        (CLIENT, "certificate verify failed"),
        ({"cafile": "missing.pem", **CLIENT}, "No such file"),
    ],
    ids=["no certificate", "untrusted certificate", "another authority", "system authorities", "missing file"],
)
async def test_start_fails_without_valid_certificates(tls_node: TlsNode, files: dict[str, str], error: str) -> None:
    with pytest.raises(HubError, match=f"no connection to the Message Hub: .*{error}"):
        await AmqpHub(tls_node.url(**files)).start()


async def test_a_certificate_of_another_host_is_rejected(tls_node: TlsNode) -> None:
    with pytest.raises(HubError, match="IP address mismatch"):
        await AmqpHub(tls_node.url("127.0.0.1", cafile="ca.pem", **CLIENT)).start()
