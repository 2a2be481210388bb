import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from tabletop.image.v1 import floor_plan_parameters_pb2 as _floor_plan_parameters_pb2
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

class CharacterKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHARACTER_KIND_UNSPECIFIED: _ClassVar[CharacterKind]
    CHARACTER_KIND_PLAYER_CHARACTER: _ClassVar[CharacterKind]
    CHARACTER_KIND_NPC: _ClassVar[CharacterKind]
    CHARACTER_KIND_MONSTER: _ClassVar[CharacterKind]

class ItemType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ITEM_TYPE_UNSPECIFIED: _ClassVar[ItemType]
    ITEM_TYPE_WEAPON: _ClassVar[ItemType]
    ITEM_TYPE_ARMOR: _ClassVar[ItemType]
    ITEM_TYPE_OTHER: _ClassVar[ItemType]
CHARACTER_KIND_UNSPECIFIED: CharacterKind
CHARACTER_KIND_PLAYER_CHARACTER: CharacterKind
CHARACTER_KIND_NPC: CharacterKind
CHARACTER_KIND_MONSTER: CharacterKind
ITEM_TYPE_UNSPECIFIED: ItemType
ITEM_TYPE_WEAPON: ItemType
ITEM_TYPE_ARMOR: ItemType
ITEM_TYPE_OTHER: ItemType

class MapLayout(_message.Message):
    __slots__ = ("floor_plan", "floor_plan_parameters")
    FLOOR_PLAN_FIELD_NUMBER: _ClassVar[int]
    FLOOR_PLAN_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    floor_plan: _map_pb2.FloorPlan
    floor_plan_parameters: _floor_plan_parameters_pb2.FloorPlanParameters
    def __init__(self, floor_plan: _Optional[_Union[_map_pb2.FloorPlan, _Mapping]] = ..., floor_plan_parameters: _Optional[_Union[_floor_plan_parameters_pb2.FloorPlanParameters, _Mapping]] = ...) -> None: ...

class Adherence(_message.Message):
    __slots__ = ("min_score", "max_tries")
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    MAX_TRIES_FIELD_NUMBER: _ClassVar[int]
    min_score: float
    max_tries: int
    def __init__(self, min_score: _Optional[float] = ..., max_tries: _Optional[int] = ...) -> None: ...

class GenerateTacticalMapRequest(_message.Message):
    __slots__ = ("theme", "size", "details", "source", "request_id", "wait_for", "priority", "cache", "validate_only", "format", "model", "reference_image_ids", "variant", "grid", "features", "terrain", "walls", "lights", "layout", "adherence")
    THEME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_IMAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    TERRAIN_FIELD_NUMBER: _ClassVar[int]
    WALLS_FIELD_NUMBER: _ClassVar[int]
    LIGHTS_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    ADHERENCE_FIELD_NUMBER: _ClassVar[int]
    theme: str
    size: _types_pb2.Size
    details: str
    source: _types_pb2.Source
    request_id: str
    wait_for: _duration_pb2.Duration
    priority: _types_pb2.Priority
    cache: _types_pb2.CacheMode
    validate_only: bool
    format: _types_pb2.ImageFormat
    model: str
    reference_image_ids: _containers.RepeatedScalarFieldContainer[str]
    variant: int
    grid: _map_pb2.Grid
    features: _containers.RepeatedScalarFieldContainer[str]
    terrain: _map_pb2.Terrain
    walls: _containers.RepeatedCompositeFieldContainer[_map_pb2.Wall]
    lights: _containers.RepeatedCompositeFieldContainer[_map_pb2.Light]
    layout: MapLayout
    adherence: Adherence
    def __init__(self, theme: _Optional[str] = ..., size: _Optional[_Union[_types_pb2.Size, _Mapping]] = ..., details: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., request_id: _Optional[str] = ..., wait_for: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., priority: _Optional[_Union[_types_pb2.Priority, str]] = ..., cache: _Optional[_Union[_types_pb2.CacheMode, str]] = ..., validate_only: _Optional[bool] = ..., format: _Optional[_Union[_types_pb2.ImageFormat, str]] = ..., model: _Optional[str] = ..., reference_image_ids: _Optional[_Iterable[str]] = ..., variant: _Optional[int] = ..., grid: _Optional[_Union[_map_pb2.Grid, _Mapping]] = ..., features: _Optional[_Iterable[str]] = ..., terrain: _Optional[_Union[_map_pb2.Terrain, _Mapping]] = ..., walls: _Optional[_Iterable[_Union[_map_pb2.Wall, _Mapping]]] = ..., lights: _Optional[_Iterable[_Union[_map_pb2.Light, _Mapping]]] = ..., layout: _Optional[_Union[MapLayout, _Mapping]] = ..., adherence: _Optional[_Union[Adherence, _Mapping]] = ...) -> None: ...

