"""Changes of themes."""

from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.theme_service_pb2 import CreateThemeRequest, DeleteThemeRequest, UpdateThemeRequest

from image_grpc import tenancy
from image_grpc.errors import (
    InvalidArgument,
    ThemeExists,
    ThemeInUse,
    ThemeNotEditable,
    ThemeNotFound,
    VersionConflict,
    Violation,
)
from image_grpc.storage import RecordNotFound, Storage
from image_grpc.storage.filters import with_theme
from image_grpc.themes.catalog import built_in_themes


class ThemeEditor:
    """Creates, updates and deletes callers' themes, which all services share.

    Every method may raise RequestIdReused, and PermissionDenied for callers that are bound to a service.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def create(self, request: CreateThemeRequest) -> Theme:
        """Add a theme and return it. Raises ThemeExists."""
        tenancy.require_unbound("a change of themes")
        name, themes = request.theme.name, self._storage.themes
        if name in built_in_themes():
            raise ThemeExists(f"theme {name!r} is built in")
        unit = self._storage.unit_for("create theme", request)
        # The name of a deleted theme can be used again; the new theme continues its history of versions.
        existing = await themes.get_version(name, 0, include_deleted=True)
        if existing is not None and await themes.get_latest(name) is None:
            unit.put(themes, _input_fields(request.theme))
        else:
            unit.create(themes, _input_fields(request.theme))
        try:
            return (await unit.commit()).of(themes)
        except VersionConflict as conflict:
            raise ThemeExists(f"theme {name!r} exists already") from conflict

    async def update(self, request: UpdateThemeRequest) -> Theme:
        """Change a theme and return it. Raises ThemeNotEditable, InvalidArgument, ThemeNotFound, VersionConflict."""
        tenancy.require_unbound("a change of themes")
        name, version = request.theme.name, request.theme.version
        _require_editable(name)
        if version < 1:
            raise InvalidArgument.of([Violation("theme.version", "must be the version that was last read")])
        unit = self._storage.unit_for("update theme", request)
        unit.update(self._storage.themes, _input_fields(request.theme), version)
        try:
            return (await unit.commit()).of(self._storage.themes)
        except VersionConflict as conflict:
            if await self._storage.themes.get_latest(name) is None:
                raise ThemeNotFound.with_name(name) from conflict
            raise

    async def delete(self, request: DeleteThemeRequest) -> None:
        """Delete a theme that no image uses. Raises ThemeNotEditable, ThemeInUse, ThemeNotFound, VersionConflict."""
        tenancy.require_unbound("a change of themes")
        _require_editable(request.theme)
        count = await self._storage.images.count(with_theme(request.theme))
        if count:
            images = "1 image uses" if count == 1 else f"{count} images use"
            raise ThemeInUse(
                f"{images} the theme {request.theme!r}; apply another theme first",
                metadata={"images": str(count), "theme": request.theme},
            )
        unit = self._storage.unit_for("delete theme", request)
        unit.delete(self._storage.themes, request.theme, request.version)
        try:
            await unit.commit()
        except RecordNotFound as missing:
            raise ThemeNotFound.with_name(request.theme) from missing


def _input_fields(theme: Theme) -> Theme:
    """Return a theme without its output-only fields."""
    return Theme(
        name=theme.name, display_name=theme.display_name, description=theme.description, elements=theme.elements
    )


def _require_editable(name: str) -> None:
    if name in built_in_themes():
        raise ThemeNotEditable(f"theme {name!r} is built in and cannot be changed or deleted")
