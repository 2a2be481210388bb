"""The names of all spans, attributes and metrics."""

SCOPE = "image_grpc"

# Spans. The span of an RPC has the name of its method, `tabletop.image.v1.ImageService/GetImage`.
SPAN_GENERATE = "generation.generate"
SPAN_STORE = "generation.store"
SPAN_GETIMG_GENERATE = "getimg.generate"
SPAN_GETIMG_DOWNLOAD = "getimg.download"
SPAN_STORAGE = "storage."
"""Prefix of the operation."""
SPAN_BRIDGE = "bridge."
"""Prefix of the method or event."""

# Attributes. The first four are semantic conventions of OpenTelemetry.
ATTR_RPC_SYSTEM = "rpc.system.name"
ATTR_RPC_METHOD = "rpc.method"
ATTR_RPC_STATUS = "rpc.response.status_code"
ATTR_ERROR_TYPE = "error.type"
ATTR_GENERATION_ID = "tabletop.generation_id"
ATTR_STORAGE_CORRELATION_ID = "tabletop.storage_correlation_id"
ATTR_OPERATION = "tabletop.operation"
ATTR_OUTCOME = "tabletop.outcome"

# Metrics.
METRIC_RPC_DURATION = "rpc.server.call.duration"
METRIC_STORAGE_DURATION = "tabletop.storage.operation.duration"
METRIC_STORAGE_BYTES = "tabletop.storage.operation.bytes"
METRIC_GETIMG_DURATION = "tabletop.getimg.call.duration"
METRIC_IMAGES_GENERATED = "tabletop.images.generated"
METRIC_GENERATIONS_FAILED = "tabletop.generations.failed"
METRIC_GENERATIONS_UNFINISHED = "tabletop.generations.unfinished"
METRIC_CACHE_HITS = "tabletop.cache.hits"
METRIC_CACHE_MISSES = "tabletop.cache.misses"
METRIC_BRIDGE_MESSAGES = "tabletop.bridge.messages"
