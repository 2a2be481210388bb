"""Themes: the built-in ones, and where those of callers are found."""

from __future__ import annotations

from functools import cache
from importlib import resources

from google.protobuf import text_format
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.theme_service_pb2 import ListThemesResponse
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc.storage import ImageStorageClient, ReadCache


@cache
def built_in() -> dict[str, Theme]:
    """The built-in themes by name, in the order of their names."""
    text = resources.files("image_grpc.generation").joinpath("built_in_themes.txtpb").read_text("utf-8")
    themes = text_format.Parse(text, ListThemesResponse()).themes
    return {theme.name: theme for theme in sorted(themes, key=lambda theme: theme.name)}


class Themes:
    """All themes, by name."""

    def __init__(self, storage: ImageStorageClient, cache: ReadCache) -> None:
        self._storage, self._cache = storage, cache

    async def get(self, name: str) -> Theme | None:
        """A theme, or None if there is none of this name. Raises StorageServiceError."""
        if (theme := built_in().get(name)) is not None:
            return theme
        record = await self._cache.record(RecordKind.RECORD_KIND_THEME, name)
        return record.theme if record is not None else None

    async def all(self) -> list[Theme]:
        """The built-in themes, then the callers' own, by name. Raises StorageServiceError."""
        own = await self._storage.themes.all(ListFilter())
        return [*built_in().values(), *sorted(own, key=lambda theme: theme.name)]
