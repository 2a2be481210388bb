from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from tabletop.image.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GridKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRID_KIND_UNSPECIFIED: _ClassVar[GridKind]
    GRID_KIND_SQUARE: _ClassVar[GridKind]
    GRID_KIND_HEX_ROWS: _ClassVar[GridKind]
    GRID_KIND_HEX_COLUMNS: _ClassVar[GridKind]

class HexShift(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEX_SHIFT_UNSPECIFIED: _ClassVar[HexShift]
    HEX_SHIFT_ODD: _ClassVar[HexShift]
    HEX_SHIFT_EVEN: _ClassVar[HexShift]

class WallKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WALL_KIND_UNSPECIFIED: _ClassVar[WallKind]
    WALL_KIND_WALL: _ClassVar[WallKind]
    WALL_KIND_CLOSED_DOOR: _ClassVar[WallKind]
    WALL_KIND_OPEN_DOOR: _ClassVar[WallKind]
    WALL_KIND_WINDOW: _ClassVar[WallKind]
    WALL_KIND_LOW_WALL: _ClassVar[WallKind]

class WallRestriction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WALL_RESTRICTION_UNSPECIFIED: _ClassVar[WallRestriction]
    WALL_RESTRICTION_NONE: _ClassVar[WallRestriction]
    WALL_RESTRICTION_NORMAL: _ClassVar[WallRestriction]
    WALL_RESTRICTION_LIMITED: _ClassVar[WallRestriction]

class WallDirection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WALL_DIRECTION_UNSPECIFIED: _ClassVar[WallDirection]
    WALL_DIRECTION_BOTH: _ClassVar[WallDirection]
    WALL_DIRECTION_LEFT: _ClassVar[WallDirection]
    WALL_DIRECTION_RIGHT: _ClassVar[WallDirection]

class DoorKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DOOR_KIND_UNSPECIFIED: _ClassVar[DoorKind]
    DOOR_KIND_DOOR: _ClassVar[DoorKind]
    DOOR_KIND_DOUBLE: _ClassVar[DoorKind]
    DOOR_KIND_PORTCULLIS: _ClassVar[DoorKind]
    DOOR_KIND_SECRET: _ClassVar[DoorKind]
    DOOR_KIND_CURTAIN: _ClassVar[DoorKind]

class DoorState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DOOR_STATE_UNSPECIFIED: _ClassVar[DoorState]
    DOOR_STATE_OPEN: _ClassVar[DoorState]
    DOOR_STATE_CLOSED: _ClassVar[DoorState]
    DOOR_STATE_LOCKED: _ClassVar[DoorState]

class LightLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIGHT_LEVEL_UNSPECIFIED: _ClassVar[LightLevel]
    LIGHT_LEVEL_DARK: _ClassVar[LightLevel]
    LIGHT_LEVEL_DIM: _ClassVar[LightLevel]
    LIGHT_LEVEL_BRIGHT: _ClassVar[LightLevel]

class Passability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PASSABILITY_UNSPECIFIED: _ClassVar[Passability]
    PASSABILITY_OPEN: _ClassVar[Passability]
    PASSABILITY_DIFFICULT: _ClassVar[Passability]
    PASSABILITY_IMPASSABLE: _ClassVar[Passability]
    PASSABILITY_SOLID: _ClassVar[Passability]

class StairsDirection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STAIRS_DIRECTION_UNSPECIFIED: _ClassVar[StairsDirection]
    STAIRS_DIRECTION_UP: _ClassVar[StairsDirection]
    STAIRS_DIRECTION_DOWN: _ClassVar[StairsDirection]

class CoordinateUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COORDINATE_UNIT_UNSPECIFIED: _ClassVar[CoordinateUnit]
    COORDINATE_UNIT_PIXELS: _ClassVar[CoordinateUnit]
    COORDINATE_UNIT_CELLS: _ClassVar[CoordinateUnit]
GRID_KIND_UNSPECIFIED: GridKind
GRID_KIND_SQUARE: GridKind
GRID_KIND_HEX_ROWS: GridKind
GRID_KIND_HEX_COLUMNS: GridKind
HEX_SHIFT_UNSPECIFIED: HexShift
HEX_SHIFT_ODD: HexShift
HEX_SHIFT_EVEN: HexShift
WALL_KIND_UNSPECIFIED: WallKind
WALL_KIND_WALL: WallKind
WALL_KIND_CLOSED_DOOR: WallKind
WALL_KIND_OPEN_DOOR: WallKind
WALL_KIND_WINDOW: WallKind
WALL_KIND_LOW_WALL: WallKind
WALL_RESTRICTION_UNSPECIFIED: WallRestriction
WALL_RESTRICTION_NONE: WallRestriction
WALL_RESTRICTION_NORMAL: WallRestriction
WALL_RESTRICTION_LIMITED: WallRestriction
WALL_DIRECTION_UNSPECIFIED: WallDirection
WALL_DIRECTION_BOTH: WallDirection
WALL_DIRECTION_LEFT: WallDirection
WALL_DIRECTION_RIGHT: WallDirection
DOOR_KIND_UNSPECIFIED: DoorKind
DOOR_KIND_DOOR: DoorKind
DOOR_KIND_DOUBLE: DoorKind
DOOR_KIND_PORTCULLIS: DoorKind
DOOR_KIND_SECRET: DoorKind
DOOR_KIND_CURTAIN: DoorKind
DOOR_STATE_UNSPECIFIED: DoorState
DOOR_STATE_OPEN: DoorState
DOOR_STATE_CLOSED: DoorState
DOOR_STATE_LOCKED: DoorState
LIGHT_LEVEL_UNSPECIFIED: LightLevel
LIGHT_LEVEL_DARK: LightLevel
LIGHT_LEVEL_DIM: LightLevel
LIGHT_LEVEL_BRIGHT: LightLevel
PASSABILITY_UNSPECIFIED: Passability
PASSABILITY_OPEN: Passability
PASSABILITY_DIFFICULT: Passability
PASSABILITY_IMPASSABLE: Passability
PASSABILITY_SOLID: Passability
STAIRS_DIRECTION_UNSPECIFIED: StairsDirection
STAIRS_DIRECTION_UP: StairsDirection
STAIRS_DIRECTION_DOWN: StairsDirection
COORDINATE_UNIT_UNSPECIFIED: CoordinateUnit
COORDINATE_UNIT_PIXELS: CoordinateUnit
COORDINATE_UNIT_CELLS: CoordinateUnit

class GridOffset(_message.Message):
    __slots__ = ("x", "y")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ...) -> None: ...

