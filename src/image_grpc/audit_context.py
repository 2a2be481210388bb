"""The entry of the audit log that the changes of the current work belong to."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tabletop.image.v1.audit_pb2 import AuditedCall, AuditEntry

OK = "OK"
"""The outcome of a call that did not fail."""

_entry: ContextVar[AuditEntry | None] = ContextVar("audit entry", default=None)


@contextmanager
def audited(call: AuditedCall, outcome: str = OK) -> Iterator[None]:
    """Do the work within the block on behalf of a call. If nobody is known to have made it, nothing is audited."""
    token = _entry.set(AuditEntry(call=call, outcome=outcome, count=1) if call.caller else None)
    try:
        yield
    finally:
        _entry.reset(token)


def current_entry() -> AuditEntry | None:
    """Return the entry for the current work, without changes; None if the work is not audited."""
    return _entry.get()
