from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
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

class SceneFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCENE_FORMAT_UNSPECIFIED: _ClassVar[SceneFormat]
    SCENE_FORMAT_UNIVERSAL_VTT: _ClassVar[SceneFormat]
    SCENE_FORMAT_FOUNDRY: _ClassVar[SceneFormat]
    SCENE_FORMAT_MASK: _ClassVar[SceneFormat]
SCENE_FORMAT_UNSPECIFIED: SceneFormat
SCENE_FORMAT_UNIVERSAL_VTT: SceneFormat
SCENE_FORMAT_FOUNDRY: SceneFormat
SCENE_FORMAT_MASK: SceneFormat

class Walls(_message.Message):
    __slots__ = ("walls",)
    WALLS_FIELD_NUMBER: _ClassVar[int]
    walls: _containers.RepeatedCompositeFieldContainer[_map_pb2.Wall]
    def __init__(self, walls: _Optional[_Iterable[_Union[_map_pb2.Wall, _Mapping]]] = ...) -> None: ...

class Lights(_message.Message):
    __slots__ = ("lights",)
    LIGHTS_FIELD_NUMBER: _ClassVar[int]
    lights: _containers.RepeatedCompositeFieldContainer[_map_pb2.Light]
    def __init__(self, lights: _Optional[_Iterable[_Union[_map_pb2.Light, _Mapping]]] = ...) -> None: ...

class PointsOfInterest(_message.Message):
    __slots__ = ("points_of_interest",)
    POINTS_OF_INTEREST_FIELD_NUMBER: _ClassVar[int]
    points_of_interest: _containers.RepeatedCompositeFieldContainer[_map_pb2.PointOfInterest]
    def __init__(self, points_of_interest: _Optional[_Iterable[_Union[_map_pb2.PointOfInterest, _Mapping]]] = ...) -> None: ...

class DoorStateChange(_message.Message):
    __slots__ = ("door_id", "state")
    DOOR_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    door_id: str
    state: _map_pb2.DoorState
    def __init__(self, door_id: _Optional[str] = ..., state: _Optional[_Union[_map_pb2.DoorState, str]] = ...) -> None: ...

class MapChanges(_message.Message):
    __slots__ = ("grid", "walls", "remove_wall_ids", "put_walls", "door_states", "scale", "points_of_interest", "lights", "remove_light_ids", "put_lights", "remove_stairs_ids", "put_stairs")
    GRID_FIELD_NUMBER: _ClassVar[int]
    WALLS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_WALL_IDS_FIELD_NUMBER: _ClassVar[int]
    PUT_WALLS_FIELD_NUMBER: _ClassVar[int]
    DOOR_STATES_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    POINTS_OF_INTEREST_FIELD_NUMBER: _ClassVar[int]
    LIGHTS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_LIGHT_IDS_FIELD_NUMBER: _ClassVar[int]
    PUT_LIGHTS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_STAIRS_IDS_FIELD_NUMBER: _ClassVar[int]
    PUT_STAIRS_FIELD_NUMBER: _ClassVar[int]
    grid: _map_pb2.Grid
    walls: Walls
    remove_wall_ids: _containers.RepeatedScalarFieldContainer[str]
    put_walls: _containers.RepeatedCompositeFieldContainer[_map_pb2.Wall]
    door_states: _containers.RepeatedCompositeFieldContainer[DoorStateChange]
    scale: _map_pb2.Scale
    points_of_interest: PointsOfInterest
    lights: Lights
    remove_light_ids: _containers.RepeatedScalarFieldContainer[str]
    put_lights: _containers.RepeatedCompositeFieldContainer[_map_pb2.Light]
    remove_stairs_ids: _containers.RepeatedScalarFieldContainer[str]
    put_stairs: _containers.RepeatedCompositeFieldContainer[_map_pb2.Stairs]
    def __init__(self, grid: _Optional[_Union[_map_pb2.Grid, _Mapping]] = ..., walls: _Optional[_Union[Walls, _Mapping]] = ..., remove_wall_ids: _Optional[_Iterable[str]] = ..., put_walls: _Optional[_Iterable[_Union[_map_pb2.Wall, _Mapping]]] = ..., door_states: _Optional[_Iterable[_Union[DoorStateChange, _Mapping]]] = ..., scale: _Optional[_Union[_map_pb2.Scale, _Mapping]] = ..., points_of_interest: _Optional[_Union[PointsOfInterest, _Mapping]] = ..., lights: _Optional[_Union[Lights, _Mapping]] = ..., remove_light_ids: _Optional[_Iterable[str]] = ..., put_lights: _Optional[_Iterable[_Union[_map_pb2.Light, _Mapping]]] = ..., remove_stairs_ids: _Optional[_Iterable[str]] = ..., put_stairs: _Optional[_Iterable[_Union[_map_pb2.Stairs, _Mapping]]] = ...) -> None: ...

