"""New versions of an image: regenerated with changed parameters, or restyled in another theme."""

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, GenerationRequest, RegenerateImageRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.errors import ImageNotFound, InvalidArgument, VersionConflict, Violation
from image_grpc.generation import new_record
from image_grpc.generation.intake import Intake
from image_grpc.generation.kinds import kind_of_subtype
from image_grpc.generation.new_record import CallIdentity
from image_grpc.generation.requests import FORMATS, kind_in, picture_in, update_mask, wrap
from image_grpc.generation.resolve import Resolved, Resolver
from image_grpc.messages import clone, oneof_field, oneof_value
from image_grpc.settings import ServerSettings
from image_grpc.storage import Storage
from image_grpc.themes.catalog import ThemeCatalog
from image_grpc.validation import find_violations

RevisionRequest = RegenerateImageRequest | ApplyThemeRequest

MIN_SIDE, MAX_SIDE = 32, 4096
"""Sides of generated pictures in pixels. Uploads may be larger."""
PER_CALL_FIELDS = frozenset({"request_id", "wait_for", "validate_only", "priority", "cache"})
"""Fields of the changed parameters that must be given in the request itself instead."""


class Reviser:
    """Accepts requests for new versions of images."""

    def __init__(
        self, settings: ServerSettings, storage: Storage, themes: ThemeCatalog, resolver: Resolver, intake: Intake
    ) -> None:
        self._settings, self._storage, self._themes = settings, storage, themes
        self._resolver, self._intake = resolver, intake

    async def regenerate(self, request: RegenerateImageRequest) -> GenerationRecord:
        """Return the generation of a new version with changed parameters.

        Raises ImageNotFound, VersionConflict, InvalidArgument, GetimgNotConfigured, RequestIdReused.
        """
        return await self._revise(request)

    async def apply_theme(self, request: ApplyThemeRequest) -> GenerationRecord:
        """Return the generation of a new version in another theme. Raises as `regenerate` does."""
        return await self._revise(request)

    async def _revise(self, request: RevisionRequest) -> GenerationRecord:
        self._intake.require_provider()
        call = CallIdentity.of(request)
        if (repeated := await self._intake.repeated(call)) is not None:
            return repeated
        try:
            record, resolved = await self._record(request, call)
            if request.validate_only:
                return self._intake.preview(record, resolved)
            return await self._intake.store(record, resolved)
        except VersionConflict:
            # The same request may have been sent twice at once.
            if (repeated := await self._intake.repeated(call)) is None:
                raise
            return repeated

    async def _record(self, request: RevisionRequest, call: CallIdentity) -> tuple[GenerationRecord, Resolved]:
        image = await self._image(request)
        if isinstance(request, RegenerateImageRequest):
            changed = changed_request(image, request)
            _keep_service(image, changed)
            resolved = await self._resolve(changed, path=f"{oneof_field(changed, 'kind')}.")
            return new_record.for_regeneration(image, request, resolved, call), resolved
        resolved = await self._resolve(self._restyled_request(image, request), path="")
        old_theme = await self._themes.get(image.metadata.theme) or Theme(name=image.metadata.theme)
        return new_record.for_restyle(image, old_theme, request, resolved, call), resolved

    async def _image(self, request: RevisionRequest) -> Image:
        image = await self._storage.images.get_latest(request.image_id)
        if image is None:
            raise ImageNotFound.with_id(request.image_id)
        if image.version != request.version:
            raise VersionConflict(
                f"image {image.id} is at version {image.version}, not {request.version}; get it and retry",
                metadata={"version": str(image.version)},
            )
        return image

    async def _resolve(self, request: GenerationRequest, *, path: str) -> Resolved:
        """Resolve a merged request, after applying the contract's rules to it."""
        picture = picture_in(request)
        violations = find_violations(oneof_value(request, "kind"))
        if violations:
            raise InvalidArgument.of([Violation(path + each.field, each.description) for each in violations])
        return await self._resolver.resolve(picture, path=path, revises=True)

    def _restyled_request(self, image: Image, request: ApplyThemeRequest) -> GenerationRequest:
        restyled = request_of(image)
        picture = picture_in(restyled)
        picture.theme = request.theme
        is_planned = kind_in(restyled).must_follow(picture)
        picture.model = self._settings.model_planned_map if is_planned else self._settings.model_apply_theme
        # The current picture is the only reference; what it was made from is in it.
        picture.ClearField("reference_image_ids")
        picture.priority, picture.validate_only = request.priority, request.validate_only
        return restyled


def _keep_service(image: Image, changed: GenerationRequest) -> None:
    """Keep the image's service, because the same callers must see all of its versions. Raises InvalidArgument."""
    service, picture = image.metadata.service, picture_in(changed)
    if picture.source.service not in ("", service):
        field = f"{oneof_field(changed, 'kind')}.source.service"
        raise InvalidArgument.of([Violation(field, f"must be {service!r}: an image stays with its service")])
    if service:
        picture.source.service = service


def changed_request(image: Image, request: RegenerateImageRequest) -> GenerationRequest:
    """Return an image's own request with changed parameters, not validated. Raises InvalidArgument."""
    changed = request_of(image)
    kind = oneof_field(changed, "kind")
    parameters_kind = request.WhichOneof("parameters")
    if parameters_kind is not None and parameters_kind != kind:
        raise InvalidArgument.of([Violation(parameters_kind, f"the image is of kind {kind}; set {kind} instead")])
    parameters = getattr(request, kind)
    mask = update_mask(request)
    if not mask.IsValidForDescriptor(parameters.DESCRIPTOR):
        raise InvalidArgument.of([Violation("update_mask", f"names fields that {kind} does not have")])
    if misplaced := {path.split(".")[0] for path in mask.paths} & PER_CALL_FIELDS:
        names = ", ".join(sorted(misplaced))
        raise InvalidArgument.of([Violation(kind, f"must not contain {names}; set them in the request itself")])
    mask.MergeMessage(parameters, getattr(changed, kind), replace_message_field=True, replace_repeated_field=True)
    picture = picture_in(changed)
    kind_in(changed).adapt_to_changes(picture, {path.partition(".")[0] for path in mask.paths})
    picture.priority, picture.validate_only = request.priority, request.validate_only
    return changed


def request_of(image: Image) -> GenerationRequest:
    """Return the request that an image was generated from, with the map as it is now; for an uploaded image, one for a
    picture like it."""
    if image.metadata.HasField("generation_params"):
        request = clone(image.metadata.generation_params.request)
        kind, picture = kind_in(request), picture_in(request)
        if image.HasField("map"):
            for field in filter(picture.DESCRIPTOR.fields_by_name.get, kind.map_fields):
                picture.ClearField(field)
            kind.describe_image(image, picture)
        return request
    kind = kind_of_subtype(image.subtype)
    request = wrap(kind, kind.request_type())
    picture = picture_in(request)
    picture.theme = image.metadata.theme
    # Generated pictures have no AVIF and no GIF.
    picture.format = image.content.format if image.content.format in FORMATS else ImageFormat.IMAGE_FORMAT_PNG
    scale = min(1.0, MAX_SIDE / max(image.content.size.width, image.content.size.height))
    picture.size.width = max(MIN_SIDE, round(image.content.size.width * scale))
    picture.size.height = max(MIN_SIDE, round(image.content.size.height * scale))
    picture.source.id, picture.source.service = image.metadata.source_id, image.metadata.service
    kind.describe_image(image, picture)
    return request
