"""Server reflection in its two versions, whose messages are the same on the wire."""

from collections.abc import Sequence

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

V1 = "grpc.reflection.v1.ServerReflection"
METHOD = "ServerReflectionInfo"


def enable_reflection(services: Sequence[str], server: grpc.aio.Server) -> None:
    """Let callers list these services and read their descriptors. Newer clients ask for v1 first."""
    names = [*services, reflection.SERVICE_NAME, V1]
    servicer = reflection.aio.ReflectionServicer(names)
    reflection.enable_server_reflection(names, server)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(V1, {METHOD: handler})])