class UpdateMapRequest(_message.Message):
    __slots__ = ("map_id", "version", "changes", "request_id")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    version: int
    changes: MapChanges
    request_id: str
    def __init__(self, map_id: _Optional[str] = ..., version: _Optional[int] = ..., changes: _Optional[_Union[MapChanges, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateMapResponse(_message.Message):
    __slots__ = ("image",)
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    image: _image_pb2.Image
    def __init__(self, image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class SetDoorStateRequest(_message.Message):
    __slots__ = ("map_id", "door_id", "state", "version", "request_id")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    DOOR_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    door_id: str
    state: _map_pb2.DoorState
    version: int
    request_id: str
    def __init__(self, map_id: _Optional[str] = ..., door_id: _Optional[str] = ..., state: _Optional[_Union[_map_pb2.DoorState, str]] = ..., version: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class SetDoorStateResponse(_message.Message):
    __slots__ = ("image",)
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    image: _image_pb2.Image
    def __init__(self, image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class ConnectStairsRequest(_message.Message):
    __slots__ = ("map_id", "stairs_id", "other_map_id", "other_stairs_id", "request_id")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    STAIRS_ID_FIELD_NUMBER: _ClassVar[int]
    OTHER_MAP_ID_FIELD_NUMBER: _ClassVar[int]
    OTHER_STAIRS_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    stairs_id: str
    other_map_id: str
    other_stairs_id: str
    request_id: str
    def __init__(self, map_id: _Optional[str] = ..., stairs_id: _Optional[str] = ..., other_map_id: _Optional[str] = ..., other_stairs_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ConnectStairsResponse(_message.Message):
    __slots__ = ("image", "other_image")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    OTHER_IMAGE_FIELD_NUMBER: _ClassVar[int]
    image: _image_pb2.Image
    other_image: _image_pb2.Image
    def __init__(self, image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., other_image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class ComputeVisionRequest(_message.Message):
    __slots__ = ("map_id", "viewers", "ambient_light", "version")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    VIEWERS_FIELD_NUMBER: _ClassVar[int]
    AMBIENT_LIGHT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    viewers: _containers.RepeatedCompositeFieldContainer[_viewer_pb2.Viewer]
    ambient_light: _map_pb2.LightLevel
    version: int
    def __init__(self, map_id: _Optional[str] = ..., viewers: _Optional[_Iterable[_Union[_viewer_pb2.Viewer, _Mapping]]] = ..., ambient_light: _Optional[_Union[_map_pb2.LightLevel, str]] = ..., version: _Optional[int] = ...) -> None: ...

class Ring(_message.Message):
    __slots__ = ("points",)
    POINTS_FIELD_NUMBER: _ClassVar[int]
    points: _containers.RepeatedCompositeFieldContainer[_types_pb2.Location]
    def __init__(self, points: _Optional[_Iterable[_Union[_types_pb2.Location, _Mapping]]] = ...) -> None: ...

class AreaPolygon(_message.Message):
    __slots__ = ("outline", "holes")
    OUTLINE_FIELD_NUMBER: _ClassVar[int]
    HOLES_FIELD_NUMBER: _ClassVar[int]
    outline: Ring
    holes: _containers.RepeatedCompositeFieldContainer[Ring]
    def __init__(self, outline: _Optional[_Union[Ring, _Mapping]] = ..., holes: _Optional[_Iterable[_Union[Ring, _Mapping]]] = ...) -> None: ...

class SeenCell(_message.Message):
    __slots__ = ("column", "row", "light")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    LIGHT_FIELD_NUMBER: _ClassVar[int]
    column: int
    row: int
    light: _map_pb2.LightLevel
    def __init__(self, column: _Optional[int] = ..., row: _Optional[int] = ..., light: _Optional[_Union[_map_pb2.LightLevel, str]] = ...) -> None: ...

class Vision(_message.Message):
    __slots__ = ("area", "cells")
    AREA_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    area: _containers.RepeatedCompositeFieldContainer[AreaPolygon]
    cells: _containers.RepeatedCompositeFieldContainer[SeenCell]
    def __init__(self, area: _Optional[_Iterable[_Union[AreaPolygon, _Mapping]]] = ..., cells: _Optional[_Iterable[_Union[SeenCell, _Mapping]]] = ...) -> None: ...

class ViewerVision(_message.Message):
    __slots__ = ("viewer_id", "vision")
    VIEWER_ID_FIELD_NUMBER: _ClassVar[int]
    VISION_FIELD_NUMBER: _ClassVar[int]
    viewer_id: str
    vision: Vision
    def __init__(self, viewer_id: _Optional[str] = ..., vision: _Optional[_Union[Vision, _Mapping]] = ...) -> None: ...

class ComputeVisionResponse(_message.Message):
    __slots__ = ("viewers", "combined")
    VIEWERS_FIELD_NUMBER: _ClassVar[int]
    COMBINED_FIELD_NUMBER: _ClassVar[int]
    viewers: _containers.RepeatedCompositeFieldContainer[ViewerVision]
    combined: Vision
    def __init__(self, viewers: _Optional[_Iterable[_Union[ViewerVision, _Mapping]]] = ..., combined: _Optional[_Union[Vision, _Mapping]] = ...) -> None: ...

class ExportSceneRequest(_message.Message):
    __slots__ = ("map_id", "version", "format")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    version: int
    format: SceneFormat
    def __init__(self, map_id: _Optional[str] = ..., version: _Optional[int] = ..., format: _Optional[_Union[SceneFormat, str]] = ...) -> None: ...

class SceneLoss(_message.Message):
    __slots__ = ("description", "wall_ids", "light_ids")
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    WALL_IDS_FIELD_NUMBER: _ClassVar[int]
    LIGHT_IDS_FIELD_NUMBER: _ClassVar[int]
    description: str
    wall_ids: _containers.RepeatedScalarFieldContainer[str]
    light_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, description: _Optional[str] = ..., wall_ids: _Optional[_Iterable[str]] = ..., light_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class SceneFile(_message.Message):
    __slots__ = ("name", "media_type", "byte_size", "sha256", "losses")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    BYTE_SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    name: str
    media_type: str
    byte_size: int
    sha256: str
    losses: _containers.RepeatedCompositeFieldContainer[SceneLoss]
    def __init__(self, name: _Optional[str] = ..., media_type: _Optional[str] = ..., byte_size: _Optional[int] = ..., sha256: _Optional[str] = ..., losses: _Optional[_Iterable[_Union[SceneLoss, _Mapping]]] = ...) -> None: ...

class ExportSceneResponse(_message.Message):
    __slots__ = ("file", "data")
    FILE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    file: SceneFile
    data: bytes
    def __init__(self, file: _Optional[_Union[SceneFile, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...
