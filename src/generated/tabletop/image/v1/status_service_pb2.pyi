from tabletop.image.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HealthStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEALTH_STATUS_UNSPECIFIED: _ClassVar[HealthStatus]
    HEALTH_STATUS_HEALTHY: _ClassVar[HealthStatus]
    HEALTH_STATUS_DEGRADED: _ClassVar[HealthStatus]
    HEALTH_STATUS_UNHEALTHY: _ClassVar[HealthStatus]
HEALTH_STATUS_UNSPECIFIED: HealthStatus
HEALTH_STATUS_HEALTHY: HealthStatus
HEALTH_STATUS_DEGRADED: HealthStatus
HEALTH_STATUS_UNHEALTHY: HealthStatus

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("status", "version", "dependencies", "metrics", "warnings")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    status: HealthStatus
    version: str
    dependencies: Dependencies
    metrics: Metrics
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, status: _Optional[_Union[HealthStatus, str]] = ..., version: _Optional[str] = ..., dependencies: _Optional[_Union[Dependencies, _Mapping]] = ..., metrics: _Optional[_Union[Metrics, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class Dependencies(_message.Message):
    __slots__ = ("message_hub", "getimg_api", "storage_service", "cache", "object_store")
    MESSAGE_HUB_FIELD_NUMBER: _ClassVar[int]
    GETIMG_API_FIELD_NUMBER: _ClassVar[int]
    STORAGE_SERVICE_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    OBJECT_STORE_FIELD_NUMBER: _ClassVar[int]
    message_hub: Dependency
    getimg_api: Dependency
    storage_service: Dependency
    cache: Dependency
    object_store: Dependency
    def __init__(self, message_hub: _Optional[_Union[Dependency, _Mapping]] = ..., getimg_api: _Optional[_Union[Dependency, _Mapping]] = ..., storage_service: _Optional[_Union[Dependency, _Mapping]] = ..., cache: _Optional[_Union[Dependency, _Mapping]] = ..., object_store: _Optional[_Union[Dependency, _Mapping]] = ...) -> None: ...

class Dependency(_message.Message):
    __slots__ = ("status", "message")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    status: HealthStatus
    message: str
    def __init__(self, status: _Optional[_Union[HealthStatus, str]] = ..., message: _Optional[str] = ...) -> None: ...

class Metrics(_message.Message):
    __slots__ = ("images_generated", "generation_queue", "error_rate", "cache_hit_rate", "stalled_generations", "interrupted_calls", "interrupted_cost")
    IMAGES_GENERATED_FIELD_NUMBER: _ClassVar[int]
    GENERATION_QUEUE_FIELD_NUMBER: _ClassVar[int]
    ERROR_RATE_FIELD_NUMBER: _ClassVar[int]
    CACHE_HIT_RATE_FIELD_NUMBER: _ClassVar[int]
    STALLED_GENERATIONS_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTED_CALLS_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTED_COST_FIELD_NUMBER: _ClassVar[int]
    images_generated: int
    generation_queue: int
    error_rate: float
    cache_hit_rate: float
    stalled_generations: int
    interrupted_calls: int
    interrupted_cost: str
    def __init__(self, images_generated: _Optional[int] = ..., generation_queue: _Optional[int] = ..., error_rate: _Optional[float] = ..., cache_hit_rate: _Optional[float] = ..., stalled_generations: _Optional[int] = ..., interrupted_calls: _Optional[int] = ..., interrupted_cost: _Optional[str] = ...) -> None: ...
