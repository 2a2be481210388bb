"""The reference Storage Service: a separate program that speaks the hub contract of `tabletop.storage.v1`.

It keeps records in a database and blobs in an object store, both named by URL. It knows nothing of gRPC, of
GetImg.AI or of how pictures are made.
"""

from image_grpc.storage_service.database import Unavailable
from image_grpc.storage_service.service import StorageService

__all__ = ["StorageService", "Unavailable"]
