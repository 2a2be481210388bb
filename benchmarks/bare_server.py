"""The floor of the RPCs: a bare grpc.aio server with fixed responses.

python -m benchmarks.bare_server FOLDER    serves Echo (FOLDER/get.binpb) and Stream (FOLDER/read.binpb, in chunks)
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import uvloop
from tabletop.image.v1.image_service_pb2 import GetImageRequest, GetImageResponse, ReadImageRequest, ReadImageResponse

CHUNK_BYTES = 1024 * 1024


def write_responses(folder: Path, image: GetImageResponse, data: bytes) -> None:
    """Write the files that the server reads."""
    (folder / "get.binpb").write_bytes(image.SerializeToString())
    (folder / "read.binpb").write_bytes(ReadImageResponse(data=data).SerializeToString())


async def serve(folder: Path) -> None:
    """Serve until the process is terminated."""
    image = GetImageResponse.FromString((folder / "get.binpb").read_bytes())
    data = ReadImageResponse.FromString((folder / "read.binpb").read_bytes()).data
    chunks = [data[offset : offset + CHUNK_BYTES] for offset in range(0, len(data), CHUNK_BYTES)]

    async def echo(request: GetImageRequest, context: object) -> GetImageResponse:
        return image

    async def stream(request: ReadImageRequest, context: object) -> AsyncIterator[ReadImageResponse]:
        for chunk in chunks:
            yield ReadImageResponse(data=chunk)

    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Echo": grpc.unary_unary_rpc_method_handler(
            echo,
            request_deserializer=GetImageRequest.FromString,
            response_serializer=GetImageResponse.SerializeToString,
        ),
        "Stream": grpc.unary_stream_rpc_method_handler(
            stream,
            request_deserializer=ReadImageRequest.FromString,
            response_serializer=ReadImageResponse.SerializeToString,
        ),
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bare", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listens on 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
