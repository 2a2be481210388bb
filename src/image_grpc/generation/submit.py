"""Taking in requests: checked, answered from what is there, or made durable as a new generation."""

from __future__ import annotations

from tabletop.image.v1.generation_pb2 import Generation
from tabletop.image.v1.generation_request_pb2 import (
    ApplyThemeRequest,
    GenerateTacticalMapRequest,
    GenerationRequest,
    RegenerateImageRequest,
)
from tabletop.image.v1.generation_service_pb2 import CancelOutcome
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import CacheMode
from tabletop.storage.v1.record_pb2 import CacheEntry, CacheEntryState, GenerationRecord, RecordKind

from image_grpc import records
from image_grpc.config import Settings
from image_grpc.correlation import correlation_id
from image_grpc.errors import (
    ApiError,
    GenerationNotFound,
    GetimgNotConfigured,
    InvalidArgument,
    RequestIdReused,
    StorageServiceError,
    VersionConflict,
    Violation,
)
from image_grpc.generation import jobs, kinds, revision, transitions
from image_grpc.generation.book import end
from image_grpc.generation.estimate import Estimator
from image_grpc.generation.kinds import PictureRequest
from image_grpc.generation.revision import RevisionRequest
from image_grpc.generation.themes import Themes
from image_grpc.getimg import GetimgClient
from image_grpc.maps.validation import grid_violations
from image_grpc.storage import ImageStorageClient, ReadCache
from image_grpc.telemetry import inject
from image_grpc.validation import violations

ROUNDS = 10
"""A request that is overtaken by others this often is given up."""


