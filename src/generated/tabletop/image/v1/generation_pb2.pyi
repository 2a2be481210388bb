import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabletop.image.v1 import generation_request_pb2 as _generation_request_pb2
from tabletop.image.v1 import image_pb2 as _image_pb2
from tabletop.image.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GenerationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GENERATION_STATE_UNSPECIFIED: _ClassVar[GenerationState]
    GENERATION_STATE_QUEUED: _ClassVar[GenerationState]
    GENERATION_STATE_GENERATING: _ClassVar[GenerationState]
    GENERATION_STATE_STORING: _ClassVar[GenerationState]
    GENERATION_STATE_SUCCEEDED: _ClassVar[GenerationState]
    GENERATION_STATE_FAILED: _ClassVar[GenerationState]
    GENERATION_STATE_CANCELLED: _ClassVar[GenerationState]
GENERATION_STATE_UNSPECIFIED: GenerationState
GENERATION_STATE_QUEUED: GenerationState
GENERATION_STATE_GENERATING: GenerationState
GENERATION_STATE_STORING: GenerationState
GENERATION_STATE_SUCCEEDED: GenerationState
GENERATION_STATE_FAILED: GenerationState
GENERATION_STATE_CANCELLED: GenerationState

class Cost(_message.Message):
    __slots__ = ("amount", "currency", "unit", "quantity")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    amount: str
    currency: str
    unit: str
    quantity: float
    def __init__(self, amount: _Optional[str] = ..., currency: _Optional[str] = ..., unit: _Optional[str] = ..., quantity: _Optional[float] = ...) -> None: ...

class Generation(_message.Message):
    __slots__ = ("id", "state", "progress", "queue_position", "expect_finish_time", "request", "image", "error", "attempts", "cost", "model", "cache_hit", "create_time", "start_time", "generate_time", "finish_time", "storage_correlation_id", "version", "update_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_POSITION_FIELD_NUMBER: _ClassVar[int]
    EXPECT_FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CACHE_HIT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    GENERATE_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: GenerationState
    progress: float
    queue_position: int
    expect_finish_time: _timestamp_pb2.Timestamp
    request: _generation_request_pb2.GenerationRequest
    image: _image_pb2.Image
    error: _types_pb2.Error
    attempts: int
    cost: Cost
    model: str
    cache_hit: bool
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    generate_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    storage_correlation_id: str
    version: int
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., state: _Optional[_Union[GenerationState, str]] = ..., progress: _Optional[float] = ..., queue_position: _Optional[int] = ..., expect_finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., request: _Optional[_Union[_generation_request_pb2.GenerationRequest, _Mapping]] = ..., image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., error: _Optional[_Union[_types_pb2.Error, _Mapping]] = ..., attempts: _Optional[int] = ..., cost: _Optional[_Union[Cost, _Mapping]] = ..., model: _Optional[str] = ..., cache_hit: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., generate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., storage_correlation_id: _Optional[str] = ..., version: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
