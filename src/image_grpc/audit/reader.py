"""Lists the audit log."""

from collections.abc import Sequence

from tabletop.image.v1.audit_pb2 import AuditEntry
from tabletop.image.v1.audit_service_pb2 import ListAuditEntriesRequest

from image_grpc import tenancy
from image_grpc.storage import Storage
from image_grpc.storage.filters import audit_filter


class AuditReader:
    """The entries of all callers."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def list(self, request: ListAuditEntriesRequest, page_size: int) -> tuple[Sequence[AuditEntry], str]:
        """Return a page of entries, newest first, and the token of the next page. Raises PermissionDenied."""
        tenancy.require_unbound("the audit log")
        log, filter_ = self._storage.audit_log, audit_filter(request)
        return await log.list(filter_, page_size=page_size, page_token=request.page_token)
