"""What can go wrong, by who must act.

    ServiceError
    ├── CallerError                   the caller: change the request
    │   ├── InvalidArgument           INVALID_ARGUMENT   fields break their rules
    │   │   └── InvalidTheme          INVALID_THEME      the theme is unknown or malformed
    │   ├── OffsetOutOfRange          OFFSET_OUT_OF_RANGE
    │   ├── ImageNotFound             IMAGE_NOT_FOUND
    │   ├── GenerationNotFound        GENERATION_NOT_FOUND
    │   ├── ThemeNotFound             INVALID_THEME
    │   ├── ThemeRefused              THEME_ERROR        the theme cannot be changed so
    │   │   └── ThemeExists           THEME_ERROR        its name is taken
    │   ├── OverlayNotFound           OVERLAY_ERROR
    │   ├── OverlayRefused            OVERLAY_ERROR      the map cannot have such an overlay
    │   ├── ImageRefused              IMAGE_ERROR        the image cannot be changed so
    │   ├── RequestIdReused           REQUEST_ID_REUSED  the same request_id with other content
    │   └── VersionConflict           VERSION_CONFLICT   someone else changed it first
    ├── GetimgNotConfigured           GETIMG_NOT_CONFIGURED   the operator: set a key
    ├── GenerationError               GENERATION_ERROR   GetImg.AI answered, but not with a usable picture
    ├── Overloaded                    OVERLOADED         later
    ├── DeadlineExceeded              DEADLINE_EXCEEDED  the caller: allow more time
    └── DependencyError               a peer: wait for it, or mend it
        ├── ApiError                  API_ERROR          GetImg.AI refused or failed the call
        ├── HubError                  MESSAGE_HUB_ERROR
        └── StorageServiceError       STORAGE_SERVICE_ERROR

`rpc.status` has the one table that turns each into a gRPC status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a request breaks."""

    field: str
    """Path of the field in the request, for example `size.width`."""
    description: str
    """What the field must be."""


class ServiceError(Exception):
    """Base of all errors that callers are told of.

    `reason` is the stable code for programs, `message` the text for people. `retry_delay` is the time in
    seconds after which the same request may succeed, or None if it will not by itself.
    """

    reason: ClassVar[str]

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


class InvalidArgument(CallerError):
    """Fields of the request break their rules; `violations` names each."""

    reason = "INVALID_ARGUMENT"

    @classmethod
    def of(cls, violations: Sequence[Violation]) -> InvalidArgument:
        """The error for these violations; an InvalidTheme if they concern nothing but the theme."""
        kind = (
            InvalidTheme
            if all(each.field.rpartition(".")[2] == "theme" for each in violations)
            else InvalidArgument
        )
        text = "; ".join(f"{each.field}: {each.description}" for each in violations[:10])
        more = f" (and {len(violations) - 10} more)" if len(violations) > 10 else ""
        return kind(f"invalid request: {text}{more}", violations=violations)


class InvalidTheme(InvalidArgument):
    """The theme is unknown or malformed."""

    reason = "INVALID_THEME"


class OffsetOutOfRange(CallerError):
    """A read begins past the end of the picture."""

    reason = "OFFSET_OUT_OF_RANGE"


class ImageNotFound(CallerError):
    """There is no such image, or it is deleted."""

    reason = "IMAGE_NOT_FOUND"


class GenerationNotFound(CallerError):
    """There is no such generation."""

    reason = "GENERATION_NOT_FOUND"


class ThemeNotFound(CallerError):
    """There is no such theme."""

    reason = "INVALID_THEME"


class ThemeRefused(CallerError):
    """The theme is built in, or in use."""

    reason = "THEME_ERROR"


class ThemeExists(ThemeRefused):
    """There is a theme of this name already."""


class OverlayNotFound(CallerError):
    """There is no such overlay, or it is deleted."""

    reason = "OVERLAY_ERROR"


class OverlayRefused(CallerError):
    """The image is no map of the overlay's kind, or the overlay would be too large."""

    reason = "OVERLAY_ERROR"


class ImageRefused(CallerError):
    """The image lacks what the change needs."""

    reason = "IMAGE_ERROR"


class RequestIdReused(CallerError):
    """A request_id was used before with other content."""

    reason = "REQUEST_ID_REUSED"


class VersionConflict(CallerError):
    """The record is not at the version that the caller last saw."""

    reason = "VERSION_CONFLICT"


class GetimgNotConfigured(ServiceError):
    """The service has no GetImg.AI key and no stand-in."""

    reason = "GETIMG_NOT_CONFIGURED"


class GenerationError(ServiceError):
    """GetImg.AI answered, but with nothing that can be turned into the picture."""

    reason = "GENERATION_ERROR"


class Overloaded(ServiceError):
    """The process has as much work as it takes."""

    reason = "OVERLOADED"


class DeadlineExceeded(ServiceError):
    """The call's time was over before it was done."""

    reason = "DEADLINE_EXCEEDED"


class DependencyError(ServiceError):
    """A peer is away or failed."""


class ApiError(DependencyError):
    """GetImg.AI refused or failed the call. A `retry_delay` says that the call may be made again."""

    reason = "API_ERROR"


class HubError(DependencyError):
    """The Message Hub is away or did not take a message."""

    reason = "MESSAGE_HUB_ERROR"


class StorageServiceError(DependencyError):
    """The Storage Service is away or failed."""

    reason = "STORAGE_SERVICE_ERROR"
