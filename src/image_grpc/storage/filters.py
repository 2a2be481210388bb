"""Filters of listings, from the contract's enums."""

from collections.abc import Iterable
from typing import Protocol

from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType
from tabletop.storage.v1.record_pb2 import IndexFields
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc.messages import enum_label


class PictureFilter(Protocol):
    """A List request with the filters that images and generations share."""

    @property
    def type(self) -> ImageType: ...
    @property
    def subtype(self) -> ImageSubtype: ...
    @property
    def theme(self) -> str: ...
    @property
    def source_id(self) -> str: ...
    @property
    def service(self) -> str: ...


def pictures(request: PictureFilter) -> ListFilter:
    """Return the filter that a List request describes."""
    return ListFilter(
        index=IndexFields(
            type=enum_label(ImageType, request.type),
            subtype=enum_label(ImageSubtype, request.subtype),
            theme=request.theme,
            source_id=request.source_id,
            service=request.service,
        )
    )


def overlays_of_map(map_id: str) -> ListFilter:
    """Return the filter for the overlays of a map."""
    return ListFilter(index=IndexFields(map_id=map_id))


def with_theme(theme: str) -> ListFilter:
    """Return the filter for everything that has a theme."""
    return ListFilter(index=IndexFields(theme=theme))


def in_states(states: Iterable[int]) -> list[str]:
    """Return the index values of generation states."""
    return [enum_label(GenerationState, state) for state in states]