class Road(_message.Message):
    __slots__ = ("waypoints",)
    WAYPOINTS_FIELD_NUMBER: _ClassVar[int]
    waypoints: _containers.RepeatedCompositeFieldContainer[_types_pb2.Location]
    def __init__(self, waypoints: _Optional[_Iterable[_Union[_types_pb2.Location, _Mapping]]] = ...) -> None: ...

class GenerateCampaignMapRequest(_message.Message):
    __slots__ = ("theme", "size", "details", "source", "request_id", "wait_for", "priority", "cache", "validate_only", "format", "model", "reference_image_ids", "variant", "scale", "features", "points_of_interest", "roads")
    THEME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_IMAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    POINTS_OF_INTEREST_FIELD_NUMBER: _ClassVar[int]
    ROADS_FIELD_NUMBER: _ClassVar[int]
    theme: str
    size: _types_pb2.Size
    details: str
    source: _types_pb2.Source
    request_id: str
    wait_for: _duration_pb2.Duration
    priority: _types_pb2.Priority
    cache: _types_pb2.CacheMode
    validate_only: bool
    format: _types_pb2.ImageFormat
    model: str
    reference_image_ids: _containers.RepeatedScalarFieldContainer[str]
    variant: int
    scale: _map_pb2.Scale
    features: _containers.RepeatedScalarFieldContainer[str]
    points_of_interest: _containers.RepeatedCompositeFieldContainer[_map_pb2.PointOfInterest]
    roads: _containers.RepeatedCompositeFieldContainer[Road]
    def __init__(self, theme: _Optional[str] = ..., size: _Optional[_Union[_types_pb2.Size, _Mapping]] = ..., details: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., request_id: _Optional[str] = ..., wait_for: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., priority: _Optional[_Union[_types_pb2.Priority, str]] = ..., cache: _Optional[_Union[_types_pb2.CacheMode, str]] = ..., validate_only: _Optional[bool] = ..., format: _Optional[_Union[_types_pb2.ImageFormat, str]] = ..., model: _Optional[str] = ..., reference_image_ids: _Optional[_Iterable[str]] = ..., variant: _Optional[int] = ..., scale: _Optional[_Union[_map_pb2.Scale, _Mapping]] = ..., features: _Optional[_Iterable[str]] = ..., points_of_interest: _Optional[_Iterable[_Union[_map_pb2.PointOfInterest, _Mapping]]] = ..., roads: _Optional[_Iterable[_Union[Road, _Mapping]]] = ...) -> None: ...

class PortraitStyle(_message.Message):
    __slots__ = ("pose", "background", "lighting")
    POSE_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    LIGHTING_FIELD_NUMBER: _ClassVar[int]
    pose: str
    background: str
    lighting: str
    def __init__(self, pose: _Optional[str] = ..., background: _Optional[str] = ..., lighting: _Optional[str] = ...) -> None: ...

class Equipment(_message.Message):
    __slots__ = ("visible", "items")
    VISIBLE_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    visible: bool
    items: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, visible: _Optional[bool] = ..., items: _Optional[_Iterable[str]] = ...) -> None: ...

