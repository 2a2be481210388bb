"""The audit log for administrators, and the entries about calls that failed."""

from image_grpc.audit.failures import FailedCalls
from image_grpc.audit.reader import AuditReader

__all__ = ["AuditReader", "FailedCalls"]
