"""New generation records, assembled from a resolved request."""

import uuid
from dataclasses import dataclass

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.theme_pb2 import Theme, ThemeAssociation

from image_grpc.audit_context import current_entry
from image_grpc.correlation import new_correlation_id
from image_grpc.generation import prompts
from image_grpc.generation.requests import CALL_FIELDS, facets
from image_grpc.generation.resolve import Resolved
from image_grpc.idempotency import content_digest, derived_id, requested_id
from image_grpc.messages import MessageLike, clone_without, now
from image_grpc.telemetry import inject


@dataclass(frozen=True, kw_only=True, slots=True)
class CallIdentity:
    """What makes a call repeatable."""

    generation_id: str
    """The id of the generation that the call creates, the same for the same `request_id`."""
    request_digest: str
    repeatable: bool
    """Whether the caller gave a `request_id`."""

    @classmethod
    def of(cls, request: MessageLike) -> "CallIdentity":
        """Return the identity of a call with this request."""
        request_id: str = getattr(request, "request_id", "")
        id_ = requested_id("generation", request_id) if request_id else str(uuid.uuid4())
        return cls(generation_id=id_, request_digest=content_digest(request), repeatable=bool(request_id))


def for_new_image(resolved: Resolved, call: CallIdentity) -> GenerationRecord:
    """Return the record of a queued generation of a new image."""
    return GenerationRecord(
        generation=Generation(
            id=call.generation_id,
            state=GenerationState.GENERATION_STATE_QUEUED,
            request=resolved.request,
            model=resolved.picture.model,
        ),
        fingerprint=resolved.fingerprint,
        shared_fingerprint=resolved.shared_fingerprint,
        request_digest=call.request_digest,
        image_id=derived_id(call.generation_id, "image"),
        prompt=_prompt(resolved, resolved.theme),
        theme_version=resolved.theme.version,
        facets=facets(resolved.request),
        correlation_id=new_correlation_id(),
        traceparent=inject().get("traceparent", ""),
        audited_call=entry.call if (entry := current_entry()) is not None else None,
    )


def for_regeneration(
    image: Image, request: RegenerateImageRequest, resolved: Resolved, call: CallIdentity
) -> GenerationRecord:
    """Return the record of a queued generation of a new version with changed parameters."""
    record = _new_version(image, resolved, call)
    record.generation.request.regenerate_image.CopyFrom(clone_without(request, *CALL_FIELDS))
    if resolved.kind.must_follow(resolved.picture):
        record.reference_version = image.version  # what the layout does not say stays as it is
    return record


def for_restyle(
    image: Image, old_theme: Theme, request: ApplyThemeRequest, resolved: Resolved, call: CallIdentity
) -> GenerationRecord:
    """Return the record of a queued generation of a new version in another theme, based on the current picture."""
    record, theme = _new_version(image, resolved, call), resolved.theme
    record.generation.request.apply_theme.CopyFrom(clone_without(request, *CALL_FIELDS))
    blended = prompts.blend_themes(old_theme, theme, request)
    record.prompt = prompts.restyle(_prompt(resolved, blended), theme, request)
    record.reference_version = image.version
    association = ThemeAssociation(
        theme=theme.name,
        theme_version=theme.version,
        strength=prompts.applied_strength(request),
        elements=request.elements,
        style=request.style,
        apply_time=now(),
    )
    record.theme_association.CopyFrom(association)
    return record


def _new_version(image: Image, resolved: Resolved, call: CallIdentity) -> GenerationRecord:
    record = for_new_image(resolved, call)
    record.fingerprint = record.shared_fingerprint = ""  # a new version of one image serves no other request
    record.image_id = image.id
    record.picture.CopyFrom(resolved.request)
    return record


def _prompt(resolved: Resolved, theme: Theme) -> str:
    picture = resolved.picture
    return prompts.join_parts(resolved.kind.prompt_parts(picture, theme), picture.details)