class GeneratePortraitRequest(_message.Message):
    __slots__ = ("theme", "size", "details", "source", "request_id", "wait_for", "priority", "cache", "validate_only", "format", "model", "reference_image_ids", "variant", "character_id", "kind", "species", "character_class", "traits", "style", "equipment")
    THEME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_IMAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SPECIES_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_CLASS_FIELD_NUMBER: _ClassVar[int]
    TRAITS_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    EQUIPMENT_FIELD_NUMBER: _ClassVar[int]
    theme: str
    size: _types_pb2.Size
    details: str
    source: _types_pb2.Source
    request_id: str
    wait_for: _duration_pb2.Duration
    priority: _types_pb2.Priority
    cache: _types_pb2.CacheMode
    validate_only: bool
    format: _types_pb2.ImageFormat
    model: str
    reference_image_ids: _containers.RepeatedScalarFieldContainer[str]
    variant: int
    character_id: str
    kind: CharacterKind
    species: str
    character_class: str
    traits: _containers.RepeatedScalarFieldContainer[str]
    style: PortraitStyle
    equipment: Equipment
    def __init__(self, theme: _Optional[str] = ..., size: _Optional[_Union[_types_pb2.Size, _Mapping]] = ..., details: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., request_id: _Optional[str] = ..., wait_for: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., priority: _Optional[_Union[_types_pb2.Priority, str]] = ..., cache: _Optional[_Union[_types_pb2.CacheMode, str]] = ..., validate_only: _Optional[bool] = ..., format: _Optional[_Union[_types_pb2.ImageFormat, str]] = ..., model: _Optional[str] = ..., reference_image_ids: _Optional[_Iterable[str]] = ..., variant: _Optional[int] = ..., character_id: _Optional[str] = ..., kind: _Optional[_Union[CharacterKind, str]] = ..., species: _Optional[str] = ..., character_class: _Optional[str] = ..., traits: _Optional[_Iterable[str]] = ..., style: _Optional[_Union[PortraitStyle, _Mapping]] = ..., equipment: _Optional[_Union[Equipment, _Mapping]] = ...) -> None: ...

class ItemStyle(_message.Message):
    __slots__ = ("angle", "lighting", "detail_level")
    ANGLE_FIELD_NUMBER: _ClassVar[int]
    LIGHTING_FIELD_NUMBER: _ClassVar[int]
    DETAIL_LEVEL_FIELD_NUMBER: _ClassVar[int]
    angle: str
    lighting: str
    detail_level: str
    def __init__(self, angle: _Optional[str] = ..., lighting: _Optional[str] = ..., detail_level: _Optional[str] = ...) -> None: ...

class ItemProperties(_message.Message):
    __slots__ = ("material", "magical_effects", "wear_state")
    MATERIAL_FIELD_NUMBER: _ClassVar[int]
    MAGICAL_EFFECTS_FIELD_NUMBER: _ClassVar[int]
    WEAR_STATE_FIELD_NUMBER: _ClassVar[int]
    material: str
    magical_effects: _containers.RepeatedScalarFieldContainer[str]
    wear_state: str
    def __init__(self, material: _Optional[str] = ..., magical_effects: _Optional[_Iterable[str]] = ..., wear_state: _Optional[str] = ...) -> None: ...

class GenerateItemIllustrationRequest(_message.Message):
    __slots__ = ("theme", "size", "details", "source", "request_id", "wait_for", "priority", "cache", "validate_only", "format", "model", "reference_image_ids", "variant", "item_id", "type", "name", "style", "properties")
    THEME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_IMAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    theme: str
    size: _types_pb2.Size
    details: str
    source: _types_pb2.Source
    request_id: str
    wait_for: _duration_pb2.Duration
    priority: _types_pb2.Priority
    cache: _types_pb2.CacheMode
    validate_only: bool
    format: _types_pb2.ImageFormat
    model: str
    reference_image_ids: _containers.RepeatedScalarFieldContainer[str]
    variant: int
    item_id: str
    type: ItemType
    name: str
    style: ItemStyle
    properties: ItemProperties
    def __init__(self, theme: _Optional[str] = ..., size: _Optional[_Union[_types_pb2.Size, _Mapping]] = ..., details: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., request_id: _Optional[str] = ..., wait_for: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., priority: _Optional[_Union[_types_pb2.Priority, str]] = ..., cache: _Optional[_Union[_types_pb2.CacheMode, str]] = ..., validate_only: _Optional[bool] = ..., format: _Optional[_Union[_types_pb2.ImageFormat, str]] = ..., model: _Optional[str] = ..., reference_image_ids: _Optional[_Iterable[str]] = ..., variant: _Optional[int] = ..., item_id: _Optional[str] = ..., type: _Optional[_Union[ItemType, str]] = ..., name: _Optional[str] = ..., style: _Optional[_Union[ItemStyle, _Mapping]] = ..., properties: _Optional[_Union[ItemProperties, _Mapping]] = ...) -> None: ...

