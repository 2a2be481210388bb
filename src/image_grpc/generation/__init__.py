"""Making pictures: from a request to a stored image."""

from image_grpc.generation.book import Book
from image_grpc.generation.draw import DrawStep
from image_grpc.generation.estimate import Estimator
from image_grpc.generation.gate import WeightedGate
from image_grpc.generation.kinds import PICTURE_REQUESTS
from image_grpc.generation.pipeline import Pipeline, hand_out_again
from image_grpc.generation.store import StoreStep
from image_grpc.generation.submit import Submitter
from image_grpc.generation.themes import Themes, built_in
from image_grpc.generation.watch import GenerationReader

__all__ = [
    "PICTURE_REQUESTS",
    "Book",
    "DrawStep",
    "Estimator",
    "GenerationReader",
    "Pipeline",
    "StoreStep",
    "Submitter",
    "Themes",
    "WeightedGate",
    "built_in",
    "hand_out_again",
]
