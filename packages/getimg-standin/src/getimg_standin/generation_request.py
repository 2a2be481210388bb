"""The body of `POST /v2/images/generations`, validated as the API documents it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from getimg_standin.catalog import MODELS, Model
from getimg_standin.errors import ApiError

MAX_REQUEST_BYTES = 25 * 1024 * 1024
MAX_REFERENCE_BYTES = 10 * 1024 * 1024

_FORMATS = ("png", "jpeg", "webp")
_DATA_URL = re.compile(r"data:image/(png|jpeg|webp);base64,")


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerationRequest:
    """A request that the model supports, with defaults filled in."""

    model: Model
    prompt: str
    aspect_ratio: str
    resolution: str
    output_format: str
    references: tuple[str | bytes, ...]
    """Reference images: URLs of remote ones, bytes of inline ones."""


def parse_object(body: bytes) -> dict[str, object]:
    """Parse a JSON object. Raises ApiError 400 for anything else."""
    try:
        value = json.loads(body)
    except ValueError:
        raise ApiError(400, "The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise ApiError(400, "The body must be a JSON object.")
    return value


def parse_request(body: Mapping[str, object]) -> GenerationRequest:
    """Parse a generation request. Raises ApiError 400 with the name of the invalid field."""
    model = MODELS.get(_text(body, "model", default=""))
    if model is None:
        raise ApiError(400, f"Unknown model {body.get('model')!r}.", code="invalid_model")
    prompt = _text(body, "prompt", default="")
    if not prompt.strip():
        raise ApiError(400, "prompt must not be empty.", code="invalid_prompt")
    return GenerationRequest(
        model=model,
        prompt=prompt,
        aspect_ratio=_choice(body, "aspect_ratio", model.aspect_ratios),
        resolution=_choice(body, "resolution", model.resolutions),
        output_format=_choice(body, "output_format", _FORMATS),
        references=_references(body, model),
    )


def _text(body: Mapping[str, object], name: str, *, default: str) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise ApiError(400, f"{name} must be a string.", code=f"invalid_{name}")
    return value


def _choice(body: Mapping[str, object], name: str, choices: tuple[str, ...]) -> str:
    value = _text(body, name, default=choices[0])
    if value not in choices:
        message = f"{name} {value!r} is not supported; allowed are {', '.join(choices)}."
        raise ApiError(400, message, code=f"invalid_{name}")
    return value


def _references(body: Mapping[str, object], model: Model) -> tuple[str | bytes, ...]:
    images = body.get("images", [])
    if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
        raise ApiError(400, "images must be a list of objects.", code="invalid_images")
    if len(images) > model.max_references:
        message = f"{model.id} supports at most {model.max_references} reference images."
        raise ApiError(400, message, code="too_many_images")
    return tuple(_reference(image.get("url")) for image in images)


def _reference(url: object) -> str | bytes:
    if not isinstance(url, str):
        raise ApiError(400, "images[].url must be a string.", code="invalid_image_url")
    prefix = _DATA_URL.match(url)
    if prefix is not None:
        return _inline_picture(url[prefix.end() :], prefix[1])
    if not _is_https(url):
        message = "images[].url must be https or a data URL of a PNG, JPEG or WebP."
        raise ApiError(400, message, code="invalid_image_url")
    return url


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _inline_picture(encoded: str, image_format: str) -> bytes:
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(400, "images[].url is not valid base64.", code="invalid_image_url") from None
    if len(data) > MAX_REFERENCE_BYTES:
        raise ApiError(400, "A reference image exceeds 10 MiB.", code="image_too_large")
    if _sniff(data) != image_format:
        raise ApiError(400, f"images[].url is not a {image_format} picture.", code="invalid_image_url")
    return data


def _sniff(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    return None
