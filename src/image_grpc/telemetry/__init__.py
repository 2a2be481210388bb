"""Traces, metrics and logs: their names, what is counted, and their setup."""

from image_grpc.telemetry.counters import Counters
from image_grpc.telemetry.instruments import StorageOperation, Telemetry
from image_grpc.telemetry.logs import set_up_logs
from image_grpc.telemetry.names import (
    ATTR_ERROR_TYPE,
    ATTR_GENERATION_ID,
    ATTR_OPERATION,
    ATTR_OUTCOME,
    ATTR_RPC_METHOD,
    ATTR_RPC_STATUS,
    ATTR_RPC_SYSTEM,
    METRIC_STORAGE_BYTES,
    METRIC_STORAGE_DURATION,
    SPAN_BRIDGE,
    SPAN_GENERATE,
    SPAN_GETIMG_DOWNLOAD,
    SPAN_GETIMG_GENERATE,
    SPAN_STORE,
)
from image_grpc.telemetry.propagation import inject
from image_grpc.telemetry.providers import set_up_providers

__all__ = [
    "ATTR_ERROR_TYPE",
    "ATTR_GENERATION_ID",
    "ATTR_OPERATION",
    "ATTR_OUTCOME",
    "ATTR_RPC_METHOD",
    "ATTR_RPC_STATUS",
    "ATTR_RPC_SYSTEM",
    "METRIC_STORAGE_BYTES",
    "METRIC_STORAGE_DURATION",
    "SPAN_BRIDGE",
    "SPAN_GENERATE",
    "SPAN_GETIMG_DOWNLOAD",
    "SPAN_GETIMG_GENERATE",
    "SPAN_STORE",
    "Counters",
    "StorageOperation",
    "Telemetry",
    "inject",
    "set_up_logs",
    "set_up_providers",
]
