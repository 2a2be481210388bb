"""Prompts of requests."""

from __future__ import annotations

from tabletop.image.v1.theme_pb2 import Theme

from image_grpc.generation import new_record
from image_grpc.generation.kinds import PictureRequest
from image_grpc.generation.new_record import CallIdentity
from tests.generation.builders import THEME, resolved


def prompt_of(picture: PictureRequest, theme: Theme = THEME) -> str:
    """Return the prompt that a request leads to, in the fantasy theme by default."""
    return new_record.for_new_image(resolved(picture, theme=theme), CallIdentity.of(picture)).prompt
