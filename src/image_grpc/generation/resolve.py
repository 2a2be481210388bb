"""Resolution: one look-up of everything that a Generate request names.

What is found here is passed on, so nothing is looked up again: a theme, model or image that is deleted afterwards
does not change the outcome.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from tabletop.image.v1.generation_request_pb2 import GenerationRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import CacheMode

from image_grpc.errors import ApiError, InvalidArgument, Violation
from image_grpc.generation.kinds import Kind, PictureRequest, kind_of
from image_grpc.generation.requests import fingerprint, normalize, picture_in
from image_grpc.quotas import budgets
from image_grpc.settings import ServerSettings
from image_grpc.storage import Storage
from image_grpc.themes.catalog import ThemeCatalog


class ModelCatalog(Protocol):
    """The models of GetImg.AI."""

    @property
    def configured(self) -> bool:
        """Whether there is an API key."""

    async def models(self) -> list[Model]:
        """Return the models that generate pictures. Raises ApiError, GetimgNotConfigured."""

    async def model(self, id_: str) -> Model | None:
        """Return a model, or None if the catalog lacks it. Raises ApiError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """A valid request with everything that it names."""

    kind: Kind[Any]
    request: GenerationRequest
    """The normalized request."""
    theme: Theme
    model: Model | None
    """The model; None if the catalog was not needed or could not be read."""
    references: tuple[Image, ...]
    """The reference images, in the order of the request."""
    fingerprint: str
    """Shared by all equal requests; empty if the request bypasses the cache."""
    shared_fingerprint: str = ""
    """Shared by all equal requests of any source; empty unless sources share pictures."""

    @property
    def picture(self) -> PictureRequest:
        """The normalized Generate request."""
        return picture_in(self.request)


class Resolver:
    """Resolves Generate requests of any kind."""

    def __init__(self, settings: ServerSettings, themes: ThemeCatalog, storage: Storage, models: ModelCatalog) -> None:
        self._settings, self._themes, self._storage, self._models = settings, themes, storage, models

    async def resolve(self, picture: PictureRequest, *, path: str = "", revises: bool = False) -> Resolved:
        """Look up everything that a request names.

        `path` is the prefix of the request's fields in error messages. A request that `revises` an image with a layout
        also sends its current picture. Raises InvalidArgument with all violations,
        StorageServiceError, and ApiError if `validate_only` or a budget needs a catalog that cannot be read.
        """
        kind = kind_of(picture)
        violations = kind.violations(picture)
        if not violations:
            picture = await kind.completed(picture)
        request = normalize(kind, picture, self._settings)
        theme = await self._themes.get(picture.theme)
        if theme is None:
            violations.append(Violation("theme", f"theme {picture.theme!r} does not exist, see ListThemes"))
        images = await self._storage.images.get_many(picture.reference_image_ids)
        violations += [
            Violation(f"reference_image_ids[{index}]", "image does not exist")
            for index, image in enumerate(images)
            if image is None
        ]
        model = await self._model(picture, picture_in(request).model, violations, revises=revises)
        if violations or theme is None:
            raise InvalidArgument.of([Violation(path + each.field, each.description) for each in violations])
        cached = picture_in(request).cache != CacheMode.CACHE_MODE_BYPASS
        shared = cached and self._settings.cache_shared
        return Resolved(
            kind=kind,
            request=request,
            theme=theme,
            model=model,
            references=tuple(image for image in images if image is not None),
            fingerprint=fingerprint(request, theme) if cached else "",
            shared_fingerprint=fingerprint(request, theme, any_source=True) if shared else "",
        )

    async def _model(
        self, picture: PictureRequest, id_: str, violations: list[Violation], *, revises: bool
    ) -> Model | None:
        has_layout = kind_of(picture).must_follow(picture)
        references = len(picture.reference_image_ids) + has_layout + (has_layout and revises)
        needed = picture.model or references or picture.validate_only or budgets.needs_price()
        if not (self._models.configured and needed):
            return None
        try:
            model = await self._models.model(id_)
        except ApiError:
            if picture.validate_only or budgets.needs_price():
                raise
            return None  # the pipeline waits until GetImg.AI is available
        if model is None and picture.model:
            violations.append(Violation("model", f"GetImg.AI has no model {id_!r}, see ListModels"))
        if model is not None and references > model.max_reference_images:
            limit = f"model {id_} accepts at most {model.max_reference_images} reference images"
            field = "reference_image_ids" if picture.reference_image_ids else "model"
            violations.append(Violation(field, f"{limit}, including the layout" if has_layout else limit))
        return model
