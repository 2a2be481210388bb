"""Generating pictures: from a request to a stored image."""

from image_grpc.generation.use_cases import GenerationUseCases

__all__ = ["GenerationUseCases"]
