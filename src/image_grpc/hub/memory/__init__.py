"""The hub within one process."""

from image_grpc.hub.memory.hub import MemoryHub

__all__ = ["MemoryHub"]
