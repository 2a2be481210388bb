"""The service that the current caller is bound to, which limits it to that service's pictures.

It is passed on implicitly. Repositories hide records of other services; work without a caller sees everything.
"""

from contextlib import AbstractContextManager
from contextvars import Context, ContextVar

from image_grpc.errors import PermissionDenied
from image_grpc.scoped import scoped

_service: ContextVar[str] = ContextVar("bound service", default="")


def bound_to(service: str) -> AbstractContextManager[None]:
    """Limit the work within the block to the pictures of a service; an empty name is no limit."""
    return scoped(_service, service)


def bound_service() -> str:
    """Return the service that the current caller is bound to; empty if it is not bound."""
    return _service.get()


def may_see(service: str) -> bool:
    """Return whether the current caller may see what belongs to a service."""
    return _service.get() in ("", service)


def unbind(context: Context) -> None:
    """Lift the limit in a context whose work serves other callers as well."""
    context.run(_service.set, "")


def resolve_service(service: str, field: str) -> str:
    """Return the service that a request names, by default the caller's own. Raises PermissionDenied for another."""
    own = _service.get()
    if service and not may_see(service):
        raise PermissionDenied(f"{field} must be {own!r}: the caller is bound to this service")
    return own or service


def require_unbound(action: str) -> None:
    """Raise PermissionDenied if the caller is bound to a service, because `action` concerns all services."""
    if own := _service.get():
        raise PermissionDenied(f"{action} concerns all services; the caller is bound to {own!r}")
