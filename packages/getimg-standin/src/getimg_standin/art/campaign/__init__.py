"""Campaign maps: regions in the style of hand-drawn maps."""

from getimg_standin.art.campaign.scene import Sketch, draw_campaign

__all__ = ["Sketch", "draw_campaign"]
