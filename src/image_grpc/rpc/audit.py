"""AuditService."""

from tabletop.image.v1 import audit_service_pb2 as pb
from tabletop.image.v1.audit_service_pb2_grpc import AuditServiceServicer

from image_grpc.audit import AuditReader
from image_grpc.paging import page_size
from image_grpc.rpc import Context


class AuditServicer(AuditServiceServicer):
    """The audit log. Requests are valid by the contract's rules."""

    def __init__(self, reader: AuditReader) -> None:
        self._reader = reader

    async def ListAuditEntries(
        self, request: pb.ListAuditEntriesRequest, context: Context
    ) -> pb.ListAuditEntriesResponse:
        entries, token = await self._reader.list(request, page_size(request))
        return pb.ListAuditEntriesResponse(entries=entries, next_page_token=token)
