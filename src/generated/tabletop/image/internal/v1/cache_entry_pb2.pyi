from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CacheEntryState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CACHE_ENTRY_STATE_UNSPECIFIED: _ClassVar[CacheEntryState]
    CACHE_ENTRY_STATE_IN_FLIGHT: _ClassVar[CacheEntryState]
    CACHE_ENTRY_STATE_READY: _ClassVar[CacheEntryState]
    CACHE_ENTRY_STATE_VOID: _ClassVar[CacheEntryState]
CACHE_ENTRY_STATE_UNSPECIFIED: CacheEntryState
CACHE_ENTRY_STATE_IN_FLIGHT: CacheEntryState
CACHE_ENTRY_STATE_READY: CacheEntryState
CACHE_ENTRY_STATE_VOID: CacheEntryState

class CacheEntry(_message.Message):
    __slots__ = ("fingerprint", "state", "generation_id", "image_id", "image_version", "version")
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    fingerprint: str
    state: CacheEntryState
    generation_id: str
    image_id: str
    image_version: int
    version: int
    def __init__(self, fingerprint: _Optional[str] = ..., state: _Optional[_Union[CacheEntryState, str]] = ..., generation_id: _Optional[str] = ..., image_id: _Optional[str] = ..., image_version: _Optional[int] = ..., version: _Optional[int] = ...) -> None: ...
