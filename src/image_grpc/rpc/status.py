"""StatusService."""

from tabletop.image.v1 import status_service_pb2 as pb
from tabletop.image.v1.status_service_pb2_grpc import StatusServiceServicer

from image_grpc.rpc import Context
from image_grpc.service_status import StatusReporter


class StatusServicer(StatusServiceServicer):
    """Reports the status from memory, without calling anything."""

    def __init__(self, reporter: StatusReporter) -> None:
        self._reporter = reporter

    def is_ready(self) -> bool:
        """Whether calls that store or generate something can succeed."""
        return self._reporter.is_ready()

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        return self._reporter.report()
