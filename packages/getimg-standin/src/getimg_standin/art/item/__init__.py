"""Item illustrations: one thing on a plate that suits the theme."""

from getimg_standin.art.item.scene import draw_item

__all__ = ["draw_item"]
