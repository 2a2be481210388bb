"""Conversion between the contract's messages and the Storage Service's records.

A record has a key, index fields and opaque bytes. What the Storage Service assigns (version, times, its own
reference, the path of a blob) is left out of the bytes and copied into the message when a record is read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import DecodeError, Message
from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntry
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.kept_rendition_pb2 import KeptRendition
from tabletop.image.v1.audit_pb2 import AuditEntry
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.storage.v1.record_pb2 import BlobReference, IndexFields, Record, RecordKey, RecordKind

from image_grpc.errors import StorageServiceError
from image_grpc.messages import clone, enum_label
from image_grpc.storage.filters import audit_index, picture_index

T = TypeVar("T", bound=Message)
_TIMES = ("create_time", "update_time", "delete_time", "purge_time")
_ASSIGNED = {"version", "storage_id", *_TIMES}


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec(Generic[T]):
    """How the messages of one type become records of one kind."""

    kind: RecordKind
    message: type[T]
    id_of: Callable[[T], str]
    index_of: Callable[[T], IndexFields]
    service_of: Callable[[T], str] | None = None
    """Returns the service that a message belongs to; None if the kind belongs to no service."""
    blob_of: Callable[[T], BlobReference | None] = lambda _: None
    image_of: Callable[[T], str] = lambda _: ""
    """Returns the id of the image that a message concerns."""
    versioned_part: Callable[[T], Any] = lambda message: message
    """The message inside the body that has the version and the times."""

    def key(self, id_: str, version: int = 0) -> RecordKey:
        """Return the key of a record; version 0 is the latest."""
        return RecordKey(kind=self.kind, id=id_, version=version)

    def encode(self, message: T) -> Record:
        """Return the record for a message."""
        body = clone(message)
        part = self.versioned_part(body)
        for name in _ASSIGNED.intersection(part.DESCRIPTOR.fields_by_name):
            part.ClearField(name)
        if isinstance(body, Image):
            body.content.ClearField("storage_path")
        return Record(
            key=self.key(self.id_of(message)),
            index=self.index_of(message),
            body_type=self.message.DESCRIPTOR.full_name,
            body=body.SerializeToString(deterministic=True),
            blob=self.blob_of(message),
        )

    def decode(self, record: Record) -> T:
        """Return the message in a record. Raises StorageServiceError if the body is not of the codec's type."""
        type_ = self.message.DESCRIPTOR.full_name
        if record.body_type != type_:
            raise StorageServiceError(f"record {record.key.id} contains a {record.body_type}, not a {type_}")
        try:
            message = self.message.FromString(record.body)
        except DecodeError as error:
            raise StorageServiceError(f"record {record.key.id} cannot be decoded: {error}") from error
        part = self.versioned_part(message)
        fields = part.DESCRIPTOR.fields_by_name
        if "version" in fields:
            part.version = record.key.version
        if "storage_id" in fields:
            part.storage_id = record.storage_id
        for name in _TIMES:
            if name in fields and record.HasField(name):
                getattr(part, name).CopyFrom(getattr(record, name))
        if isinstance(message, Image):
            message.content.storage_path = record.blob.path
        return message


def _blob(content: ImageContent) -> BlobReference | None:
    return BlobReference(sha256=content.sha256, byte_size=content.byte_size) if content.sha256 else None


def _generation_index(record: GenerationRecord) -> IndexFields:
    index = picture_index(record.facets, record.facets)
    index.state = enum_label(GenerationState, record.generation.state)
    return index


IMAGES = Codec(
    kind=RecordKind.RECORD_KIND_IMAGE,
    message=Image,
    id_of=lambda image: image.id,
    index_of=lambda image: picture_index(image, image.metadata),
    service_of=lambda image: image.metadata.service,
    blob_of=lambda image: _blob(image.content),
    image_of=lambda image: image.id,
)
OVERLAYS = Codec(
    kind=RecordKind.RECORD_KIND_OVERLAY,
    message=Overlay,
    id_of=lambda overlay: overlay.id,
    index_of=lambda overlay: IndexFields(map_id=overlay.map_id),
    image_of=lambda overlay: overlay.map_id,
)
THEMES = Codec(
    kind=RecordKind.RECORD_KIND_THEME,
    message=Theme,
    id_of=lambda theme: theme.name,
    index_of=lambda theme: IndexFields(theme=theme.name),
)
GENERATIONS = Codec(
    kind=RecordKind.RECORD_KIND_GENERATION,
    message=GenerationRecord,
    id_of=lambda record: record.generation.id,
    index_of=_generation_index,
    service_of=lambda record: record.facets.service,
    image_of=lambda record: record.image_id,
    versioned_part=lambda record: record.generation,
)
CACHE_ENTRIES = Codec(
    kind=RecordKind.RECORD_KIND_CACHE_ENTRY,
    message=CacheEntry,
    id_of=lambda entry: entry.fingerprint,
    index_of=lambda _: IndexFields(),
)
RENDITIONS = Codec(
    kind=RecordKind.RECORD_KIND_RENDITION,
    message=KeptRendition,
    id_of=lambda rendition: rendition.key,
    index_of=lambda _: IndexFields(),
    blob_of=lambda rendition: _blob(rendition.content),
)
AUDIT_ENTRIES = Codec(
    kind=RecordKind.RECORD_KIND_AUDIT_ENTRY,
    message=AuditEntry,
    id_of=lambda entry: entry.id,
    index_of=lambda entry: audit_index(
        caller=entry.call.caller, method=entry.call.method, image_id=entry.image_id, outcome=entry.outcome
    ),
)
