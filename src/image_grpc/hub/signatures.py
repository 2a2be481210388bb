"""Signatures of the messages that the service sends to itself: jobs, storage requests and change events.

Whoever may publish on the virtual host could otherwise forge them.
"""

import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import structlog
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.hub import DeadLetter, Delivery, Handler, Settlement, topology
from image_grpc.messages import clone
from image_grpc.reloading_file import ReloadingFile

HEADER = "image-signature"
LABEL = b"image-grpc/1"
"""Part of what is signed, so that another form of signatures can replace this one."""
MIN_KEY_BYTES = 32
NO_SIGNATURE = "the signature is missing or invalid"

_STORAGE = frozenset({topology.STORE, topology.RETRIEVE, topology.DELETE, topology.LIST})
_QUEUES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(topology.GENERATE_QUEUES.values(), frozenset({topology.GENERATE_JOB})),
    topology.STORE_QUEUE: frozenset({topology.STORE_JOB}),
    topology.STORAGE_QUEUE: _STORAGE,
}
"""The types of messages on each queue that only signed messages may reach."""
_SIGNED_TYPES = frozenset({topology.STORAGE_CHANGED}).union(*_QUEUES.values())

log = structlog.get_logger(__name__)


class Signatures:
    """Signs with the first key of a file, and accepts signatures of each key in it."""

    def __init__(self, path: Path) -> None:
        """The file has one key per line, and may change. Raises InvalidSettings."""
        self._file = ReloadingFile(_parse, path)

    def signed(self, message: OutboundMessage) -> OutboundMessage:
        """Return a message with its signature, if it needs one."""
        if message.envelope.type not in _SIGNED_TYPES:
            return message
        copy = clone(message)
        copy.headers[HEADER] = _signature(self._file.content()[0], message.envelope)
        return copy

    def verifying(self, queue: str, handler: Handler) -> Handler:
        """Return a handler of a queue that dead-letters messages without a valid signature, if the queue needs them."""
        types = _QUEUES.get(queue)
        if types is None:
            return handler

        async def handle(delivery: Delivery) -> Settlement:
            return await handler(delivery) if self._is_valid(delivery, types) else DeadLetter(NO_SIGNATURE)

        return handle

    def ignoring_forged(
        self, routing_keys: Collection[str], handler: Callable[[Delivery], None]
    ) -> Callable[[Delivery], None]:
        """Return a handler of a subscription that ignores change events without a valid signature."""
        if topology.STORAGE_CHANGED not in routing_keys:
            return handler

        def handle(delivery: Delivery) -> None:
            if self._is_valid(delivery, {topology.STORAGE_CHANGED}):
                handler(delivery)
            else:
                log.warning("event without a valid signature ignored", type=delivery.envelope.type)

        return handle

    def _is_valid(self, delivery: Delivery, types: Collection[str]) -> bool:
        envelope, signature = delivery.envelope, delivery.headers.get(HEADER, "").encode()
        if envelope.type not in types or envelope.WhichOneof("content") != "payload_bytes":
            return False
        return any(
            hmac.compare_digest(_signature(key, envelope).encode(), signature)
            for fresh in (False, True)  # the sender may have a newer key
            for key in self._file.content(fresh=fresh)
        )


def _signature(key: bytes, envelope: Envelope) -> str:
    parts = (LABEL, envelope.type.encode(), envelope.id.encode(), envelope.payload_bytes)
    content = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.digest(key, content, "sha256").hex()


def _parse(data: bytes) -> Sequence[bytes]:
    """Return the keys of a file. Raises ValueError."""
    keys = [line.strip() for line in data.splitlines() if line.strip()]
    if not keys:
        raise ValueError("contains no key")
    if any(len(key) < MIN_KEY_BYTES for key in keys):
        raise ValueError(f"a key has fewer than {MIN_KEY_BYTES} characters; `openssl rand -hex 32` prints one")
    return keys
