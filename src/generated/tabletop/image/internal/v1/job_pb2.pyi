from tabletop.image.internal.v1 import generation_record_pb2 as _generation_record_pb2
from tabletop.image.internal.v1 import provider_result_pb2 as _provider_result_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GenerateJob(_message.Message):
    __slots__ = ("generation_id", "record")
    GENERATION_ID_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    generation_id: str
    record: _generation_record_pb2.GenerationRecord
    def __init__(self, generation_id: _Optional[str] = ..., record: _Optional[_Union[_generation_record_pb2.GenerationRecord, _Mapping]] = ...) -> None: ...

class StoreJob(_message.Message):
    __slots__ = ("generation_id", "result", "record")
    GENERATION_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    generation_id: str
    result: _provider_result_pb2.ProviderResult
    record: _generation_record_pb2.GenerationRecord
    def __init__(self, generation_id: _Optional[str] = ..., result: _Optional[_Union[_provider_result_pb2.ProviderResult, _Mapping]] = ..., record: _Optional[_Union[_generation_record_pb2.GenerationRecord, _Mapping]] = ...) -> None: ...
