"""The service's errors, grouped by who must act: the caller (`CallerError`), the operator, or a peer
(`DependencyError`). `rpc.errors` maps each class to a gRPC status.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from tabletop.image.v1.error_reason_pb2 import ErrorReason

MAX_LISTED_VIOLATIONS = 10
"""Violations that an error message lists; the details of the status list all of them."""


def reason_name(reason: ErrorReason) -> str:
    """Return the name of a reason as programs see it, for example `IMAGE_NOT_FOUND`."""
    return ErrorReason.Name(reason).removeprefix("ERROR_REASON_")


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a request breaks."""

    field: str
    """Path of the field in the request, for example `size.width`."""
    description: str
    """What the field must be."""


class ServiceError(Exception):
    """Base class of the errors that are reported to callers.

    `retry_delay` is the time in seconds after which the same request may succeed, or None if retrying is useless.
    """

    reason: ClassVar[str]
    """The reason as programs see it, for example `IMAGE_NOT_FOUND`; abstract groups have none."""

    def __init_subclass__(cls, *, reason: ErrorReason | None = None) -> None:
        if reason is not None:
            cls.reason = reason_name(reason)

    def __init__(
        self,
        message: str,
        *,
        violations: Sequence[Violation] = (),
        metadata: Mapping[str, str] | None = None,
        retry_delay: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})
        self.retry_delay = retry_delay


class CallerError(ServiceError):
    """The caller must change the request."""


class InvalidArgument(CallerError, reason=ErrorReason.ERROR_REASON_INVALID_ARGUMENT):
    """Fields of the request are invalid; `violations` lists them."""

    @classmethod
    def of(cls, violations: Sequence[Violation]) -> "InvalidArgument":
        """Return the error for these violations; an InvalidTheme if all of them concern themes."""
        only_themes = all(violation.field.rpartition(".")[2] == "theme" for violation in violations)
        listed = (f"{violation.field}: {violation.description}" for violation in violations[:MAX_LISTED_VIOLATIONS])
        rest = len(violations) - MAX_LISTED_VIOLATIONS
        suffix = f" (and {rest} more)" if rest > 0 else ""
        error_class = InvalidTheme if only_themes else InvalidArgument
        return error_class(f"invalid request: {'; '.join(listed)}{suffix}", violations=violations)


class InvalidTheme(InvalidArgument, reason=ErrorReason.ERROR_REASON_INVALID_THEME):
    """The theme is unknown or malformed."""


class InternalError(ServiceError, reason=ErrorReason.ERROR_REASON_INTERNAL):
    """An unexpected exception."""


class OffsetOutOfRange(CallerError, reason=ErrorReason.ERROR_REASON_OFFSET_OUT_OF_RANGE):
    """A read starts past the end of the picture."""


class NotFound(CallerError):
    """A resource with an id does not exist or is deleted."""

    resource: ClassVar[str]

    @classmethod
    def with_id(cls, id_: str, version: int = 0) -> Self:
        """Return the error for a resource, or for one of its versions."""
        suffix = f" with version {version}" if version else ""
        return cls(f"{cls.resource} {id_}{suffix} does not exist", metadata={f"{cls.resource}_id": id_})


class ImageNotFound(NotFound, reason=ErrorReason.ERROR_REASON_IMAGE_NOT_FOUND):
    """The image, or this version of it, does not exist or is deleted."""

    resource = "image"


class GenerationNotFound(NotFound, reason=ErrorReason.ERROR_REASON_GENERATION_NOT_FOUND):
    """The generation does not exist."""

    resource = "generation"


class ThemeNotFound(CallerError, reason=ErrorReason.ERROR_REASON_INVALID_THEME):
    """The theme does not exist."""

    @classmethod
    def with_name(cls, name: str) -> "ThemeNotFound":
        """Return the error for a theme."""
        return cls(f"theme {name!r} does not exist", metadata={"theme": name})


class Unauthenticated(CallerError, reason=ErrorReason.ERROR_REASON_UNAUTHENTICATED):
    """The call has no credentials, or they are invalid."""


