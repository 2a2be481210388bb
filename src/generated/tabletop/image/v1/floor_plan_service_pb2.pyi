from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from tabletop.image.v1 import access_pb2 as _access_pb2
from tabletop.image.v1 import floor_plan_parameters_pb2 as _floor_plan_parameters_pb2
from tabletop.image.v1 import map_pb2 as _map_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FloorPlanFindingKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLOOR_PLAN_FINDING_KIND_UNSPECIFIED: _ClassVar[FloorPlanFindingKind]
    FLOOR_PLAN_FINDING_KIND_SEALED: _ClassVar[FloorPlanFindingKind]
    FLOOR_PLAN_FINDING_KIND_DOOR_TO_NOWHERE: _ClassVar[FloorPlanFindingKind]
    FLOOR_PLAN_FINDING_KIND_GAP: _ClassVar[FloorPlanFindingKind]

class FloorPlanContent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLOOR_PLAN_CONTENT_UNSPECIFIED: _ClassVar[FloorPlanContent]
    FLOOR_PLAN_CONTENT_LAYOUT: _ClassVar[FloorPlanContent]
    FLOOR_PLAN_CONTENT_MASK: _ClassVar[FloorPlanContent]

class DrawingFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DRAWING_FORMAT_UNSPECIFIED: _ClassVar[DrawingFormat]
    DRAWING_FORMAT_PNG: _ClassVar[DrawingFormat]
    DRAWING_FORMAT_SVG: _ClassVar[DrawingFormat]

class FloorPlanFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLOOR_PLAN_FORMAT_UNSPECIFIED: _ClassVar[FloorPlanFormat]
    FLOOR_PLAN_FORMAT_UNIVERSAL_VTT: _ClassVar[FloorPlanFormat]
    FLOOR_PLAN_FORMAT_ONE_PAGE_DUNGEON: _ClassVar[FloorPlanFormat]
    FLOOR_PLAN_FORMAT_FOUNDRY: _ClassVar[FloorPlanFormat]
    FLOOR_PLAN_FORMAT_DONJON: _ClassVar[FloorPlanFormat]
FLOOR_PLAN_FINDING_KIND_UNSPECIFIED: FloorPlanFindingKind
FLOOR_PLAN_FINDING_KIND_SEALED: FloorPlanFindingKind
FLOOR_PLAN_FINDING_KIND_DOOR_TO_NOWHERE: FloorPlanFindingKind
FLOOR_PLAN_FINDING_KIND_GAP: FloorPlanFindingKind
FLOOR_PLAN_CONTENT_UNSPECIFIED: FloorPlanContent
FLOOR_PLAN_CONTENT_LAYOUT: FloorPlanContent
FLOOR_PLAN_CONTENT_MASK: FloorPlanContent
DRAWING_FORMAT_UNSPECIFIED: DrawingFormat
DRAWING_FORMAT_PNG: DrawingFormat
DRAWING_FORMAT_SVG: DrawingFormat
FLOOR_PLAN_FORMAT_UNSPECIFIED: FloorPlanFormat
FLOOR_PLAN_FORMAT_UNIVERSAL_VTT: FloorPlanFormat
FLOOR_PLAN_FORMAT_ONE_PAGE_DUNGEON: FloorPlanFormat
FLOOR_PLAN_FORMAT_FOUNDRY: FloorPlanFormat
FLOOR_PLAN_FORMAT_DONJON: FloorPlanFormat

class GenerateFloorPlanRequest(_message.Message):
    __slots__ = ("parameters",)
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    parameters: _floor_plan_parameters_pb2.FloorPlanParameters
    def __init__(self, parameters: _Optional[_Union[_floor_plan_parameters_pb2.FloorPlanParameters, _Mapping]] = ...) -> None: ...

class GenerateFloorPlanResponse(_message.Message):
    __slots__ = ("floor_plan", "parameters")
    FLOOR_PLAN_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    floor_plan: _map_pb2.FloorPlan
    parameters: _floor_plan_parameters_pb2.FloorPlanParameters
    def __init__(self, floor_plan: _Optional[_Union[_map_pb2.FloorPlan, _Mapping]] = ..., parameters: _Optional[_Union[_floor_plan_parameters_pb2.FloorPlanParameters, _Mapping]] = ...) -> None: ...

