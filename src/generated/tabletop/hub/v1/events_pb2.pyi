import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabletop.hub.v1 import error_pb2 as _error_pb2
from tabletop.image.v1 import map_service_pb2 as _map_service_pb2
from tabletop.image.v1 import overlay_service_pb2 as _overlay_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ImageGenerated(_message.Message):
    __slots__ = ("storage_correlation_id", "image_id", "type", "source_id", "timestamp")
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    storage_correlation_id: str
    image_id: str
    type: str
    source_id: str
    timestamp: _timestamp_pb2.Timestamp
    def __init__(self, storage_correlation_id: _Optional[str] = ..., image_id: _Optional[str] = ..., type: _Optional[str] = ..., source_id: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OverlayUpdated(_message.Message):
    __slots__ = ("map_id", "overlay_id", "changes")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    OVERLAY_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    overlay_id: str
    changes: _overlay_service_pb2.OverlayChanges
    def __init__(self, map_id: _Optional[str] = ..., overlay_id: _Optional[str] = ..., changes: _Optional[_Union[_overlay_service_pb2.OverlayChanges, _Mapping]] = ...) -> None: ...

class MapUpdated(_message.Message):
    __slots__ = ("map_id", "version", "changes")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    version: int
    changes: _map_service_pb2.MapChanges
    def __init__(self, map_id: _Optional[str] = ..., version: _Optional[int] = ..., changes: _Optional[_Union[_map_service_pb2.MapChanges, _Mapping]] = ...) -> None: ...

class ThemeApplied(_message.Message):
    __slots__ = ("image_id", "theme", "elements")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    theme: str
    elements: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, image_id: _Optional[str] = ..., theme: _Optional[str] = ..., elements: _Optional[_Iterable[str]] = ...) -> None: ...

class RpcCompleted(_message.Message):
    __slots__ = ("request_id", "method", "response")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    method: str
    response: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., method: _Optional[str] = ..., response: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RpcFailed(_message.Message):
    __slots__ = ("request_id", "method", "error")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    method: str
    error: _error_pb2.Error
    def __init__(self, request_id: _Optional[str] = ..., method: _Optional[str] = ..., error: _Optional[_Union[_error_pb2.Error, _Mapping]] = ...) -> None: ...

class CharacterUpdated(_message.Message):
    __slots__ = ("character_id", "changes")
    CHARACTER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    character_id: str
    changes: _struct_pb2.Struct
    def __init__(self, character_id: _Optional[str] = ..., changes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class CampaignThemeChanged(_message.Message):
    __slots__ = ("campaign_id", "new_theme")
    CAMPAIGN_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_THEME_FIELD_NUMBER: _ClassVar[int]
    campaign_id: str
    new_theme: str
    def __init__(self, campaign_id: _Optional[str] = ..., new_theme: _Optional[str] = ...) -> None: ...

class MapStateChanged(_message.Message):
    __slots__ = ("map_id", "overlay_updates", "door_states")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    OVERLAY_UPDATES_FIELD_NUMBER: _ClassVar[int]
    DOOR_STATES_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    overlay_updates: _containers.RepeatedCompositeFieldContainer[OverlayUpdate]
    door_states: _containers.RepeatedCompositeFieldContainer[_map_service_pb2.DoorStateChange]
    def __init__(self, map_id: _Optional[str] = ..., overlay_updates: _Optional[_Iterable[_Union[OverlayUpdate, _Mapping]]] = ..., door_states: _Optional[_Iterable[_Union[_map_service_pb2.DoorStateChange, _Mapping]]] = ...) -> None: ...

class OverlayUpdate(_message.Message):
    __slots__ = ("overlay_id", "changes")
    OVERLAY_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    overlay_id: str
    changes: _overlay_service_pb2.OverlayChanges
    def __init__(self, overlay_id: _Optional[str] = ..., changes: _Optional[_Union[_overlay_service_pb2.OverlayChanges, _Mapping]] = ...) -> None: ...