class Submitter:
    """Turns requests into generations."""

    def __init__(
        self,
        settings: Settings,
        storage: ImageStorageClient,
        cache: ReadCache,
        themes: Themes,
        getimg: GetimgClient,
        estimator: Estimator,
    ) -> None:
        self._settings, self._storage, self._cache = settings, storage, cache
        self._themes, self._getimg, self._estimator = themes, getimg, estimator

    async def check(self, request: PictureRequest) -> list[Violation]:
        """What is wrong with a request besides the rules of its fields: names that name nothing."""
        found = []
        if request.theme and await self._themes.get(request.theme) is None:
            found.append(Violation("theme", f"there is no theme {request.theme!r}, see ThemeService.ListThemes"))
        if isinstance(request, GenerateTacticalMapRequest):
            found += grid_violations(request.grid, "grid")
        for index, image_id in enumerate(request.reference_image_ids):
            if _is_uuid(image_id) and await self._cache.record(RecordKind.RECORD_KIND_IMAGE, image_id) is None:
                found.append(Violation(f"reference_image_ids[{index}]", "there is no such image"))
        if self._getimg.configured and (request.model or request.reference_image_ids):
            found += await self._check_model(request)
        return found

    async def _check_model(self, request: PictureRequest) -> list[Violation]:
        name = kinds.picture(kinds.normalise(request, self._settings)).model
        try:
            model = await self._getimg.model(name)
        except ApiError:
            return []  # the pipeline will find out, once GetImg.AI is back
        if model is None:
            return (
                [Violation("model", f"GetImg.AI has no model {name!r}, see ListModels")] if request.model else []
            )
        if len(request.reference_image_ids) > model.max_reference_images:
            most = model.max_reference_images
            return [Violation("reference_image_ids", f"model {name} takes at most {most}")]
        return []

    async def submit(self, request: PictureRequest) -> GenerationRecord:
        """The generation that answers a checked request: a new one, or an earlier one of an equal request.

        Raises GetimgNotConfigured, RequestIdReused, StorageServiceError.
        """
        self._require_getimg()
        theme = await self._themes.get(request.theme)
        assert theme is not None, "checked before"
        id_ = transitions.new_generation_id(request.request_id)
        digest = records.content_digest(request)
        normal = kinds.normalise(request, self._settings)
        if request.validate_only:
            fingerprint = kinds.fingerprint(normal, theme)
            return await self._preview(transitions.queued("", normal, theme, fingerprint=fingerprint))
        for _ in range(ROUNDS):
            if request.request_id and (known := await self._repeated(id_, digest)) is not None:
                return known
            try:
                return await self._answer(id_, digest, normal, theme, named=bool(request.request_id))
            except VersionConflict:
                continue  # an equal request was faster: look again
        raise StorageServiceError("too many equal requests at once", retry_delay=1.0)

    async def revise(self, request: RevisionRequest) -> GenerationRecord:
        """A generation that makes a new version of an image.

        Raises ImageNotFound, VersionConflict, InvalidArgument, GetimgNotConfigured, RequestIdReused,
        StorageServiceError.
        """
        self._require_getimg()
        id_ = transitions.new_generation_id(request.request_id)
        digest = records.content_digest(request)
        if request.request_id and (known := await self._repeated(id_, digest)) is not None:
            return known
        try:
            record = self._asked(await self._revision(id_, request), digest)
            if request.validate_only:
                return await self._preview(record)
            await self._estimator.estimate(record)
            put = self._storage.generations.put(record, absent=True)
            return (await self._storage.store([put], messages=[jobs.generate(record)]))[0].generation
        except VersionConflict:  # perhaps by the same request, sent twice at once
            known = await self._repeated(id_, digest)
            if known is None:
                raise
            return known

    async def _revision(self, id_: str, request: RevisionRequest) -> GenerationRecord:
        image = await revision.image_to_change(self._storage, request)
        if isinstance(request, RegenerateImageRequest):
            changed = revision.regenerated(image, request)
        else:
            changed = revision.request_of(image)
            kinds.picture(changed).theme = request.theme
            kinds.picture(changed).model = self._settings.model_apply_theme
            kinds.picture(changed).ClearField("reference_image_ids")
        inner = kinds.picture(changed)
        found = [*violations(inner), *await self.check(inner)]
        if found:
            name = "" if isinstance(request, ApplyThemeRequest) else f"{changed.WhichOneof('kind')}."
            raise InvalidArgument.of([Violation(name + each.field, each.description) for each in found])
        theme = await self._themes.get(inner.theme)
        assert theme is not None, "checked before"
        normal = kinds.normalise(inner, self._settings)
        if isinstance(request, RegenerateImageRequest):
            return revision.regeneration(id_, image, request, normal, theme)
        return await revision.restyling(id_, image, request, normal, theme, self._themes)

    async def cancel(self, id_: str) -> tuple[GenerationRecord, CancelOutcome]:
        """Stops a generation that was not begun. Raises GenerationNotFound."""
        while True:
            record = await self._storage.generations.retrieve(id_)
            if record is None:
                raise GenerationNotFound(f"there is no generation {id_}")
            if record.answered_by:
                id_ = record.answered_by
                continue
            if transitions.ended(record.generation):
                return record, CancelOutcome.CANCEL_OUTCOME_ALREADY_ENDED
            if record.generation.attempts:
                return record, CancelOutcome.CANCEL_OUTCOME_TOO_LATE
            try:
                stopped = await end(self._storage, transitions.cancelled(record))
            except VersionConflict:
                continue  # it has moved: look again
            return stopped, CancelOutcome.CANCEL_OUTCOME_STOPPED

    def _require_getimg(self) -> None:
        if not self._getimg.configured:
            raise GetimgNotConfigured(
                "this service has no GetImg.AI key: its operator has to set GETIMG_API_KEY, "
                "or to run `image-grpc up` without one for the stand-in"
            )

    async def _preview(self, record: GenerationRecord) -> GenerationRecord:
        """What a request would be, for `validate_only`."""
        asked = record.generation
        preview = GenerationRecord(
            generation=Generation(request=asked.request, model=asked.model), prompt=record.prompt
        )
        model = await self._getimg.model(asked.model)
        cost = await self._getimg.expected_cost(model, kinds.drawn(record).size) if model else None
        if cost is not None:
            preview.generation.cost.CopyFrom(cost)
        return preview

    async def _repeated(self, id_: str, digest: str) -> GenerationRecord | None:
        """The answer that a request_id was given before, if there is one."""
        record = await self._storage.generations.retrieve(id_)
        if record is None:
            return None
        if record.request_digest != digest:
            raise RequestIdReused(
                "this request_id was used before with other content: use a new one for a new request",
                violations=[Violation("request_id", "was used before with other content")],
            )
        if record.answered_by:
            return await self._storage.generations.retrieve(record.answered_by)
        return record

    async def _answer(
        self, id_: str, digest: str, normal: GenerationRequest, theme: Theme, *, named: bool
    ) -> GenerationRecord:
        """Answers from what is there, or stores a new generation. Raises VersionConflict when overtaken."""
        mode = kinds.picture(normal).cache
        shared = mode != CacheMode.CACHE_MODE_BYPASS
        fingerprint = kinds.fingerprint(normal, theme) if shared else ""
        record = self._asked(transitions.queued(id_, normal, theme, fingerprint=fingerprint), digest)
        use = mode == CacheMode.CACHE_MODE_USE
        entry = await self._storage.cache_entries.retrieve(fingerprint) if use else None
        if entry is not None:
            if (image := await self._ready_image(entry)) is not None:
                hit = transitions.answered_from_cache(record, image)
                return await self._storage.generations.store(hit, absent=True)
            if (running := await self._in_flight(entry)) is not None:
                if named:  # so that the same request_id gets the same answer later
                    await self._storage.generations.store(
                        transitions.answered_by(record, running.generation.id), absent=True
                    )
                return running
        await self._estimator.estimate(record)
        puts = [self._storage.generations.put(record, absent=True)]
        if use:
            new = transitions.in_flight(record)
            at_version = entry.version if entry is not None else None
            puts.append(self._storage.cache_entries.put(new, absent=entry is None, at_version=at_version))
        stored = await self._storage.store(puts, messages=[jobs.generate(record)])
        return stored[0].generation

    def _asked(self, record: GenerationRecord, digest: str) -> GenerationRecord:
        """The record with what is known of the call."""
        record.request_digest = digest
        record.correlation_id = correlation_id()
        record.traceparent = inject().get("traceparent", "")
        return record

    async def _ready_image(self, entry: CacheEntry) -> Image | None:
        if entry.state != CacheEntryState.CACHE_ENTRY_STATE_READY:
            return None
        newest = await self._cache.record(RecordKind.RECORD_KIND_IMAGE, entry.image_id)
        if newest is None or newest.image.version == entry.image_version:
            return newest.image if newest is not None else None
        return await self._storage.images.retrieve(entry.image_id, entry.image_version)

    async def _in_flight(self, entry: CacheEntry) -> GenerationRecord | None:
        if entry.state != CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT:
            return None
        record = await self._storage.generations.retrieve(entry.generation_id)
        return record if record is not None and not transitions.ended(record.generation) else None


def _is_uuid(text: str) -> bool:
    return len(text) == 36
