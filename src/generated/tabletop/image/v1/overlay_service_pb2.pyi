from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from tabletop.image.v1 import access_pb2 as _access_pb2
from tabletop.image.v1 import map_pb2 as _map_pb2
from tabletop.image.v1 import overlay_pb2 as _overlay_pb2
from tabletop.image.v1 import types_pb2 as _types_pb2
from tabletop.image.v1 import viewer_pb2 as _viewer_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateTacticalOverlayRequest(_message.Message):
    __slots__ = ("map_id", "name", "elements", "z_index", "request_id", "visibility")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    Z_INDEX_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VISIBILITY_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    name: str
    elements: _containers.RepeatedCompositeFieldContainer[_overlay_pb2.TacticalElement]
    z_index: int
    request_id: str
    visibility: _overlay_pb2.Visibility
    def __init__(self, map_id: _Optional[str] = ..., name: _Optional[str] = ..., elements: _Optional[_Iterable[_Union[_overlay_pb2.TacticalElement, _Mapping]]] = ..., z_index: _Optional[int] = ..., request_id: _Optional[str] = ..., visibility: _Optional[_Union[_overlay_pb2.Visibility, str]] = ...) -> None: ...

class CreateTacticalOverlayResponse(_message.Message):
    __slots__ = ("overlay",)
    OVERLAY_FIELD_NUMBER: _ClassVar[int]
    overlay: _overlay_pb2.Overlay
    def __init__(self, overlay: _Optional[_Union[_overlay_pb2.Overlay, _Mapping]] = ...) -> None: ...

class CreateCampaignOverlayRequest(_message.Message):
    __slots__ = ("map_id", "name", "elements", "z_index", "request_id", "visibility")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    Z_INDEX_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VISIBILITY_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    name: str
    elements: _containers.RepeatedCompositeFieldContainer[_overlay_pb2.CampaignElement]
    z_index: int
    request_id: str
    visibility: _overlay_pb2.Visibility
    def __init__(self, map_id: _Optional[str] = ..., name: _Optional[str] = ..., elements: _Optional[_Iterable[_Union[_overlay_pb2.CampaignElement, _Mapping]]] = ..., z_index: _Optional[int] = ..., request_id: _Optional[str] = ..., visibility: _Optional[_Union[_overlay_pb2.Visibility, str]] = ...) -> None: ...

class CreateCampaignOverlayResponse(_message.Message):
    __slots__ = ("overlay",)
    OVERLAY_FIELD_NUMBER: _ClassVar[int]
    overlay: _overlay_pb2.Overlay
    def __init__(self, overlay: _Optional[_Union[_overlay_pb2.Overlay, _Mapping]] = ...) -> None: ...

class GetOverlayRequest(_message.Message):
    __slots__ = ("overlay_id",)
    OVERLAY_ID_FIELD_NUMBER: _ClassVar[int]
    overlay_id: str
    def __init__(self, overlay_id: _Optional[str] = ...) -> None: ...

class GetOverlayResponse(_message.Message):
    __slots__ = ("overlay",)
    OVERLAY_FIELD_NUMBER: _ClassVar[int]
    overlay: _overlay_pb2.Overlay
    def __init__(self, overlay: _Optional[_Union[_overlay_pb2.Overlay, _Mapping]] = ...) -> None: ...

