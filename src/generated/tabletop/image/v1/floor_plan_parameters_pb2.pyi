from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from tabletop.image.v1 import map_pb2 as _map_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FloorPlanKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLOOR_PLAN_KIND_UNSPECIFIED: _ClassVar[FloorPlanKind]
    FLOOR_PLAN_KIND_DUNGEON: _ClassVar[FloorPlanKind]
    FLOOR_PLAN_KIND_CAVE: _ClassVar[FloorPlanKind]
    FLOOR_PLAN_KIND_BUILDING: _ClassVar[FloorPlanKind]
    FLOOR_PLAN_KIND_OUTDOORS: _ClassVar[FloorPlanKind]
FLOOR_PLAN_KIND_UNSPECIFIED: FloorPlanKind
FLOOR_PLAN_KIND_DUNGEON: FloorPlanKind
FLOOR_PLAN_KIND_CAVE: FloorPlanKind
FLOOR_PLAN_KIND_BUILDING: FloorPlanKind
FLOOR_PLAN_KIND_OUTDOORS: FloorPlanKind

class FloorPlanParameters(_message.Message):
    __slots__ = ("kind", "size", "seed", "algorithm_version", "max_rooms")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_VERSION_FIELD_NUMBER: _ClassVar[int]
    MAX_ROOMS_FIELD_NUMBER: _ClassVar[int]
    kind: FloorPlanKind
    size: _map_pb2.FloorPlanSize
    seed: int
    algorithm_version: int
    max_rooms: int
    def __init__(self, kind: _Optional[_Union[FloorPlanKind, str]] = ..., size: _Optional[_Union[_map_pb2.FloorPlanSize, _Mapping]] = ..., seed: _Optional[int] = ..., algorithm_version: _Optional[int] = ..., max_rooms: _Optional[int] = ...) -> None: ...
