"""A stand-in of the GetImg.AI HTTP API v2 for development and tests, which draws its own pictures."""

from image_grpc.standin.behaviour import Behaviour
from image_grpc.standin.catalogue import MODELS, Model, pixel_size
from image_grpc.standin.faults import Fault, FaultKind, parse_fault
from image_grpc.standin.standin import Standin

__all__ = ["MODELS", "Behaviour", "Fault", "FaultKind", "Model", "Standin", "parse_fault", "pixel_size"]
