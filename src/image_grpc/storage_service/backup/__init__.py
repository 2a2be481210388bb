"""Backups: copy a Storage Service into a folder, and a folder into an empty Storage Service of any kind.

The folder holds

- `backup.json`: format, time, and names of the two files below with their counts and SHA-256; written last;
- `records-<time>.binpb`: messages `tabletop.storage.v1.Record`, each after its length as a varint. The versions of
  a record follow each other, the oldest first;
- `messages-<time>.binpb`: messages `tabletop.hub.v1.OutboundMessage` that were not published yet, likewise;
- `blobs/ab/abcdef…`: the blobs, by SHA-256. Existing ones are not copied again.

Records and messages are a snapshot of one moment. The memory that a backup needs does not depend on its size.
"""

from image_grpc.storage_service.backup.create import back_up
from image_grpc.storage_service.backup.files import BackupError, Manifest
from image_grpc.storage_service.backup.restore import restore

__all__ = ["BackupError", "Manifest", "back_up", "restore"]