class RegenerateImageRequest(_message.Message):
    __slots__ = ("image_id", "version", "tactical_map", "campaign_map", "portrait", "item_illustration", "update_mask", "request_id", "wait_for", "priority", "validate_only")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TACTICAL_MAP_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_MAP_FIELD_NUMBER: _ClassVar[int]
    PORTRAIT_FIELD_NUMBER: _ClassVar[int]
    ITEM_ILLUSTRATION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    version: int
    tactical_map: GenerateTacticalMapRequest
    campaign_map: GenerateCampaignMapRequest
    portrait: GeneratePortraitRequest
    item_illustration: GenerateItemIllustrationRequest
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    wait_for: _duration_pb2.Duration
    priority: _types_pb2.Priority
    validate_only: bool
    def __init__(self, image_id: _Optional[str] = ..., version: _Optional[int] = ..., tactical_map: _Optional[_Union[GenerateTacticalMapRequest, _Mapping]] = ..., campaign_map: _Optional[_Union[GenerateCampaignMapRequest, _Mapping]] = ..., portrait: _Optional[_Union[GeneratePortraitRequest, _Mapping]] = ..., item_illustration: _Optional[_Union[GenerateItemIllustrationRequest, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., wait_for: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., priority: _Optional[_Union[_types_pb2.Priority, str]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ApplyThemeRequest(_message.Message):
    __slots__ = ("image_id", "version", "theme", "strength", "elements", "style", "request_id", "wait_for", "priority", "validate_only")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    version: int
    theme: str
    strength: float
    elements: _containers.RepeatedScalarFieldContainer[_theme_pb2.ThemeElement]
    style: _theme_pb2.ThemeStyle
    request_id: str
    wait_for: _duration_pb2.Duration
    priority: _types_pb2.Priority
    validate_only: bool
    def __init__(self, image_id: _Optional[str] = ..., version: _Optional[int] = ..., theme: _Optional[str] = ..., strength: _Optional[float] = ..., elements: _Optional[_Iterable[_Union[_theme_pb2.ThemeElement, str]]] = ..., style: _Optional[_Union[_theme_pb2.ThemeStyle, _Mapping]] = ..., request_id: _Optional[str] = ..., wait_for: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., priority: _Optional[_Union[_types_pb2.Priority, str]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class GenerationRequest(_message.Message):
    __slots__ = ("tactical_map", "campaign_map", "portrait", "item_illustration", "regenerate_image", "apply_theme")
    TACTICAL_MAP_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_MAP_FIELD_NUMBER: _ClassVar[int]
    PORTRAIT_FIELD_NUMBER: _ClassVar[int]
    ITEM_ILLUSTRATION_FIELD_NUMBER: _ClassVar[int]
    REGENERATE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    APPLY_THEME_FIELD_NUMBER: _ClassVar[int]
    tactical_map: GenerateTacticalMapRequest
    campaign_map: GenerateCampaignMapRequest
    portrait: GeneratePortraitRequest
    item_illustration: GenerateItemIllustrationRequest
    regenerate_image: RegenerateImageRequest
    apply_theme: ApplyThemeRequest
    def __init__(self, tactical_map: _Optional[_Union[GenerateTacticalMapRequest, _Mapping]] = ..., campaign_map: _Optional[_Union[GenerateCampaignMapRequest, _Mapping]] = ..., portrait: _Optional[_Union[GeneratePortraitRequest, _Mapping]] = ..., item_illustration: _Optional[_Union[GenerateItemIllustrationRequest, _Mapping]] = ..., regenerate_image: _Optional[_Union[RegenerateImageRequest, _Mapping]] = ..., apply_theme: _Optional[_Union[ApplyThemeRequest, _Mapping]] = ...) -> None: ...
