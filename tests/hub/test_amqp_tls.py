"""The hub on a RabbitMQ that speaks TLS only with clients that have a certificate."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from tabletop.image.internal.v1.job_pb2 import GenerateJob

from image_grpc.errors import HubError
from image_grpc.hub import Delivery, Outcome, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.amqp import AmqpHub
from image_grpc.hub.port import Ack, Settlement
from tests.contracts.hub_bench import SECONDS, Inbox, as_request, named, to_queue
from tests.servers import free_port, rabbitmq

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
class Secured:
    """A node, and a folder with certificates."""

    port: int
    folder: Path

    def url(self, host: str = "localhost", **files: str) -> str:
        """Its URL with these files, each by its name in the folder."""
        query = urllib.parse.urlencode({name: str(self.folder / file) for name, file in files.items()})
        return f"amqps://guest:guest@{host}:{self.port}/?{query}"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder, port = tmp_path_factory.mktemp("tls"), free_port()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other_ca.pem")
    for name, issuer in (("server", authority), ("client", authority), ("stranger", trustme.CA())):
        made = issuer.issue_cert("localhost")
        made.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        made.private_key_pem.write_to_path(folder / f"{name}.key")
    with rabbitmq(CONFIGURATION.format(port=port, folder=folder)):
        yield Secured(port=port, folder=folder)


async def test_messages_requests_and_replies_go_over_tls(secured: Secured) -> None:
    hub = AmqpHub(secured.url(cafile="ca.pem", **CLIENT))
    await hub.start()
    try:

        async def answer(delivery: Delivery) -> Settlement:
            reply = envelopes.reply_envelope(delivery.envelope, "answer", GenerateJob(generation_id="it"))
            await hub.reply(delivery, reply, timeout=SECONDS)
            return Ack()

        answering = await hub.consume(topology.STORAGE_QUEUE, answer, concurrency=1)
        reply = await hub.request(as_request(topology.STORE, named("question")), timeout=SECONDS)
        assert envelopes.payload(reply, GenerateJob).generation_id == "it"
        inbox = Inbox()
        consuming = await hub.consume(topology.STORE_QUEUE, inbox, concurrency=1)
        assert (
            await hub.publish(to_queue(topology.STORE_QUEUE, named("job")), timeout=SECONDS) is Outcome.CONFIRMED
        )
        await inbox.holds(1)
        assert inbox.names == ["job"]
        for consumer in (answering, consuming):
            await consumer.stop(grace=SECONDS)
    finally:
        await hub.close()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        # The broker looks at the client's when the client's part of the handshake is over: the client reads its
        # reason, or finds the connection gone, whichever comes first.
        ({"cafile": "ca.pem"}, "(certificate required|[Cc]onnection)"),
        (
            {"cafile": "ca.pem", "certfile": "stranger.pem", "keyfile": "stranger.key"},
            "(unknown ca|[Cc]onnection)",
        ),
        ({"cafile": "other_ca.pem", **CLIENT}, "certificate verify failed"),
        (CLIENT, "certificate verify failed"),
        ({"cafile": "missing.pem", **CLIENT}, "No such file"),
    ],
    ids=["no certificate", "a stranger's", "another authority", "the system's authorities", "no such file"],
)
async def test_without_the_right_certificates_the_start_fails_and_says_why(
    secured: Secured, files: dict[str, str], says: str
) -> None:
    with pytest.raises(HubError, match=f"no connection to the Message Hub: .*{says}"):
        await AmqpHub(secured.url(**files)).start()


async def test_a_certificate_of_another_host_is_refused(secured: Secured) -> None:
    with pytest.raises(HubError, match="IP address mismatch"):
        await AmqpHub(secured.url("127.0.0.1", cafile="ca.pem", **CLIENT)).start()
