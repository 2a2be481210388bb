"""Campaign maps: whole regions as a cartographer would draw them."""

from getimg_standin.art.campaign.scene import draw_campaign

__all__ = ["draw_campaign"]
