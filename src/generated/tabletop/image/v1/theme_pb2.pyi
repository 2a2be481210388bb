import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ThemeElement(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    THEME_ELEMENT_UNSPECIFIED: _ClassVar[ThemeElement]
    THEME_ELEMENT_ARCHITECTURE: _ClassVar[ThemeElement]
    THEME_ELEMENT_CLOTHING: _ClassVar[ThemeElement]
    THEME_ELEMENT_TECHNOLOGY: _ClassVar[ThemeElement]
    THEME_ELEMENT_ENVIRONMENT: _ClassVar[ThemeElement]
    THEME_ELEMENT_COLOR_SCHEME: _ClassVar[ThemeElement]
    THEME_ELEMENT_LIGHTING: _ClassVar[ThemeElement]
THEME_ELEMENT_UNSPECIFIED: ThemeElement
THEME_ELEMENT_ARCHITECTURE: ThemeElement
THEME_ELEMENT_CLOTHING: ThemeElement
THEME_ELEMENT_TECHNOLOGY: ThemeElement
THEME_ELEMENT_ENVIRONMENT: ThemeElement
THEME_ELEMENT_COLOR_SCHEME: ThemeElement
THEME_ELEMENT_LIGHTING: ThemeElement

class Theme(_message.Message):
    __slots__ = ("name", "display_name", "description", "elements", "built_in", "version", "create_time", "update_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    BUILT_IN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    description: str
    elements: ThemeElements
    built_in: bool
    version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., description: _Optional[str] = ..., elements: _Optional[_Union[ThemeElements, _Mapping]] = ..., built_in: _Optional[bool] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ThemeElements(_message.Message):
    __slots__ = ("architecture", "clothing", "technology", "environment", "color_scheme", "lighting")
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    CLOTHING_FIELD_NUMBER: _ClassVar[int]
    TECHNOLOGY_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    COLOR_SCHEME_FIELD_NUMBER: _ClassVar[int]
    LIGHTING_FIELD_NUMBER: _ClassVar[int]
    architecture: str
    clothing: str
    technology: str
    environment: str
    color_scheme: str
    lighting: str
    def __init__(self, architecture: _Optional[str] = ..., clothing: _Optional[str] = ..., technology: _Optional[str] = ..., environment: _Optional[str] = ..., color_scheme: _Optional[str] = ..., lighting: _Optional[str] = ...) -> None: ...

class ThemeStyle(_message.Message):
    __slots__ = ("color_scheme", "lighting", "atmosphere")
    COLOR_SCHEME_FIELD_NUMBER: _ClassVar[int]
    LIGHTING_FIELD_NUMBER: _ClassVar[int]
    ATMOSPHERE_FIELD_NUMBER: _ClassVar[int]
    color_scheme: str
    lighting: str
    atmosphere: str
    def __init__(self, color_scheme: _Optional[str] = ..., lighting: _Optional[str] = ..., atmosphere: _Optional[str] = ...) -> None: ...

class ThemeAssociation(_message.Message):
    __slots__ = ("theme", "theme_version", "strength", "elements", "style", "apply_time")
    THEME_FIELD_NUMBER: _ClassVar[int]
    THEME_VERSION_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    APPLY_TIME_FIELD_NUMBER: _ClassVar[int]
    theme: str
    theme_version: int
    strength: float
    elements: _containers.RepeatedScalarFieldContainer[ThemeElement]
    style: ThemeStyle
    apply_time: _timestamp_pb2.Timestamp
    def __init__(self, theme: _Optional[str] = ..., theme_version: _Optional[int] = ..., strength: _Optional[float] = ..., elements: _Optional[_Iterable[_Union[ThemeElement, str]]] = ..., style: _Optional[_Union[ThemeStyle, _Mapping]] = ..., apply_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
