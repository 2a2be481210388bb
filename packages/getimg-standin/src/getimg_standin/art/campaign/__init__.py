"""Campaign maps: regions in the style of hand-drawn maps."""

from getimg_standin.art.campaign.scene import draw_campaign

__all__ = ["draw_campaign"]
