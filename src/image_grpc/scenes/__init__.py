"""Tactical maps as files of other programs. Functions that take time say so: call them in a worker thread."""

from image_grpc.scenes.export import SceneContent, export

__all__ = ["SceneContent", "export"]
