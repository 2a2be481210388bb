"""What a batch must be besides the rules that its contract states."""

from __future__ import annotations

import re

from tabletop.storage.v1.storage_pb2 import Batch

from image_grpc import records
from image_grpc.storage_service.refusals import Invalid
from image_grpc.storage_service.schema import MAX_ID

_SHA256 = re.compile(r"[0-9a-f]{64}")


def check(batch: Batch) -> None:
    """Raises Invalid for the first record without a body or a proper id, or with a blob that is none."""
    for index, put in enumerate(batch.puts):
        field = f"batch.puts[{index}].record"
        if put.record.WhichOneof("body") is None:
            raise Invalid(field, "must have a body")
        if not 1 <= len(records.key(put.record).id) <= MAX_ID:
            raise Invalid(field, f"must have an id of 1 to {MAX_ID} characters")
        # Paths are made of it.
        sha256 = put.record.image.content.sha256
        if sha256 and not _SHA256.fullmatch(sha256):
            raise Invalid(f"{field}.image.content.sha256", "must be 64 hexadecimal digits in lower case")
