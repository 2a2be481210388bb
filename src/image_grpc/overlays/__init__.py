"""Overlays of maps: editing, reading, rendering."""

from image_grpc.overlays.editor import OverlayEditor
from image_grpc.overlays.reader import OverlayReader

__all__ = ["OverlayEditor", "OverlayReader"]
