"""The hub bridge: a gRPC client of the server that turns hub messages into calls, and responses into messages."""

from image_grpc.bridge.bridge import Bridge

__all__ = ["Bridge"]
