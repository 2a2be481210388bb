from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from tabletop.image.v1 import map_pb2 as _map_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Passability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PASSABILITY_UNSPECIFIED: _ClassVar[Passability]
    PASSABILITY_OPEN: _ClassVar[Passability]
    PASSABILITY_DIFFICULT: _ClassVar[Passability]
    PASSABILITY_IMPASSABLE: _ClassVar[Passability]
    PASSABILITY_SOLID: _ClassVar[Passability]

class FloorPlanKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLOOR_PLAN_KIND_UNSPECIFIED: _ClassVar[FloorPlanKind]
    FLOOR_PLAN_KIND_DUNGEON: _ClassVar[FloorPlanKind]
    FLOOR_PLAN_KIND_CAVE: _ClassVar[FloorPlanKind]
    FLOOR_PLAN_KIND_BUILDING: _ClassVar[FloorPlanKind]
    FLOOR_PLAN_KIND_OUTDOORS: _ClassVar[FloorPlanKind]
PASSABILITY_UNSPECIFIED: Passability
PASSABILITY_OPEN: Passability
PASSABILITY_DIFFICULT: Passability
PASSABILITY_IMPASSABLE: Passability
PASSABILITY_SOLID: Passability
FLOOR_PLAN_KIND_UNSPECIFIED: FloorPlanKind
FLOOR_PLAN_KIND_DUNGEON: FloorPlanKind
FLOOR_PLAN_KIND_CAVE: FloorPlanKind
FLOOR_PLAN_KIND_BUILDING: FloorPlanKind
FLOOR_PLAN_KIND_OUTDOORS: FloorPlanKind

class FloorPlanSize(_message.Message):
    __slots__ = ("columns", "rows")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    columns: int
    rows: int
    def __init__(self, columns: _Optional[int] = ..., rows: _Optional[int] = ...) -> None: ...

class Ground(_message.Message):
    __slots__ = ("symbol", "name", "passability", "color")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PASSABILITY_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    name: str
    passability: Passability
    color: str
    def __init__(self, symbol: _Optional[str] = ..., name: _Optional[str] = ..., passability: _Optional[_Union[Passability, str]] = ..., color: _Optional[str] = ...) -> None: ...

class CellRectangle(_message.Message):
    __slots__ = ("column", "row", "columns", "rows")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    column: int
    row: int
    columns: int
    rows: int
    def __init__(self, column: _Optional[int] = ..., row: _Optional[int] = ..., columns: _Optional[int] = ..., rows: _Optional[int] = ...) -> None: ...

class Room(_message.Message):
    __slots__ = ("id", "name", "cells", "description")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    cells: _containers.RepeatedCompositeFieldContainer[CellRectangle]
    description: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., cells: _Optional[_Iterable[_Union[CellRectangle, _Mapping]]] = ..., description: _Optional[str] = ...) -> None: ...

class PlanObject(_message.Message):
    __slots__ = ("id", "type", "x", "y", "width", "height", "restrictions")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    RESTRICTIONS_FIELD_NUMBER: _ClassVar[int]
    id: str
    type: str
    x: float
    y: float
    width: float
    height: float
    restrictions: _map_pb2.WallRestrictions
    def __init__(self, id: _Optional[str] = ..., type: _Optional[str] = ..., x: _Optional[float] = ..., y: _Optional[float] = ..., width: _Optional[float] = ..., height: _Optional[float] = ..., restrictions: _Optional[_Union[_map_pb2.WallRestrictions, _Mapping]] = ...) -> None: ...

class FloorPlan(_message.Message):
    __slots__ = ("size", "terrain", "grounds", "rooms", "walls", "lights", "objects")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    TERRAIN_FIELD_NUMBER: _ClassVar[int]
    GROUNDS_FIELD_NUMBER: _ClassVar[int]
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    WALLS_FIELD_NUMBER: _ClassVar[int]
    LIGHTS_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    size: FloorPlanSize
    terrain: _containers.RepeatedScalarFieldContainer[str]
    grounds: _containers.RepeatedCompositeFieldContainer[Ground]
    rooms: _containers.RepeatedCompositeFieldContainer[Room]
    walls: _containers.RepeatedCompositeFieldContainer[_map_pb2.Wall]
    lights: _containers.RepeatedCompositeFieldContainer[_map_pb2.Light]
    objects: _containers.RepeatedCompositeFieldContainer[PlanObject]
    def __init__(self, size: _Optional[_Union[FloorPlanSize, _Mapping]] = ..., terrain: _Optional[_Iterable[str]] = ..., grounds: _Optional[_Iterable[_Union[Ground, _Mapping]]] = ..., rooms: _Optional[_Iterable[_Union[Room, _Mapping]]] = ..., walls: _Optional[_Iterable[_Union[_map_pb2.Wall, _Mapping]]] = ..., lights: _Optional[_Iterable[_Union[_map_pb2.Light, _Mapping]]] = ..., objects: _Optional[_Iterable[_Union[PlanObject, _Mapping]]] = ...) -> None: ...

class FloorPlanParameters(_message.Message):
    __slots__ = ("kind", "size", "seed", "algorithm_version", "max_rooms")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_VERSION_FIELD_NUMBER: _ClassVar[int]
    MAX_ROOMS_FIELD_NUMBER: _ClassVar[int]
    kind: FloorPlanKind
    size: FloorPlanSize
    seed: int
    algorithm_version: int
    max_rooms: int
    def __init__(self, kind: _Optional[_Union[FloorPlanKind, str]] = ..., size: _Optional[_Union[FloorPlanSize, _Mapping]] = ..., seed: _Optional[int] = ..., algorithm_version: _Optional[int] = ..., max_rooms: _Optional[int] = ...) -> None: ...
