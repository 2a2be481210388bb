"""Index fields and filters of listings, from the contract's messages and enums."""

from collections.abc import Iterable

from tabletop.image.internal.v1.generation_record_pb2 import Facets
from tabletop.image.v1.audit_service_pb2 import ListAuditEntriesRequest
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest
from tabletop.image.v1.image_pb2 import Image, ImageMetadata
from tabletop.image.v1.image_service_pb2 import ListImagesRequest
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType
from tabletop.storage.v1.record_pb2 import IndexFields
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc.messages import enum_label
from image_grpc.names import key_part

MAX_TYPE = 32
"""Maximum length of the index field."""

ListPictures = ListImagesRequest | ListGenerationsRequest


def picture_index(typed: Image | Facets | ListPictures, labels: ImageMetadata | Facets | ListPictures) -> IndexFields:
    """Return the index fields that images and generations share, from the parts that have the type and the labels."""
    return IndexFields(
        type=enum_label(ImageType, typed.type),
        subtype=enum_label(ImageSubtype, typed.subtype),
        theme=labels.theme,
        source_id=labels.source_id,
        service=labels.service,
    )


def picture_filter(request: ListPictures) -> ListFilter:
    """Return the filter that a List request describes."""
    return ListFilter(index=picture_index(request, request))


def audit_index(*, caller: str, method: str, image_id: str, outcome: str) -> IndexFields:
    """Return the index fields of an entry of the audit log: the caller as `service`, the outcome as `state`.

    Methods have different names, whatever their service.
    """
    name = method.rpartition(".")[2] or method
    return IndexFields(service=key_part(caller), type=name[:MAX_TYPE], source_id=image_id, state=outcome)


def audit_filter(request: ListAuditEntriesRequest) -> ListFilter:
    """Return the filter that a request for entries of the audit log describes."""
    index = audit_index(caller=request.caller, method=request.method, image_id=request.image_id, outcome="")
    filter_ = ListFilter(index=index, states=[request.outcome] if request.outcome else [])
    if request.HasField("start_time"):
        filter_.create_time_from.CopyFrom(request.start_time)
    if request.HasField("end_time"):
        filter_.create_time_before.CopyFrom(request.end_time)
    return filter_


def overlays_of_map(map_id: str) -> ListFilter:
    """Return the filter for the overlays of a map."""
    return ListFilter(index=IndexFields(map_id=map_id))


def with_theme(theme: str) -> ListFilter:
    """Return the filter for everything that has a theme."""
    return ListFilter(index=IndexFields(theme=theme))


def state_labels(states: Iterable[int]) -> list[str]:
    """Return the index values of generation states."""
    return [enum_label(GenerationState, state) for state in states]
