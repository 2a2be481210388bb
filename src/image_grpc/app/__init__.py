"""The composition root: builds programs from their settings, starts the parts in order, stops them in reverse."""

from image_grpc.app.embedded import Running, serve, serve_with_bridge, up, up_without_standin
from image_grpc.app.hub import bridge, require_broker
from image_grpc.app.operator import compare_costs, requeue_generations
from image_grpc.app.storage_service import storage

__all__ = [
    "Running",
    "bridge",
    "compare_costs",
    "requeue_generations",
    "require_broker",
    "serve",
    "serve_with_bridge",
    "storage",
    "up",
    "up_without_standin",
]
