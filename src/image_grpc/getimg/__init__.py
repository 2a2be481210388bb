"""GetImg.AI: the client of its API, and the guarded download of what it has drawn."""

from image_grpc.getimg.client import GetimgClient
from image_grpc.getimg.download import Downloader, PictureGone

__all__ = ["Downloader", "GetimgClient", "PictureGone"]
