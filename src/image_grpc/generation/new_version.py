"""The image that a generation creates."""

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.theme_pb2 import ThemeAssociation

from image_grpc.generation.requests import complete_request, kind_in, picture_in
from image_grpc.messages import clone, now


def next_version(previous: Image, record: GenerationRecord) -> Image:
    """Return the version of an image that a generation creates, without the size and digest of its bytes.

    `previous` is the latest version, or an image with an id only.
    """
    request, facets = complete_request(record), record.facets
    picture = picture_in(request)
    image = clone(previous)
    image.version = previous.version + 1
    image.type, image.subtype = facets.type, facets.subtype
    image.references[:] = picture.reference_image_ids
    properties = kind_in(request).map_properties(picture)
    if properties is not None:
        image.map.CopyFrom(properties)
    image.content.Clear()
    image.content.format = picture.format
    image.content.size.CopyFrom(picture.size)
    metadata = image.metadata
    metadata.theme, metadata.source_id, metadata.service = facets.theme, facets.source_id, facets.service
    metadata.theme_association.CopyFrom(_theme_association(record))
    params = metadata.generation_params
    params.request.CopyFrom(request)
    params.prompt, params.model = record.prompt, record.generation.model
    params.generation_id = record.generation.id
    return image


def _theme_association(record: GenerationRecord) -> ThemeAssociation:
    if record.HasField("theme_association"):
        association = clone(record.theme_association)
    else:
        association = ThemeAssociation(theme=record.facets.theme, theme_version=record.theme_version, strength=1.0)
    association.apply_time.CopyFrom(now())
    return association