class ListOverlaysRequest(_message.Message):
    __slots__ = ("map_id", "page_size", "page_token")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    page_size: int
    page_token: str
    def __init__(self, map_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOverlaysResponse(_message.Message):
    __slots__ = ("overlays", "next_page_token")
    OVERLAYS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    overlays: _containers.RepeatedCompositeFieldContainer[_overlay_pb2.Overlay]
    next_page_token: str
    def __init__(self, overlays: _Optional[_Iterable[_Union[_overlay_pb2.Overlay, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class OverlayChanges(_message.Message):
    __slots__ = ("name", "visible", "z_index", "put_tactical_elements", "put_campaign_elements", "remove_element_ids", "visibility")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_FIELD_NUMBER: _ClassVar[int]
    Z_INDEX_FIELD_NUMBER: _ClassVar[int]
    PUT_TACTICAL_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    PUT_CAMPAIGN_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_ELEMENT_IDS_FIELD_NUMBER: _ClassVar[int]
    VISIBILITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    visible: bool
    z_index: int
    put_tactical_elements: _containers.RepeatedCompositeFieldContainer[_overlay_pb2.TacticalElement]
    put_campaign_elements: _containers.RepeatedCompositeFieldContainer[_overlay_pb2.CampaignElement]
    remove_element_ids: _containers.RepeatedScalarFieldContainer[str]
    visibility: _overlay_pb2.Visibility
    def __init__(self, name: _Optional[str] = ..., visible: _Optional[bool] = ..., z_index: _Optional[int] = ..., put_tactical_elements: _Optional[_Iterable[_Union[_overlay_pb2.TacticalElement, _Mapping]]] = ..., put_campaign_elements: _Optional[_Iterable[_Union[_overlay_pb2.CampaignElement, _Mapping]]] = ..., remove_element_ids: _Optional[_Iterable[str]] = ..., visibility: _Optional[_Union[_overlay_pb2.Visibility, str]] = ...) -> None: ...

class UpdateOverlayRequest(_message.Message):
    __slots__ = ("overlay_id", "version", "changes", "request_id")
    OVERLAY_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    overlay_id: str
    version: int
    changes: OverlayChanges
    request_id: str
    def __init__(self, overlay_id: _Optional[str] = ..., version: _Optional[int] = ..., changes: _Optional[_Union[OverlayChanges, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateOverlayResponse(_message.Message):
    __slots__ = ("overlay",)
    OVERLAY_FIELD_NUMBER: _ClassVar[int]
    overlay: _overlay_pb2.Overlay
    def __init__(self, overlay: _Optional[_Union[_overlay_pb2.Overlay, _Mapping]] = ...) -> None: ...

class DeleteOverlayRequest(_message.Message):
    __slots__ = ("overlay_id", "version", "request_id")
    OVERLAY_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    overlay_id: str
    version: int
    request_id: str
    def __init__(self, overlay_id: _Optional[str] = ..., version: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteOverlayResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RenderOverlayRequest(_message.Message):
    __slots__ = ("overlay_id", "map_id", "audience", "viewers", "explored", "ambient_light", "fog")
    OVERLAY_ID_FIELD_NUMBER: _ClassVar[int]
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    VIEWERS_FIELD_NUMBER: _ClassVar[int]
    EXPLORED_FIELD_NUMBER: _ClassVar[int]
    AMBIENT_LIGHT_FIELD_NUMBER: _ClassVar[int]
    FOG_FIELD_NUMBER: _ClassVar[int]
    overlay_id: str
    map_id: str
    audience: _viewer_pb2.Audience
    viewers: _containers.RepeatedCompositeFieldContainer[_viewer_pb2.Viewer]
    explored: _containers.RepeatedCompositeFieldContainer[_map_pb2.Cell]
    ambient_light: _map_pb2.LightLevel
    fog: bool
    def __init__(self, overlay_id: _Optional[str] = ..., map_id: _Optional[str] = ..., audience: _Optional[_Union[_viewer_pb2.Audience, str]] = ..., viewers: _Optional[_Iterable[_Union[_viewer_pb2.Viewer, _Mapping]]] = ..., explored: _Optional[_Iterable[_Union[_map_pb2.Cell, _Mapping]]] = ..., ambient_light: _Optional[_Union[_map_pb2.LightLevel, str]] = ..., fog: _Optional[bool] = ...) -> None: ...

class RenderOverlayResponse(_message.Message):
    __slots__ = ("svg", "size")
    SVG_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    svg: str
    size: _types_pb2.Size
    def __init__(self, svg: _Optional[str] = ..., size: _Optional[_Union[_types_pb2.Size, _Mapping]] = ...) -> None: ...
