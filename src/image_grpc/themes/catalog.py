"""Look-up of themes by name."""

from functools import cache
from importlib import resources

from google.protobuf import text_format
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.theme_service_pb2 import ListThemesResponse
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc.errors import ThemeNotFound
from image_grpc.storage import Storage


@cache
def built_in_themes() -> dict[str, Theme]:
    """Return the built-in themes by name, in the order of their names."""
    text = resources.files("image_grpc.themes").joinpath("built_in_themes.txtpb").read_text("utf-8")
    themes = text_format.Parse(text, ListThemesResponse()).themes
    return {theme.name: theme for theme in sorted(themes, key=lambda theme: theme.name)}


class ThemeCatalog:
    """All themes."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get(self, name: str) -> Theme | None:
        """Return a theme, or None if there is none of this name."""
        theme = built_in_themes().get(name)
        return theme if theme is not None else await self._storage.themes.get(name)

    async def require(self, name: str) -> Theme:
        """Return a theme. Raises ThemeNotFound."""
        theme = await self.get(name)
        if theme is None:
            raise ThemeNotFound.with_name(name)
        return theme

    async def all(self) -> list[Theme]:
        """Return the built-in themes, then the callers' own, each by name."""
        own = await self._storage.themes.all(ListFilter())
        return [*built_in_themes().values(), *sorted(own, key=lambda theme: theme.name)]
