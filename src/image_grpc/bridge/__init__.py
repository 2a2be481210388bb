"""The hub bridge: a gRPC client of the server, which turns hub messages into calls and answers into messages."""

from image_grpc.bridge.bridge import Bridge

__all__ = ["Bridge"]
