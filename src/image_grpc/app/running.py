"""A running service."""

from dataclasses import dataclass

from image_grpc.hub import Hub


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A service that accepts calls."""

    address: str
    """Address of the gRPC server, `host:port`."""
    hub: Hub
    """The hub in use. Only through it can subscribers in this process receive events of an in-memory hub."""
    standin_url: str = ""
    """URL of the stand-in; empty if GetImg.AI is used."""
