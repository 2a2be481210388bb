"""The Message Hub: port, envelopes, topology, and its implementations."""

from image_grpc.hub.port import (
    Ack,
    Consumer,
    DeadLetter,
    Delivery,
    Handler,
    Hub,
    Outcome,
    RequestTimeout,
    RequestUnroutable,
    Retry,
    Settlement,
)

__all__ = [
    "Ack",
    "Consumer",
    "DeadLetter",
    "Delivery",
    "Handler",
    "Hub",
    "Outcome",
    "RequestTimeout",
    "RequestUnroutable",
    "Retry",
    "Settlement",
]
