"""The reference Storage Service: a separate program that implements the hub contract of `tabletop.storage.v1`.

It keeps records in a database and blobs in an object store, both named by URL. It does not use gRPC, and
the bodies of records are bytes to it.
"""

from image_grpc.storage_service.errors import DatabaseError, IncompatibleDatabase, ObjectStoreError, Unavailable
from image_grpc.storage_service.service import StorageService

__all__ = ["DatabaseError", "IncompatibleDatabase", "ObjectStoreError", "StorageService", "Unavailable"]
