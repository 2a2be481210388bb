"""Item illustrations: one item in front of a panel in the style of the theme."""

from getimg_standin.art.item.scene import draw_item

__all__ = ["draw_item"]
