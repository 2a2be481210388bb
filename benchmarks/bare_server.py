"""The floor of the RPCs: a bare grpc.aio server that answers with the messages it is given, and nothing else.

python -m benchmarks.floor FILE    FILE: a ReadImageResponse with `data`; serves Echo and Stream
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import uvloop
from tabletop.image.v1.image_service_pb2 import GetImageRequest, GetImageResponse, ReadImageResponse

CHUNK_BYTES = 1024 * 1024


async def serve(payload: bytes) -> None:
    """Serves until it is terminated."""
    data = ReadImageResponse.FromString(payload).data
    chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
    answer = GetImageResponse.FromString(payload_of_echo(payload))

    async def echo(request: Any, context: Any) -> Any:
        return answer

    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
        for chunk in chunks:
            yield ReadImageResponse(data=chunk)

    handlers = {
        "Echo": grpc.unary_unary_rpc_method_handler(
            echo,
            request_deserializer=GetImageRequest.FromString,
            response_serializer=GetImageResponse.SerializeToString,
        ),
        "Stream": grpc.unary_stream_rpc_method_handler(
            stream,
            request_deserializer=GetImageRequest.FromString,
            response_serializer=ReadImageResponse.SerializeToString,
        ),
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bare", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listens on 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


def payload_of_echo(payload: bytes) -> bytes:
    """The echoed message is kept beside the payload."""
    return Path(sys.argv[1]).with_suffix(".echo").read_bytes()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]).read_bytes()))
