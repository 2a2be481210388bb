"""Item illustrations: one thing on a plate that suits the theme."""

from image_grpc.standin.art.item.scene import draw_item

__all__ = ["draw_item"]
