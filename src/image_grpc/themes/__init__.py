"""Themes: the built-in ones, and those that callers add."""

from image_grpc.themes.catalog import ThemeCatalog, built_in_themes
from image_grpc.themes.editor import ThemeEditor

__all__ = ["ThemeCatalog", "ThemeEditor", "built_in_themes"]
