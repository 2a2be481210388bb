import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabletop.image.v1 import generation_pb2 as _generation_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProviderResult(_message.Message):
    __slots__ = ("provider_id", "url", "expire_time", "cost", "model", "generate_time")
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    GENERATE_TIME_FIELD_NUMBER: _ClassVar[int]
    provider_id: str
    url: str
    expire_time: _timestamp_pb2.Timestamp
    cost: _generation_pb2.Cost
    model: str
    generate_time: _timestamp_pb2.Timestamp
    def __init__(self, provider_id: _Optional[str] = ..., url: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cost: _Optional[_Union[_generation_pb2.Cost, _Mapping]] = ..., model: _Optional[str] = ..., generate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
