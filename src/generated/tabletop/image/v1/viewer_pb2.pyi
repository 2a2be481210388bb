from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from tabletop.image.v1 import map_pb2 as _map_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Audience(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIENCE_UNSPECIFIED: _ClassVar[Audience]
    AUDIENCE_GAME_MASTER: _ClassVar[Audience]
    AUDIENCE_PLAYERS: _ClassVar[Audience]
AUDIENCE_UNSPECIFIED: Audience
AUDIENCE_GAME_MASTER: Audience
AUDIENCE_PLAYERS: Audience

class Viewer(_message.Message):
    __slots__ = ("id", "position", "range_feet", "darkvision_feet", "carried_light")
    ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    RANGE_FEET_FIELD_NUMBER: _ClassVar[int]
    DARKVISION_FEET_FIELD_NUMBER: _ClassVar[int]
    CARRIED_LIGHT_FIELD_NUMBER: _ClassVar[int]
    id: str
    position: _map_pb2.Position
    range_feet: float
    darkvision_feet: float
    carried_light: _map_pb2.Illumination
    def __init__(self, id: _Optional[str] = ..., position: _Optional[_Union[_map_pb2.Position, _Mapping]] = ..., range_feet: _Optional[float] = ..., darkvision_feet: _Optional[float] = ..., carried_light: _Optional[_Union[_map_pb2.Illumination, _Mapping]] = ...) -> None: ...
