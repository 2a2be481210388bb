from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from tabletop.image.v1 import access_pb2 as _access_pb2
from tabletop.image.v1 import theme_pb2 as _theme_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListThemesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListThemesResponse(_message.Message):
    __slots__ = ("themes", "next_page_token")
    THEMES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    themes: _containers.RepeatedCompositeFieldContainer[_theme_pb2.Theme]
    next_page_token: str
    def __init__(self, themes: _Optional[_Iterable[_Union[_theme_pb2.Theme, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetThemeRequest(_message.Message):
    __slots__ = ("theme",)
    THEME_FIELD_NUMBER: _ClassVar[int]
    theme: str
    def __init__(self, theme: _Optional[str] = ...) -> None: ...

class GetThemeResponse(_message.Message):
    __slots__ = ("theme",)
    THEME_FIELD_NUMBER: _ClassVar[int]
    theme: _theme_pb2.Theme
    def __init__(self, theme: _Optional[_Union[_theme_pb2.Theme, _Mapping]] = ...) -> None: ...

class CreateThemeRequest(_message.Message):
    __slots__ = ("theme", "request_id")
    THEME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    theme: _theme_pb2.Theme
    request_id: str
    def __init__(self, theme: _Optional[_Union[_theme_pb2.Theme, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateThemeResponse(_message.Message):
    __slots__ = ("theme",)
    THEME_FIELD_NUMBER: _ClassVar[int]
    theme: _theme_pb2.Theme
    def __init__(self, theme: _Optional[_Union[_theme_pb2.Theme, _Mapping]] = ...) -> None: ...

class UpdateThemeRequest(_message.Message):
    __slots__ = ("theme", "request_id")
    THEME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    theme: _theme_pb2.Theme
    request_id: str
    def __init__(self, theme: _Optional[_Union[_theme_pb2.Theme, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateThemeResponse(_message.Message):
    __slots__ = ("theme",)
    THEME_FIELD_NUMBER: _ClassVar[int]
    theme: _theme_pb2.Theme
    def __init__(self, theme: _Optional[_Union[_theme_pb2.Theme, _Mapping]] = ...) -> None: ...

class DeleteThemeRequest(_message.Message):
    __slots__ = ("theme", "version", "request_id")
    THEME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    theme: str
    version: int
    request_id: str
    def __init__(self, theme: _Optional[str] = ..., version: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteThemeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
