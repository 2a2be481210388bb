"""Character portraits: a bust in front of a place that suits the theme."""

from getimg_standin.art.portrait.scene import draw_portrait

__all__ = ["draw_portrait"]
