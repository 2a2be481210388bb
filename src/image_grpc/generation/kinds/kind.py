"""A kind of picture: everything that tells one Generate request from another."""

from collections.abc import Collection, MutableSequence
from typing import Generic, Protocol, TypeVar

from google.protobuf.duration_pb2 import Duration
from tabletop.image.v1.generation_request_pb2 import Adherence
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Fidelity, MapProperties
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import CacheMode, ImageFormat, ImageSubtype, ImageType, Priority, Size, Source

from image_grpc.errors import Violation
from image_grpc.messages import MessageLike
from image_grpc.settings import ServerSettings

DEFAULT_SIDE = 1024
"""Width and height in pixels of pictures whose request has no size, unless their kind says otherwise."""


class PictureRequest(MessageLike, Protocol):
    """A Generate request of any kind: the fields that all of them have."""

    theme: str
    details: str
    request_id: str
    priority: Priority
    cache: CacheMode
    validate_only: bool
    format: ImageFormat
    model: str

    @property
    def size(self) -> Size: ...
    @property
    def source(self) -> Source: ...
    @property
    def wait_for(self) -> Duration: ...
    @property
    def reference_image_ids(self) -> MutableSequence[str]: ...

    def HasField(self, field_name: str, /) -> bool: ...


R = TypeVar("R", bound=PictureRequest)


class Kind(Generic[R]):
    """How requests of one type become pictures. Kinds have no state; what most of them share is the default."""

    request_type: type[R]
    field: str
    """Name of the request in the oneofs GenerationRequest.kind and RegenerateImageRequest.parameters."""
    image_type: ImageType
    subtypes: tuple[ImageSubtype, ...]
    """The subtypes of the images that this kind generates."""
    requires_layout: bool = True
    """Whether a picture with a layout needs a model that accepts reference images. Else other models ignore it."""
    map_fields: tuple[str, ...] = ()
    """The fields of MapProperties that images of this kind have."""

    def subtype_of(self, request: R) -> ImageSubtype:
        """Return the subtype of the picture that a normalized request describes."""
        return self.subtypes[0]

    def default_model(self, settings: ServerSettings, request: R) -> str:
        """Return the id of the model for a request that names none."""
        raise NotImplementedError

    def default_size(self, request: R) -> Size:
        """Return the size of the picture for a request that has none."""
        return Size(width=DEFAULT_SIDE, height=DEFAULT_SIDE)

    async def completed(self, request: R) -> R:
        """Return a valid request with what has to be computed for it."""
        return request

    def fill_defaults(self, request: R) -> None:
        """Fill in the defaults of the fields that only this kind has, in place."""

    def violations(self, request: R) -> list[Violation]:
        """Return what is invalid beyond the rules of the contract."""
        return []

    def prompt_parts(self, request: R, theme: Theme) -> list[str]:
        """Return the sentences of the prompt for a normalized request; empty ones are dropped."""
        raise NotImplementedError

    def layout(self, request: R, ratio: float | None) -> bytes | None:
        """Return a drawing that the picture must follow, as PNG; None if it follows none. Takes time.

        `ratio` is that of the model's pictures, None if it has no fixed ones.
        """
        return None

    def has_layout(self, request: R) -> bool:
        """Whether `layout` returns a drawing."""
        return False

    def must_follow(self, request: R) -> bool:
        """Whether the picture must follow a layout, so that its model must accept reference images."""
        return self.requires_layout and self.has_layout(request)

    def fidelity(self, request: R, picture: bytes) -> Fidelity | None:
        """Return how well a stored picture follows its layout; None if it has none. Takes time. Raises BadPicture."""
        return None

    def adherence(self, request: R) -> Adherence:
        """Return how closely the picture must follow its layout."""
        return Adherence()

    def fingerprint_salt(self, request: R) -> bytes:
        """Return what decides what the picture looks like beside the request itself."""
        return b""

    def map_properties(self, request: R) -> MapProperties | None:
        """Return the map properties of the picture; None if it is not a map."""
        return None

    def adapt_to_changes(self, request: R, changed: Collection[str]) -> None:
        """Clear, in place, what follows from these parameters, which have changed."""

    def changed_map_fields(self, request: R, changed: Collection[str]) -> frozenset[str]:
        """Return the fields of MapProperties that a change of these parameters replaces."""
        return frozenset(self.map_fields) & frozenset(changed)

    def describe_image(self, image: Image, request: R) -> None:
        """Copy what only this kind has from an image into a request for a picture like it."""

    def forget_map(self, request: R) -> None:
        """Remove from the stored request of an image what is large and what `describe_image` gets from the image."""
