"""Signatures of the messages that the service sends itself: jobs and change events.

Whoever may publish on the virtual host could otherwise forge them.
"""

import hmac
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.access.reloading_file import ReloadingFile
from image_grpc.hub import DeadLetter, Delivery, Handler, Settlement, topology
from image_grpc.messages import clone

HEADER = "image-signature"
SIGNED_TYPES = frozenset({topology.GENERATE_JOB, topology.STORE_JOB, topology.STORAGE_CHANGED})
MIN_KEY_BYTES = 32

log = structlog.get_logger(__name__)


class Signatures:
    """Signs with the first key of a file, and accepts signatures of each key in it."""

    def __init__(self, path: Path) -> None:
        """The file has one key per line, and may change. Raises InvalidSettings."""
        self._file = ReloadingFile(_parse, path)

    def signed(self, message: OutboundMessage) -> OutboundMessage:
        """Return a message with its signature, if it needs one."""
        if message.envelope.type not in SIGNED_TYPES:
            return message
        copy = clone(message)
        copy.headers[HEADER] = _signature(self._file.content()[0], message.envelope)
        return copy

    def verifying(self, handler: Handler) -> Handler:
        """Return a handler that dead-letters messages without a valid signature."""

        async def handle(delivery: Delivery) -> Settlement:
            if not self._is_valid(delivery):
                return DeadLetter("the signature is missing or invalid")
            return await handler(delivery)

        return handle

    def ignoring_forged(self, handler: Callable[[Delivery], None]) -> Callable[[Delivery], None]:
        """Return a handler that ignores events without a valid signature."""

        def handle(delivery: Delivery) -> None:
            if self._is_valid(delivery):
                handler(delivery)
            else:
                log.warning("event without a valid signature ignored", type=delivery.envelope.type)

        return handle

    def _is_valid(self, delivery: Delivery) -> bool:
        if delivery.envelope.type not in SIGNED_TYPES and not _is_for_us_alone(delivery):
            return True
        signature = delivery.headers.get(HEADER, "")
        return any(
            hmac.compare_digest(_signature(key, delivery.envelope), signature)
            for key in (*self._file.content(), *self._file.content(fresh=True))
        )


def _is_for_us_alone(delivery: Delivery) -> bool:
    """Whether a message claims another type on a way that only signed messages take."""
    queues = (*topology.GENERATE_QUEUES.values(), topology.STORE_QUEUE)
    return delivery.queue in queues or delivery.routing_key == topology.STORAGE_CHANGED


def _signature(key: bytes, envelope: Envelope) -> str:
    parts = (envelope.type.encode(), envelope.id.encode(), envelope.payload_bytes)
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
