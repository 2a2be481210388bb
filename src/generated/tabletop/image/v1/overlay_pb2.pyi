import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabletop.image.v1 import map_pb2 as _map_pb2
from tabletop.image.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Visibility(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VISIBILITY_UNSPECIFIED: _ClassVar[Visibility]
    VISIBILITY_EVERYONE: _ClassVar[Visibility]
    VISIBILITY_GAME_MASTER: _ClassVar[Visibility]

class CreatureSize(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CREATURE_SIZE_UNSPECIFIED: _ClassVar[CreatureSize]
    CREATURE_SIZE_TINY: _ClassVar[CreatureSize]
    CREATURE_SIZE_SMALL: _ClassVar[CreatureSize]
    CREATURE_SIZE_MEDIUM: _ClassVar[CreatureSize]
    CREATURE_SIZE_LARGE: _ClassVar[CreatureSize]
    CREATURE_SIZE_HUGE: _ClassVar[CreatureSize]
    CREATURE_SIZE_GARGANTUAN: _ClassVar[CreatureSize]

class TokenKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKEN_KIND_UNSPECIFIED: _ClassVar[TokenKind]
    TOKEN_KIND_CHARACTER: _ClassVar[TokenKind]
    TOKEN_KIND_MONSTER: _ClassVar[TokenKind]

class TokenRing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKEN_RING_UNSPECIFIED: _ClassVar[TokenRing]
    TOKEN_RING_COLOR: _ClassVar[TokenRing]
    TOKEN_RING_NONE: _ClassVar[TokenRing]

class RangeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RANGE_KIND_UNSPECIFIED: _ClassVar[RangeKind]
    RANGE_KIND_SPELL: _ClassVar[RangeKind]
    RANGE_KIND_MOVEMENT: _ClassVar[RangeKind]

class DiagonalRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIAGONAL_RULE_UNSPECIFIED: _ClassVar[DiagonalRule]
    DIAGONAL_RULE_FIVE_FIVE_FIVE: _ClassVar[DiagonalRule]
    DIAGONAL_RULE_FIVE_TEN_FIVE: _ClassVar[DiagonalRule]
    DIAGONAL_RULE_EUCLIDEAN: _ClassVar[DiagonalRule]

class AreaShape(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AREA_SHAPE_UNSPECIFIED: _ClassVar[AreaShape]
    AREA_SHAPE_SPHERE: _ClassVar[AreaShape]
    AREA_SHAPE_CYLINDER: _ClassVar[AreaShape]
    AREA_SHAPE_CONE: _ClassVar[AreaShape]
    AREA_SHAPE_CUBE: _ClassVar[AreaShape]
    AREA_SHAPE_LINE: _ClassVar[AreaShape]
    AREA_SHAPE_EMANATION: _ClassVar[AreaShape]

class CellInclusion(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CELL_INCLUSION_UNSPECIFIED: _ClassVar[CellInclusion]
    CELL_INCLUSION_CENTER: _ClassVar[CellInclusion]
    CELL_INCLUSION_ANY_TOUCH: _ClassVar[CellInclusion]
    CELL_INCLUSION_HALF_COVERED: _ClassVar[CellInclusion]

class LineStyle(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINE_STYLE_UNSPECIFIED: _ClassVar[LineStyle]
    LINE_STYLE_SOLID: _ClassVar[LineStyle]
    LINE_STYLE_DASHED: _ClassVar[LineStyle]
    LINE_STYLE_DOTTED: _ClassVar[LineStyle]

class TerritoryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TERRITORY_KIND_UNSPECIFIED: _ClassVar[TerritoryKind]
    TERRITORY_KIND_CONTROL: _ClassVar[TerritoryKind]
    TERRITORY_KIND_POLITICAL_BORDER: _ClassVar[TerritoryKind]
VISIBILITY_UNSPECIFIED: Visibility
VISIBILITY_EVERYONE: Visibility
VISIBILITY_GAME_MASTER: Visibility
CREATURE_SIZE_UNSPECIFIED: CreatureSize
CREATURE_SIZE_TINY: CreatureSize
CREATURE_SIZE_SMALL: CreatureSize
CREATURE_SIZE_MEDIUM: CreatureSize
CREATURE_SIZE_LARGE: CreatureSize
CREATURE_SIZE_HUGE: CreatureSize
CREATURE_SIZE_GARGANTUAN: CreatureSize
TOKEN_KIND_UNSPECIFIED: TokenKind
TOKEN_KIND_CHARACTER: TokenKind
TOKEN_KIND_MONSTER: TokenKind
TOKEN_RING_UNSPECIFIED: TokenRing
TOKEN_RING_COLOR: TokenRing
TOKEN_RING_NONE: TokenRing
RANGE_KIND_UNSPECIFIED: RangeKind
RANGE_KIND_SPELL: RangeKind
RANGE_KIND_MOVEMENT: RangeKind
DIAGONAL_RULE_UNSPECIFIED: DiagonalRule
DIAGONAL_RULE_FIVE_FIVE_FIVE: DiagonalRule
DIAGONAL_RULE_FIVE_TEN_FIVE: DiagonalRule
DIAGONAL_RULE_EUCLIDEAN: DiagonalRule
AREA_SHAPE_UNSPECIFIED: AreaShape
AREA_SHAPE_SPHERE: AreaShape
AREA_SHAPE_CYLINDER: AreaShape
AREA_SHAPE_CONE: AreaShape
AREA_SHAPE_CUBE: AreaShape
AREA_SHAPE_LINE: AreaShape
AREA_SHAPE_EMANATION: AreaShape
CELL_INCLUSION_UNSPECIFIED: CellInclusion
CELL_INCLUSION_CENTER: CellInclusion
CELL_INCLUSION_ANY_TOUCH: CellInclusion
CELL_INCLUSION_HALF_COVERED: CellInclusion
LINE_STYLE_UNSPECIFIED: LineStyle
LINE_STYLE_SOLID: LineStyle
LINE_STYLE_DASHED: LineStyle
LINE_STYLE_DOTTED: LineStyle
TERRITORY_KIND_UNSPECIFIED: TerritoryKind
TERRITORY_KIND_CONTROL: TerritoryKind
TERRITORY_KIND_POLITICAL_BORDER: TerritoryKind

class Overlay(_message.Message):
    __slots__ = ("id", "map_id", "name", "visible", "z_index", "tactical", "campaign", "version", "create_time", "update_time", "visibility")
    ID_FIELD_NUMBER: _ClassVar[int]
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_FIELD_NUMBER: _ClassVar[int]
    Z_INDEX_FIELD_NUMBER: _ClassVar[int]
    TACTICAL_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    VISIBILITY_FIELD_NUMBER: _ClassVar[int]
    id: str
    map_id: str
    name: str
    visible: bool
    z_index: int
    tactical: TacticalOverlay
    campaign: CampaignOverlay
    version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    visibility: Visibility
    def __init__(self, id: _Optional[str] = ..., map_id: _Optional[str] = ..., name: _Optional[str] = ..., visible: _Optional[bool] = ..., z_index: _Optional[int] = ..., tactical: _Optional[_Union[TacticalOverlay, _Mapping]] = ..., campaign: _Optional[_Union[CampaignOverlay, _Mapping]] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., visibility: _Optional[_Union[Visibility, str]] = ...) -> None: ...

class TacticalOverlay(_message.Message):
    __slots__ = ("elements", "coverage", "coverage_incomplete")
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_INCOMPLETE_FIELD_NUMBER: _ClassVar[int]
    elements: _containers.RepeatedCompositeFieldContainer[TacticalElement]
    coverage: _containers.RepeatedCompositeFieldContainer[ElementCoverage]
    coverage_incomplete: bool
    def __init__(self, elements: _Optional[_Iterable[_Union[TacticalElement, _Mapping]]] = ..., coverage: _Optional[_Iterable[_Union[ElementCoverage, _Mapping]]] = ..., coverage_incomplete: _Optional[bool] = ...) -> None: ...

class ElementCoverage(_message.Message):
    __slots__ = ("element_id", "cells")
    ELEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    element_id: str
    cells: _containers.RepeatedCompositeFieldContainer[_map_pb2.Cell]
    def __init__(self, element_id: _Optional[str] = ..., cells: _Optional[_Iterable[_Union[_map_pb2.Cell, _Mapping]]] = ...) -> None: ...

class CampaignOverlay(_message.Message):
    __slots__ = ("elements",)
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    elements: _containers.RepeatedCompositeFieldContainer[CampaignElement]
    def __init__(self, elements: _Optional[_Iterable[_Union[CampaignElement, _Mapping]]] = ...) -> None: ...

class TacticalElement(_message.Message):
    __slots__ = ("id", "position", "properties", "token", "range", "effect", "line_of_sight", "visibility")
    ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    LINE_OF_SIGHT_FIELD_NUMBER: _ClassVar[int]
    VISIBILITY_FIELD_NUMBER: _ClassVar[int]
    id: str
    position: _map_pb2.Position
    properties: TacticalElementProperties
    token: Token
    range: Range
    effect: AreaOfEffect
    line_of_sight: LineOfSight
    visibility: Visibility
    def __init__(self, id: _Optional[str] = ..., position: _Optional[_Union[_map_pb2.Position, _Mapping]] = ..., properties: _Optional[_Union[TacticalElementProperties, _Mapping]] = ..., token: _Optional[_Union[Token, _Mapping]] = ..., range: _Optional[_Union[Range, _Mapping]] = ..., effect: _Optional[_Union[AreaOfEffect, _Mapping]] = ..., line_of_sight: _Optional[_Union[LineOfSight, _Mapping]] = ..., visibility: _Optional[_Union[Visibility, str]] = ...) -> None: ...

class TacticalElementProperties(_message.Message):
    __slots__ = ("color", "opacity", "radius", "label")
    COLOR_FIELD_NUMBER: _ClassVar[int]
    OPACITY_FIELD_NUMBER: _ClassVar[int]
    RADIUS_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    color: str
    opacity: float
    radius: float
    label: str
    def __init__(self, color: _Optional[str] = ..., opacity: _Optional[float] = ..., radius: _Optional[float] = ..., label: _Optional[str] = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ("kind", "size", "image_id", "focus", "ring", "facing_degrees", "conditions", "health")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    FOCUS_FIELD_NUMBER: _ClassVar[int]
    RING_FIELD_NUMBER: _ClassVar[int]
    FACING_DEGREES_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    kind: TokenKind
    size: CreatureSize
    image_id: str
    focus: FocusPoint
    ring: TokenRing
    facing_degrees: float
    conditions: _containers.RepeatedScalarFieldContainer[str]
    health: Health
    def __init__(self, kind: _Optional[_Union[TokenKind, str]] = ..., size: _Optional[_Union[CreatureSize, str]] = ..., image_id: _Optional[str] = ..., focus: _Optional[_Union[FocusPoint, _Mapping]] = ..., ring: _Optional[_Union[TokenRing, str]] = ..., facing_degrees: _Optional[float] = ..., conditions: _Optional[_Iterable[str]] = ..., health: _Optional[_Union[Health, _Mapping]] = ...) -> None: ...

class FocusPoint(_message.Message):
    __slots__ = ("x", "y")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ...) -> None: ...

class Health(_message.Message):
    __slots__ = ("current", "maximum")
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    current: float
    maximum: float
    def __init__(self, current: _Optional[float] = ..., maximum: _Optional[float] = ...) -> None: ...

class Obstacle(_message.Message):
    __slots__ = ("position", "size", "passable")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PASSABLE_FIELD_NUMBER: _ClassVar[int]
    position: _map_pb2.Position
    size: CreatureSize
    passable: bool
    def __init__(self, position: _Optional[_Union[_map_pb2.Position, _Mapping]] = ..., size: _Optional[_Union[CreatureSize, str]] = ..., passable: _Optional[bool] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("kind", "distance_feet", "difficult_terrain", "walls", "creature_size", "diagonals", "obstacles")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FEET_FIELD_NUMBER: _ClassVar[int]
    DIFFICULT_TERRAIN_FIELD_NUMBER: _ClassVar[int]
    WALLS_FIELD_NUMBER: _ClassVar[int]
    CREATURE_SIZE_FIELD_NUMBER: _ClassVar[int]
    DIAGONALS_FIELD_NUMBER: _ClassVar[int]
    OBSTACLES_FIELD_NUMBER: _ClassVar[int]
    kind: RangeKind
    distance_feet: float
    difficult_terrain: _containers.RepeatedCompositeFieldContainer[_map_pb2.Cell]
    walls: _containers.RepeatedCompositeFieldContainer[_map_pb2.Wall]
    creature_size: CreatureSize
    diagonals: DiagonalRule
    obstacles: _containers.RepeatedCompositeFieldContainer[Obstacle]
    def __init__(self, kind: _Optional[_Union[RangeKind, str]] = ..., distance_feet: _Optional[float] = ..., difficult_terrain: _Optional[_Iterable[_Union[_map_pb2.Cell, _Mapping]]] = ..., walls: _Optional[_Iterable[_Union[_map_pb2.Wall, _Mapping]]] = ..., creature_size: _Optional[_Union[CreatureSize, str]] = ..., diagonals: _Optional[_Union[DiagonalRule, str]] = ..., obstacles: _Optional[_Iterable[_Union[Obstacle, _Mapping]]] = ...) -> None: ...

class AreaOfEffect(_message.Message):
    __slots__ = ("shape", "size_feet", "width_feet", "direction_degrees", "inclusion", "origin_size", "origin_included")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FEET_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FEET_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_DEGREES_FIELD_NUMBER: _ClassVar[int]
    INCLUSION_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_SIZE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_INCLUDED_FIELD_NUMBER: _ClassVar[int]
    shape: AreaShape
    size_feet: float
    width_feet: float
    direction_degrees: float
    inclusion: CellInclusion
    origin_size: CreatureSize
    origin_included: bool
    def __init__(self, shape: _Optional[_Union[AreaShape, str]] = ..., size_feet: _Optional[float] = ..., width_feet: _Optional[float] = ..., direction_degrees: _Optional[float] = ..., inclusion: _Optional[_Union[CellInclusion, str]] = ..., origin_size: _Optional[_Union[CreatureSize, str]] = ..., origin_included: _Optional[bool] = ...) -> None: ...

class LineOfSight(_message.Message):
    __slots__ = ("range_feet", "walls")
    RANGE_FEET_FIELD_NUMBER: _ClassVar[int]
    WALLS_FIELD_NUMBER: _ClassVar[int]
    range_feet: float
    walls: _containers.RepeatedCompositeFieldContainer[_map_pb2.Wall]
    def __init__(self, range_feet: _Optional[float] = ..., walls: _Optional[_Iterable[_Union[_map_pb2.Wall, _Mapping]]] = ...) -> None: ...

class CampaignElement(_message.Message):
    __slots__ = ("id", "coordinates", "properties", "party", "territory", "route", "place", "resource", "visibility")
    ID_FIELD_NUMBER: _ClassVar[int]
    COORDINATES_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    TERRITORY_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    VISIBILITY_FIELD_NUMBER: _ClassVar[int]
    id: str
    coordinates: _types_pb2.Location
    properties: CampaignElementProperties
    party: Party
    territory: Territory
    route: Route
    place: PlaceMarker
    resource: ResourceMarker
    visibility: Visibility
    def __init__(self, id: _Optional[str] = ..., coordinates: _Optional[_Union[_types_pb2.Location, _Mapping]] = ..., properties: _Optional[_Union[CampaignElementProperties, _Mapping]] = ..., party: _Optional[_Union[Party, _Mapping]] = ..., territory: _Optional[_Union[Territory, _Mapping]] = ..., route: _Optional[_Union[Route, _Mapping]] = ..., place: _Optional[_Union[PlaceMarker, _Mapping]] = ..., resource: _Optional[_Union[ResourceMarker, _Mapping]] = ..., visibility: _Optional[_Union[Visibility, str]] = ...) -> None: ...

class CampaignElementProperties(_message.Message):
    __slots__ = ("color", "style", "label")
    COLOR_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    color: str
    style: LineStyle
    label: str
    def __init__(self, color: _Optional[str] = ..., style: _Optional[_Union[LineStyle, str]] = ..., label: _Optional[str] = ...) -> None: ...

class Party(_message.Message):
    __slots__ = ("members",)
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    members: int
    def __init__(self, members: _Optional[int] = ...) -> None: ...

class Territory(_message.Message):
    __slots__ = ("kind", "boundary")
    KIND_FIELD_NUMBER: _ClassVar[int]
    BOUNDARY_FIELD_NUMBER: _ClassVar[int]
    kind: TerritoryKind
    boundary: _containers.RepeatedCompositeFieldContainer[_types_pb2.Location]
    def __init__(self, kind: _Optional[_Union[TerritoryKind, str]] = ..., boundary: _Optional[_Iterable[_Union[_types_pb2.Location, _Mapping]]] = ...) -> None: ...

class Route(_message.Message):
    __slots__ = ("waypoints",)
    WAYPOINTS_FIELD_NUMBER: _ClassVar[int]
    waypoints: _containers.RepeatedCompositeFieldContainer[_types_pb2.Location]
    def __init__(self, waypoints: _Optional[_Iterable[_Union[_types_pb2.Location, _Mapping]]] = ...) -> None: ...

class PlaceMarker(_message.Message):
    __slots__ = ("type", "icon")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ICON_FIELD_NUMBER: _ClassVar[int]
    type: str
    icon: str
    def __init__(self, type: _Optional[str] = ..., icon: _Optional[str] = ...) -> None: ...

class ResourceMarker(_message.Message):
    __slots__ = ("type",)
    TYPE_FIELD_NUMBER: _ClassVar[int]
    type: str
    def __init__(self, type: _Optional[str] = ...) -> None: ...
