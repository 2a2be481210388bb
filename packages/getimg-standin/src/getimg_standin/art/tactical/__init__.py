"""Tactical battle maps: places from directly above."""

from getimg_standin.art.tactical.scene import draw_tactical

__all__ = ["draw_tactical"]
