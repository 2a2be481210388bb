import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabletop.image.v1 import generation_request_pb2 as _generation_request_pb2
from tabletop.image.v1 import map_pb2 as _map_pb2
from tabletop.image.v1 import theme_pb2 as _theme_pb2
from tabletop.image.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Normalization(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NORMALIZATION_UNSPECIFIED: _ClassVar[Normalization]
    NORMALIZATION_TURNED: _ClassVar[Normalization]
    NORMALIZATION_COLORS_CONVERTED: _ClassVar[Normalization]
    NORMALIZATION_DEPTH_REDUCED: _ClassVar[Normalization]
    NORMALIZATION_FRAMES_REMOVED: _ClassVar[Normalization]
    NORMALIZATION_FORMAT_CONVERTED: _ClassVar[Normalization]
    NORMALIZATION_METADATA_REMOVED: _ClassVar[Normalization]
NORMALIZATION_UNSPECIFIED: Normalization
NORMALIZATION_TURNED: Normalization
NORMALIZATION_COLORS_CONVERTED: Normalization
NORMALIZATION_DEPTH_REDUCED: Normalization
NORMALIZATION_FRAMES_REMOVED: Normalization
NORMALIZATION_FORMAT_CONVERTED: Normalization
NORMALIZATION_METADATA_REMOVED: Normalization

class Image(_message.Message):
    __slots__ = ("id", "storage_id", "type", "subtype", "content", "metadata", "overlays", "references", "version", "create_time", "update_time", "delete_time", "purge_time", "storage_correlation_id", "map")
    ID_FIELD_NUMBER: _ClassVar[int]
    STORAGE_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SUBTYPE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    OVERLAYS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DELETE_TIME_FIELD_NUMBER: _ClassVar[int]
    PURGE_TIME_FIELD_NUMBER: _ClassVar[int]
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    MAP_FIELD_NUMBER: _ClassVar[int]
    id: str
    storage_id: str
    type: _types_pb2.ImageType
    subtype: _types_pb2.ImageSubtype
    content: ImageContent
    metadata: ImageMetadata
    overlays: _containers.RepeatedScalarFieldContainer[str]
    references: _containers.RepeatedScalarFieldContainer[str]
    version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    delete_time: _timestamp_pb2.Timestamp
    purge_time: _timestamp_pb2.Timestamp
    storage_correlation_id: str
    map: _map_pb2.MapProperties
    def __init__(self, id: _Optional[str] = ..., storage_id: _Optional[str] = ..., type: _Optional[_Union[_types_pb2.ImageType, str]] = ..., subtype: _Optional[_Union[_types_pb2.ImageSubtype, str]] = ..., content: _Optional[_Union[ImageContent, _Mapping]] = ..., metadata: _Optional[_Union[ImageMetadata, _Mapping]] = ..., overlays: _Optional[_Iterable[str]] = ..., references: _Optional[_Iterable[str]] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., storage_correlation_id: _Optional[str] = ..., map: _Optional[_Union[_map_pb2.MapProperties, _Mapping]] = ...) -> None: ...

class ImageContent(_message.Message):
    __slots__ = ("storage_path", "format", "size", "byte_size", "sha256")
    STORAGE_PATH_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    BYTE_SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    storage_path: str
    format: _types_pb2.ImageFormat
    size: _types_pb2.Size
    byte_size: int
    sha256: str
    def __init__(self, storage_path: _Optional[str] = ..., format: _Optional[_Union[_types_pb2.ImageFormat, str]] = ..., size: _Optional[_Union[_types_pb2.Size, _Mapping]] = ..., byte_size: _Optional[int] = ..., sha256: _Optional[str] = ...) -> None: ...

class ImageMetadata(_message.Message):
    __slots__ = ("theme", "source_id", "service", "generation_params", "theme_association", "normalizations")
    THEME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_PARAMS_FIELD_NUMBER: _ClassVar[int]
    THEME_ASSOCIATION_FIELD_NUMBER: _ClassVar[int]
    NORMALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    theme: str
    source_id: str
    service: str
    generation_params: GenerationParams
    theme_association: _theme_pb2.ThemeAssociation
    normalizations: _containers.RepeatedScalarFieldContainer[Normalization]
    def __init__(self, theme: _Optional[str] = ..., source_id: _Optional[str] = ..., service: _Optional[str] = ..., generation_params: _Optional[_Union[GenerationParams, _Mapping]] = ..., theme_association: _Optional[_Union[_theme_pb2.ThemeAssociation, _Mapping]] = ..., normalizations: _Optional[_Iterable[_Union[Normalization, str]]] = ...) -> None: ...

class GenerationParams(_message.Message):
    __slots__ = ("request", "prompt", "model", "generation_id")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    GENERATION_ID_FIELD_NUMBER: _ClassVar[int]
    request: _generation_request_pb2.GenerationRequest
    prompt: str
    model: str
    generation_id: str
    def __init__(self, request: _Optional[_Union[_generation_request_pb2.GenerationRequest, _Mapping]] = ..., prompt: _Optional[str] = ..., model: _Optional[str] = ..., generation_id: _Optional[str] = ...) -> None: ...