class PermissionDenied(CallerError, reason=ErrorReason.ERROR_REASON_PERMISSION_DENIED):
    """The caller lacks the role that the method requires, or is bound to another service."""


class ThemeExists(CallerError, reason=ErrorReason.ERROR_REASON_THEME_ERROR):
    """A theme of this name exists already."""


class ThemeNotEditable(CallerError, reason=ErrorReason.ERROR_REASON_THEME_ERROR):
    """The theme is built in."""


class ThemeInUse(CallerError, reason=ErrorReason.ERROR_REASON_THEME_ERROR):
    """Images use the theme."""


class OverlayNotFound(NotFound, reason=ErrorReason.ERROR_REASON_OVERLAY_ERROR):
    """The overlay does not exist or is deleted."""

    resource = "overlay"


class OverlayMapMismatch(CallerError, reason=ErrorReason.ERROR_REASON_OVERLAY_ERROR):
    """The image is not a map of the overlay's kind."""


class OverlayLimitExceeded(CallerError, reason=ErrorReason.ERROR_REASON_OVERLAY_ERROR):
    """The overlay, or the number of overlays of the map, would exceed a limit."""


class MapMismatch(CallerError, reason=ErrorReason.ERROR_REASON_MAP_ERROR):
    """The image is not a map."""


class VisionLimitExceeded(CallerError, reason=ErrorReason.ERROR_REASON_MAP_ERROR):
    """The viewers would see too many cells."""


class SceneLimitExceeded(CallerError, reason=ErrorReason.ERROR_REASON_MAP_ERROR):
    """The picture of an exported scene would be too large."""


class DoorNotFound(CallerError, reason=ErrorReason.ERROR_REASON_MAP_ERROR):
    """The map has no such door."""


class StairsNotFound(CallerError, reason=ErrorReason.ERROR_REASON_MAP_ERROR):
    """The map has no such stairs."""


class RequestIdReused(CallerError, reason=ErrorReason.ERROR_REASON_REQUEST_ID_REUSED):
    """A request_id was used before with other content."""


class VersionConflict(CallerError, reason=ErrorReason.ERROR_REASON_VERSION_CONFLICT):
    """The resource is not at the version that the request names."""


class GetimgNotConfigured(ServiceError, reason=ErrorReason.ERROR_REASON_GETIMG_NOT_CONFIGURED):
    """The service has no GetImg.AI API key."""


class GenerationError(ServiceError, reason=ErrorReason.ERROR_REASON_GENERATION_ERROR):
    """GetImg.AI returned nothing that can become the requested picture."""


class Overloaded(ServiceError, reason=ErrorReason.ERROR_REASON_OVERLOADED):
    """The process is at its limit of concurrent work, or the Storage Service at its own."""


class QuotaExceeded(ServiceError, reason=ErrorReason.ERROR_REASON_QUOTA_EXCEEDED):
    """The caller, which the metadata names, has used up one of its own limits."""


class DeadlineExceeded(ServiceError, reason=ErrorReason.ERROR_REASON_DEADLINE_EXCEEDED):
    """The call did not complete before its deadline."""


class StreamExpired(ServiceError, reason=ErrorReason.ERROR_REASON_STREAM_EXPIRED):
    """The stream has reached its maximum age; the caller resumes it."""


class DependencyError(ServiceError):
    """A peer is unavailable or failed."""


class ApiError(DependencyError, reason=ErrorReason.ERROR_REASON_API_ERROR):
    """GetImg.AI refused or failed the call. `retry_delay` is set if the call may be repeated."""


class IdentityProviderError(DependencyError, reason=ErrorReason.ERROR_REASON_IDENTITY_PROVIDER_ERROR):
    """The keys that verify tokens are not available."""


class HubError(DependencyError, reason=ErrorReason.ERROR_REASON_MESSAGE_HUB_ERROR):
    """The Message Hub is unavailable or did not accept a message."""


class StorageServiceError(DependencyError, reason=ErrorReason.ERROR_REASON_STORAGE_SERVICE_ERROR):
    """The Storage Service is unavailable or failed."""