class CheckFloorPlanRequest(_message.Message):
    __slots__ = ("floor_plan",)
    FLOOR_PLAN_FIELD_NUMBER: _ClassVar[int]
    floor_plan: _map_pb2.FloorPlan
    def __init__(self, floor_plan: _Optional[_Union[_map_pb2.FloorPlan, _Mapping]] = ...) -> None: ...

class FloorPlanFinding(_message.Message):
    __slots__ = ("kind", "description", "cells", "room_ids", "wall_ids")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    ROOM_IDS_FIELD_NUMBER: _ClassVar[int]
    WALL_IDS_FIELD_NUMBER: _ClassVar[int]
    kind: FloorPlanFindingKind
    description: str
    cells: _containers.RepeatedCompositeFieldContainer[_map_pb2.Cell]
    room_ids: _containers.RepeatedScalarFieldContainer[str]
    wall_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kind: _Optional[_Union[FloorPlanFindingKind, str]] = ..., description: _Optional[str] = ..., cells: _Optional[_Iterable[_Union[_map_pb2.Cell, _Mapping]]] = ..., room_ids: _Optional[_Iterable[str]] = ..., wall_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckFloorPlanResponse(_message.Message):
    __slots__ = ("findings",)
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    findings: _containers.RepeatedCompositeFieldContainer[FloorPlanFinding]
    def __init__(self, findings: _Optional[_Iterable[_Union[FloorPlanFinding, _Mapping]]] = ...) -> None: ...

class RenderFloorPlanRequest(_message.Message):
    __slots__ = ("floor_plan", "content", "format", "cell_size", "grid")
    FLOOR_PLAN_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    CELL_SIZE_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    floor_plan: _map_pb2.FloorPlan
    content: FloorPlanContent
    format: DrawingFormat
    cell_size: int
    grid: bool
    def __init__(self, floor_plan: _Optional[_Union[_map_pb2.FloorPlan, _Mapping]] = ..., content: _Optional[_Union[FloorPlanContent, str]] = ..., format: _Optional[_Union[DrawingFormat, str]] = ..., cell_size: _Optional[int] = ..., grid: _Optional[bool] = ...) -> None: ...

class RenderFloorPlanResponse(_message.Message):
    __slots__ = ("data", "media_type", "width", "height", "cell_size")
    DATA_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CELL_SIZE_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    media_type: str
    width: int
    height: int
    cell_size: int
    def __init__(self, data: _Optional[bytes] = ..., media_type: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., cell_size: _Optional[int] = ...) -> None: ...

class ImportFloorPlanRequest(_message.Message):
    __slots__ = ("format", "data")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    format: FloorPlanFormat
    data: bytes
    def __init__(self, format: _Optional[_Union[FloorPlanFormat, str]] = ..., data: _Optional[bytes] = ...) -> None: ...

class ImportedPicture(_message.Message):
    __slots__ = ("media_type", "byte_size", "width", "height", "grid")
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    BYTE_SIZE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    media_type: str
    byte_size: int
    width: int
    height: int
    grid: _map_pb2.Grid
    def __init__(self, media_type: _Optional[str] = ..., byte_size: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., grid: _Optional[_Union[_map_pb2.Grid, _Mapping]] = ...) -> None: ...

class ImportedFloorPlan(_message.Message):
    __slots__ = ("floor_plan", "format", "warnings", "picture")
    FLOOR_PLAN_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    floor_plan: _map_pb2.FloorPlan
    format: FloorPlanFormat
    warnings: _containers.RepeatedScalarFieldContainer[str]
    picture: ImportedPicture
    def __init__(self, floor_plan: _Optional[_Union[_map_pb2.FloorPlan, _Mapping]] = ..., format: _Optional[_Union[FloorPlanFormat, str]] = ..., warnings: _Optional[_Iterable[str]] = ..., picture: _Optional[_Union[ImportedPicture, _Mapping]] = ...) -> None: ...

class ImportFloorPlanResponse(_message.Message):
    __slots__ = ("plan", "data")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    plan: ImportedFloorPlan
    data: bytes
    def __init__(self, plan: _Optional[_Union[ImportedFloorPlan, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...
