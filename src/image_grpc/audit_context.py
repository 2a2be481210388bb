"""The entry of the audit log that the changes of the current work belong to."""

from contextlib import AbstractContextManager
from contextvars import ContextVar

from tabletop.image.v1.audit_pb2 import AuditedCall, AuditEntry

from image_grpc.scoped import scoped

OK = "OK"
"""The outcome of a call that did not fail."""

_entry: ContextVar[AuditEntry | None] = ContextVar("audit entry", default=None)


def audited(call: AuditedCall | None, outcome: str = OK) -> AbstractContextManager[None]:
    """Do the work within the block on behalf of a call. If nobody is known to have made it, nothing is audited."""
    entry = AuditEntry(call=call, outcome=outcome, count=1) if call is not None and call.caller else None
    return scoped(_entry, entry)


def current_entry() -> AuditEntry | None:
    """Return the entry for the current work, without changes; None if the work is not audited."""
    return _entry.get()
