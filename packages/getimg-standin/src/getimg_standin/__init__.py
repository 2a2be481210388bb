"""A stand-in of the GetImg.AI HTTP API v2 for development and tests, which draws its own pictures."""

from getimg_standin.behavior import Behavior
from getimg_standin.catalog import MODELS, Model, pixel_size
from getimg_standin.faults import Fault, FaultKind, parse_fault
from getimg_standin.standin import Standin

__all__ = ["MODELS", "Behavior", "Fault", "FaultKind", "Model", "Standin", "parse_fault", "pixel_size"]
