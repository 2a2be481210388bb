"""image-grpc: the image service of a tabletop role-playing platform."""

from importlib.metadata import version

__version__ = version("image-grpc")
