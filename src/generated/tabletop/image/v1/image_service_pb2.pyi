import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabletop.image.v1 import access_pb2 as _access_pb2
from tabletop.image.v1 import image_pb2 as _image_pb2
from tabletop.image.v1 import map_pb2 as _map_pb2
from tabletop.image.v1 import types_pb2 as _types_pb2
from tabletop.image.v1 import viewer_pb2 as _viewer_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ImageLayer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMAGE_LAYER_UNSPECIFIED: _ClassVar[ImageLayer]
    IMAGE_LAYER_BASE: _ClassVar[ImageLayer]
    IMAGE_LAYER_COMPOSED: _ClassVar[ImageLayer]

class ImageChange(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMAGE_CHANGE_UNSPECIFIED: _ClassVar[ImageChange]
    IMAGE_CHANGE_STORED: _ClassVar[ImageChange]
    IMAGE_CHANGE_DELETED: _ClassVar[ImageChange]
    IMAGE_CHANGE_UNDELETED: _ClassVar[ImageChange]
IMAGE_LAYER_UNSPECIFIED: ImageLayer
IMAGE_LAYER_BASE: ImageLayer
IMAGE_LAYER_COMPOSED: ImageLayer
IMAGE_CHANGE_UNSPECIFIED: ImageChange
IMAGE_CHANGE_STORED: ImageChange
IMAGE_CHANGE_DELETED: ImageChange
IMAGE_CHANGE_UNDELETED: ImageChange

class GetImageRequest(_message.Message):
    __slots__ = ("image_id", "version", "show_deleted")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    version: int
    show_deleted: bool
    def __init__(self, image_id: _Optional[str] = ..., version: _Optional[int] = ..., show_deleted: _Optional[bool] = ...) -> None: ...

class GetImageResponse(_message.Message):
    __slots__ = ("image",)
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    image: _image_pb2.Image
    def __init__(self, image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class BatchGetImagesRequest(_message.Message):
    __slots__ = ("image_ids",)
    IMAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    image_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, image_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchGetImagesResponse(_message.Message):
    __slots__ = ("images", "missing_image_ids")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    MISSING_IMAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedCompositeFieldContainer[_image_pb2.Image]
    missing_image_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, images: _Optional[_Iterable[_Union[_image_pb2.Image, _Mapping]]] = ..., missing_image_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ListImagesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "type", "subtype", "theme", "source_id", "service", "show_deleted")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SUBTYPE_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    type: _types_pb2.ImageType
    subtype: _types_pb2.ImageSubtype
    theme: str
    source_id: str
    service: str
    show_deleted: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., type: _Optional[_Union[_types_pb2.ImageType, str]] = ..., subtype: _Optional[_Union[_types_pb2.ImageSubtype, str]] = ..., theme: _Optional[str] = ..., source_id: _Optional[str] = ..., service: _Optional[str] = ..., show_deleted: _Optional[bool] = ...) -> None: ...

