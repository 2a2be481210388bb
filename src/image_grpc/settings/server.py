"""Settings of the gRPC server and its generation pipeline."""

from typing import Annotated

from pydantic import Field

from image_grpc.settings.base import Bytes, CallSettings, Count, Port, ProgramSettings, Seconds
from image_grpc.settings.getimg import GetimgSettings


class ServerSettings(GetimgSettings, CallSettings, ProgramSettings):
    """Settings of `serve`."""

    listen: Port = Field("127.0.0.1:50051", description="address of the gRPC server; port 0 selects a free one")
    listen_shared: bool = Field(
        False,
        description="allow other servers on this machine to share the port and its connections; set by "
        "`serve --workers`",
    )
    admin_listen: Port | None = Field(
        None,
        description="address of the channelz service, which shows who is connected; must be reachable by "
        "operators only",
    )
    rpc_max_concurrent: Count = Field(1000, description="maximum concurrent calls, not counting health checks")
    downloads_max_concurrent: Count = Field(32, description="maximum concurrent ReadImage streams")
    upload_max_bytes: Bytes = Field(
        50_000_000, le=256 * 1024 * 1024, description="maximum size of a picture that UploadImage accepts"
    )
    heartbeat_seconds: Annotated[float, Field(gt=0, le=15)] = Field(
        15, description="maximum silence on a watch stream before a heartbeat is sent"
    )
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        1,
        description="delay during shutdown between reporting NOT_SERVING and rejecting calls, so that load "
        "balancers notice",
    )

    generation_concurrency: Count = Field(100, description="maximum concurrent generations of one process")
    generation_max_attempts: Count = Field(
        4, description="maximum GetImg.AI requests for one picture before its generation fails"
    )
    generation_timeout_seconds: Seconds = Field(
        120, description="time after which a generation fails if GetImg.AI keeps returning errors"
    )
    store_concurrency: Count = Field(8, description="maximum generated pictures that one process stores at once")

    storage_timeout_seconds: Seconds = Field(10, description="timeout of a Storage Service request, including retries")
    cache_max_bytes: Bytes = Field(256_000_000, description="memory limit of the read cache for picture data")
    cache_max_records: Count = Field(50_000, description="maximum number of records in the read cache")
    renditions_max_bytes: Bytes = Field(
        128_000_000, description="memory limit of the cache of renditions: composed maps, other formats, thumbnails"
    )
    renditions_concurrency: Count = Field(
        2, description="maximum renditions made at once; each may take 300 MB at 4096 x 4096 pixels"
    )
