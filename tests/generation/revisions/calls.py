"""Calls that create new versions of images."""

from __future__ import annotations

from typing import Any

import grpc
from tabletop.image.v1.generation_pb2 import Generation
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import RestoreImageVersionRequest

from tests.service import Service
from tests.statuses import CallStatus


async def regenerate(platform: Service, image: Image, mask: str = "", **fields: Any) -> Generation:
    request = RegenerateImageRequest(**{"image_id": image.id, "version": image.version, **fields})
    if mask:
        request.update_mask.paths.extend(mask.split(","))
    return await platform.generate(request)


async def apply(platform: Service, image: Image, theme: str, **fields: Any) -> Generation:
    request = ApplyThemeRequest(**{"image_id": image.id, "version": image.version, "theme": theme, **fields})
    return await platform.generate(request)


async def restore(platform: Service, image: Image, version: int, **fields: Any) -> Image:
    request = RestoreImageVersionRequest(
        **{"image_id": image.id, "version": image.version, "restore_version": version, **fields}
    )
    return (await platform.images.RestoreImageVersion(request)).image


def prompt_of(platform: Service) -> str:
    return str(platform.standin.prompts[-1]["prompt"])


def is_conflict(refused: CallStatus) -> bool:
    return (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "VERSION_CONFLICT")


def is_not_found(refused: CallStatus) -> bool:
    return (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")