class ListImagesResponse(_message.Message):
    __slots__ = ("images", "next_page_token")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedCompositeFieldContainer[_image_pb2.Image]
    next_page_token: str
    def __init__(self, images: _Optional[_Iterable[_Union[_image_pb2.Image, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteImageRequest(_message.Message):
    __slots__ = ("image_id", "version", "request_id")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    version: int
    request_id: str
    def __init__(self, image_id: _Optional[str] = ..., version: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteImageResponse(_message.Message):
    __slots__ = ("image",)
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    image: _image_pb2.Image
    def __init__(self, image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class UndeleteImageRequest(_message.Message):
    __slots__ = ("image_id", "request_id")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    request_id: str
    def __init__(self, image_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class UndeleteImageResponse(_message.Message):
    __slots__ = ("image",)
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    image: _image_pb2.Image
    def __init__(self, image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class UploadImageRequest(_message.Message):
    __slots__ = ("description", "data")
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    description: UploadImageDescription
    data: bytes
    def __init__(self, description: _Optional[_Union[UploadImageDescription, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class UploadImageDescription(_message.Message):
    __slots__ = ("type", "subtype", "theme", "source", "sha256", "request_id", "map", "preserve_original")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SUBTYPE_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MAP_FIELD_NUMBER: _ClassVar[int]
    PRESERVE_ORIGINAL_FIELD_NUMBER: _ClassVar[int]
    type: _types_pb2.ImageType
    subtype: _types_pb2.ImageSubtype
    theme: str
    source: _types_pb2.Source
    sha256: str
    request_id: str
    map: _map_pb2.MapProperties
    preserve_original: bool
    def __init__(self, type: _Optional[_Union[_types_pb2.ImageType, str]] = ..., subtype: _Optional[_Union[_types_pb2.ImageSubtype, str]] = ..., theme: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., sha256: _Optional[str] = ..., request_id: _Optional[str] = ..., map: _Optional[_Union[_map_pb2.MapProperties, _Mapping]] = ..., preserve_original: _Optional[bool] = ...) -> None: ...

class UploadImageResponse(_message.Message):
    __slots__ = ("image",)
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    image: _image_pb2.Image
    def __init__(self, image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class ReadImageRequest(_message.Message):
    __slots__ = ("image_id", "version", "offset", "limit", "layer", "format", "max_side", "audience", "viewers", "explored", "ambient_light", "fog", "draw_weak_edges", "hide_legend", "hide_scale_bar", "hide_grid", "region")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MAX_SIDE_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    VIEWERS_FIELD_NUMBER: _ClassVar[int]
    EXPLORED_FIELD_NUMBER: _ClassVar[int]
    AMBIENT_LIGHT_FIELD_NUMBER: _ClassVar[int]
    FOG_FIELD_NUMBER: _ClassVar[int]
    DRAW_WEAK_EDGES_FIELD_NUMBER: _ClassVar[int]
    HIDE_LEGEND_FIELD_NUMBER: _ClassVar[int]
    HIDE_SCALE_BAR_FIELD_NUMBER: _ClassVar[int]
    HIDE_GRID_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    version: int
    offset: int
    limit: int
    layer: ImageLayer
    format: _types_pb2.ImageFormat
    max_side: int
    audience: _viewer_pb2.Audience
    viewers: _containers.RepeatedCompositeFieldContainer[_viewer_pb2.Viewer]
    explored: _containers.RepeatedCompositeFieldContainer[_map_pb2.Cell]
    ambient_light: _map_pb2.LightLevel
    fog: bool
    draw_weak_edges: bool
    hide_legend: bool
    hide_scale_bar: bool
    hide_grid: bool
    region: Region
    def __init__(self, image_id: _Optional[str] = ..., version: _Optional[int] = ..., offset: _Optional[int] = ..., limit: _Optional[int] = ..., layer: _Optional[_Union[ImageLayer, str]] = ..., format: _Optional[_Union[_types_pb2.ImageFormat, str]] = ..., max_side: _Optional[int] = ..., audience: _Optional[_Union[_viewer_pb2.Audience, str]] = ..., viewers: _Optional[_Iterable[_Union[_viewer_pb2.Viewer, _Mapping]]] = ..., explored: _Optional[_Iterable[_Union[_map_pb2.Cell, _Mapping]]] = ..., ambient_light: _Optional[_Union[_map_pb2.LightLevel, str]] = ..., fog: _Optional[bool] = ..., draw_weak_edges: _Optional[bool] = ..., hide_legend: _Optional[bool] = ..., hide_scale_bar: _Optional[bool] = ..., hide_grid: _Optional[bool] = ..., region: _Optional[_Union[Region, _Mapping]] = ...) -> None: ...

class Region(_message.Message):
    __slots__ = ("x", "y", "width", "height")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    width: int
    height: int
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class ReadImageResponse(_message.Message):
    __slots__ = ("content", "data")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    content: _image_pb2.ImageContent
    data: bytes
    def __init__(self, content: _Optional[_Union[_image_pb2.ImageContent, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class ListImageVersionsRequest(_message.Message):
    __slots__ = ("image_id", "page_size", "page_token")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    page_size: int
    page_token: str
    def __init__(self, image_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListImageVersionsResponse(_message.Message):
    __slots__ = ("images", "next_page_token")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedCompositeFieldContainer[_image_pb2.Image]
    next_page_token: str
    def __init__(self, images: _Optional[_Iterable[_Union[_image_pb2.Image, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RestoreImageVersionRequest(_message.Message):
    __slots__ = ("image_id", "version", "restore_version", "request_id")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RESTORE_VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    version: int
    restore_version: int
    request_id: str
    def __init__(self, image_id: _Optional[str] = ..., version: _Optional[int] = ..., restore_version: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class RestoreImageVersionResponse(_message.Message):
    __slots__ = ("image",)
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    image: _image_pb2.Image
    def __init__(self, image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class WatchImagesRequest(_message.Message):
    __slots__ = ("type", "subtype", "source_id", "service")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SUBTYPE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    type: _types_pb2.ImageType
    subtype: _types_pb2.ImageSubtype
    source_id: str
    service: str
    def __init__(self, type: _Optional[_Union[_types_pb2.ImageType, str]] = ..., subtype: _Optional[_Union[_types_pb2.ImageSubtype, str]] = ..., source_id: _Optional[str] = ..., service: _Optional[str] = ...) -> None: ...

class WatchImagesResponse(_message.Message):
    __slots__ = ("change", "image", "send_time")
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    SEND_TIME_FIELD_NUMBER: _ClassVar[int]
    change: ImageChange
    image: _image_pb2.Image
    send_time: _timestamp_pb2.Timestamp
    def __init__(self, change: _Optional[_Union[ImageChange, str]] = ..., image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., send_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
