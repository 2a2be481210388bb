"""A stand-in for the GetImg.AI HTTP API v2 that draws its own pictures, for development and tests."""

from getimg_standin.behavior import Behavior
from getimg_standin.catalog import MODELS, Model, pixel_size
from getimg_standin.faults import Fault, FaultKind, parse_fault
from getimg_standin.standin import Standin

__all__ = ["MODELS", "Behavior", "Fault", "FaultKind", "Model", "Standin", "parse_fault", "pixel_size"]
