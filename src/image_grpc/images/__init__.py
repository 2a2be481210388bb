"""Stored images: reading, uploading, versions, deletion, and watching."""

from image_grpc.images.content import ContentReader
from image_grpc.images.library import ImageLibrary
from image_grpc.images.map_editor import MapEditor
from image_grpc.images.map_levels import MapLevels
from image_grpc.images.map_vision import MapVision
from image_grpc.images.scene_exporter import SceneExporter
from image_grpc.images.upload import Uploader
from image_grpc.images.watch import ImageWatcher

__all__ = [
    "ContentReader",
    "ImageLibrary",
    "ImageWatcher",
    "MapEditor",
    "MapLevels",
    "MapVision",
    "SceneExporter",
    "Uploader",
]
