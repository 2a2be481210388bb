"""Tactical battle maps: places seen from straight above."""

from image_grpc.standin.art.tactical.scene import draw_tactical

__all__ = ["draw_tactical"]
