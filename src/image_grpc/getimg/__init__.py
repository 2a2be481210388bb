"""The client of the GetImg.AI API, and the guarded download of the pictures it generates."""

from image_grpc.getimg.balance import BalanceMonitor
from image_grpc.getimg.client import GetimgClient, ProviderRequest
from image_grpc.getimg.connection import GetimgConfig
from image_grpc.getimg.download import Downloader, PictureGone, UrlPolicy
from image_grpc.getimg.errors import CallNotSent
from image_grpc.getimg.models import expected_cost

__all__ = [
    "BalanceMonitor",
    "CallNotSent",
    "Downloader",
    "GetimgClient",
    "GetimgConfig",
    "PictureGone",
    "ProviderRequest",
    "UrlPolicy",
    "expected_cost",
]