class Grid(_message.Message):
    __slots__ = ("enabled", "size", "color", "kind", "offset", "hex_shift")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    HEX_SHIFT_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    size: float
    color: str
    kind: GridKind
    offset: GridOffset
    hex_shift: HexShift
    def __init__(self, enabled: _Optional[bool] = ..., size: _Optional[float] = ..., color: _Optional[str] = ..., kind: _Optional[_Union[GridKind, str]] = ..., offset: _Optional[_Union[GridOffset, _Mapping]] = ..., hex_shift: _Optional[_Union[HexShift, str]] = ...) -> None: ...

class Terrain(_message.Message):
    __slots__ = ("type", "properties")
    class PropertiesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    type: str
    properties: _containers.ScalarMap[str, str]
    def __init__(self, type: _Optional[str] = ..., properties: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Scale(_message.Message):
    __slots__ = ("unit", "value")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    unit: str
    value: float
    def __init__(self, unit: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class PointOfInterest(_message.Message):
    __slots__ = ("type", "location", "name", "icon")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ICON_FIELD_NUMBER: _ClassVar[int]
    type: str
    location: _types_pb2.Location
    name: str
    icon: str
    def __init__(self, type: _Optional[str] = ..., location: _Optional[_Union[_types_pb2.Location, _Mapping]] = ..., name: _Optional[str] = ..., icon: _Optional[str] = ...) -> None: ...

class WallRestrictions(_message.Message):
    __slots__ = ("move", "sight", "light", "sound")
    MOVE_FIELD_NUMBER: _ClassVar[int]
    SIGHT_FIELD_NUMBER: _ClassVar[int]
    LIGHT_FIELD_NUMBER: _ClassVar[int]
    SOUND_FIELD_NUMBER: _ClassVar[int]
    move: WallRestriction
    sight: WallRestriction
    light: WallRestriction
    sound: WallRestriction
    def __init__(self, move: _Optional[_Union[WallRestriction, str]] = ..., sight: _Optional[_Union[WallRestriction, str]] = ..., light: _Optional[_Union[WallRestriction, str]] = ..., sound: _Optional[_Union[WallRestriction, str]] = ...) -> None: ...

class Door(_message.Message):
    __slots__ = ("kind", "state")
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    kind: DoorKind
    state: DoorState
    def __init__(self, kind: _Optional[_Union[DoorKind, str]] = ..., state: _Optional[_Union[DoorState, str]] = ...) -> None: ...

class Wall(_message.Message):
    __slots__ = ("start", "end", "kind", "id", "restrictions", "direction", "door")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    RESTRICTIONS_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    DOOR_FIELD_NUMBER: _ClassVar[int]
    start: Position
    end: Position
    kind: WallKind
    id: str
    restrictions: WallRestrictions
    direction: WallDirection
    door: Door
    def __init__(self, start: _Optional[_Union[Position, _Mapping]] = ..., end: _Optional[_Union[Position, _Mapping]] = ..., kind: _Optional[_Union[WallKind, str]] = ..., id: _Optional[str] = ..., restrictions: _Optional[_Union[WallRestrictions, _Mapping]] = ..., direction: _Optional[_Union[WallDirection, str]] = ..., door: _Optional[_Union[Door, _Mapping]] = ...) -> None: ...

class Illumination(_message.Message):
    __slots__ = ("bright_feet", "dim_feet", "color", "angle_degrees", "direction_degrees")
    BRIGHT_FEET_FIELD_NUMBER: _ClassVar[int]
    DIM_FEET_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    ANGLE_DEGREES_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_DEGREES_FIELD_NUMBER: _ClassVar[int]
    bright_feet: float
    dim_feet: float
    color: str
    angle_degrees: float
    direction_degrees: float
    def __init__(self, bright_feet: _Optional[float] = ..., dim_feet: _Optional[float] = ..., color: _Optional[str] = ..., angle_degrees: _Optional[float] = ..., direction_degrees: _Optional[float] = ...) -> None: ...

class Light(_message.Message):
    __slots__ = ("id", "position", "illumination")
    ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ILLUMINATION_FIELD_NUMBER: _ClassVar[int]
    id: str
    position: Position
    illumination: Illumination
    def __init__(self, id: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., illumination: _Optional[_Union[Illumination, _Mapping]] = ...) -> None: ...

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
    restrictions: WallRestrictions
    def __init__(self, id: _Optional[str] = ..., type: _Optional[str] = ..., x: _Optional[float] = ..., y: _Optional[float] = ..., width: _Optional[float] = ..., height: _Optional[float] = ..., restrictions: _Optional[_Union[WallRestrictions, _Mapping]] = ...) -> None: ...

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
    walls: _containers.RepeatedCompositeFieldContainer[Wall]
    lights: _containers.RepeatedCompositeFieldContainer[Light]
    objects: _containers.RepeatedCompositeFieldContainer[PlanObject]
    def __init__(self, size: _Optional[_Union[FloorPlanSize, _Mapping]] = ..., terrain: _Optional[_Iterable[str]] = ..., grounds: _Optional[_Iterable[_Union[Ground, _Mapping]]] = ..., rooms: _Optional[_Iterable[_Union[Room, _Mapping]]] = ..., walls: _Optional[_Iterable[_Union[Wall, _Mapping]]] = ..., lights: _Optional[_Iterable[_Union[Light, _Mapping]]] = ..., objects: _Optional[_Iterable[_Union[PlanObject, _Mapping]]] = ...) -> None: ...

class WeakEdge(_message.Message):
    __slots__ = ("wall_id", "start", "end")
    WALL_ID_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    wall_id: str
    start: _types_pb2.Location
    end: _types_pb2.Location
    def __init__(self, wall_id: _Optional[str] = ..., start: _Optional[_Union[_types_pb2.Location, _Mapping]] = ..., end: _Optional[_Union[_types_pb2.Location, _Mapping]] = ...) -> None: ...

class Fidelity(_message.Message):
    __slots__ = ("score", "offset_x", "offset_y", "scale", "weak_edges", "tries")
    SCORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_X_FIELD_NUMBER: _ClassVar[int]
    OFFSET_Y_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    WEAK_EDGES_FIELD_NUMBER: _ClassVar[int]
    TRIES_FIELD_NUMBER: _ClassVar[int]
    score: float
    offset_x: float
    offset_y: float
    scale: float
    weak_edges: _containers.RepeatedCompositeFieldContainer[WeakEdge]
    tries: int
    def __init__(self, score: _Optional[float] = ..., offset_x: _Optional[float] = ..., offset_y: _Optional[float] = ..., scale: _Optional[float] = ..., weak_edges: _Optional[_Iterable[_Union[WeakEdge, _Mapping]]] = ..., tries: _Optional[int] = ...) -> None: ...

class Stairs(_message.Message):
    __slots__ = ("id", "position", "direction", "map_id", "stairs_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    STAIRS_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    position: Position
    direction: StairsDirection
    map_id: str
    stairs_id: str
    def __init__(self, id: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., direction: _Optional[_Union[StairsDirection, str]] = ..., map_id: _Optional[str] = ..., stairs_id: _Optional[str] = ...) -> None: ...

class MapProperties(_message.Message):
    __slots__ = ("grid", "walls", "scale", "points_of_interest", "lights", "floor_plan", "fidelity", "stairs")
    GRID_FIELD_NUMBER: _ClassVar[int]
    WALLS_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    POINTS_OF_INTEREST_FIELD_NUMBER: _ClassVar[int]
    LIGHTS_FIELD_NUMBER: _ClassVar[int]
    FLOOR_PLAN_FIELD_NUMBER: _ClassVar[int]
    FIDELITY_FIELD_NUMBER: _ClassVar[int]
    STAIRS_FIELD_NUMBER: _ClassVar[int]
    grid: Grid
    walls: _containers.RepeatedCompositeFieldContainer[Wall]
    scale: Scale
    points_of_interest: _containers.RepeatedCompositeFieldContainer[PointOfInterest]
    lights: _containers.RepeatedCompositeFieldContainer[Light]
    floor_plan: FloorPlan
    fidelity: Fidelity
    stairs: _containers.RepeatedCompositeFieldContainer[Stairs]
    def __init__(self, grid: _Optional[_Union[Grid, _Mapping]] = ..., walls: _Optional[_Iterable[_Union[Wall, _Mapping]]] = ..., scale: _Optional[_Union[Scale, _Mapping]] = ..., points_of_interest: _Optional[_Iterable[_Union[PointOfInterest, _Mapping]]] = ..., lights: _Optional[_Iterable[_Union[Light, _Mapping]]] = ..., floor_plan: _Optional[_Union[FloorPlan, _Mapping]] = ..., fidelity: _Optional[_Union[Fidelity, _Mapping]] = ..., stairs: _Optional[_Iterable[_Union[Stairs, _Mapping]]] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("x", "y", "unit")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    unit: CoordinateUnit
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., unit: _Optional[_Union[CoordinateUnit, str]] = ...) -> None: ...

class Cell(_message.Message):
    __slots__ = ("column", "row")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    column: int
    row: int
    def __init__(self, column: _Optional[int] = ..., row: _Optional[int] = ...) -> None: ...
