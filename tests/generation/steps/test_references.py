"""Reference images as data URLs."""

from __future__ import annotations

import base64
import os

import pytest
import pyvips
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.generation.steps import references
from image_grpc.generation.steps.references import ReferenceLoader
from image_grpc.pictures import describe
from image_grpc.storage import Storage
from tests.generation.builders import picture_bytes, portrait, queued, stored_image
from tests.generation.conftest import Database

PNG = picture_bytes(40, 20)
JPEG = picture_bytes(40, 20, suffix=".jpg")


@pytest.fixture
def loader(storage: Storage) -> ReferenceLoader:
    return ReferenceLoader(storage)


async def stored(storage: Storage, data: bytes, format_: ImageFormat) -> Image:
    """Store a picture and return its image."""
    image = stored_image()
    description = describe(data)
    image.content.format, image.content.byte_size = format_, len(data)
    image.content.size.width, image.content.size.height = description.width, description.height
    image.content.sha256 = await storage.blobs.put(data)
    unit = storage.unit_of_work()
    unit.create(storage.images, image)
    await unit.commit()
    return image


def url(data: bytes, mime_type: str) -> str:
    return f"data:{mime_type};base64,{base64.b64encode(data).decode()}"


def decoded(url: str) -> bytes:
    return base64.b64decode(url.partition(",")[2])


async def test_references_are_loaded_in_the_order_of_the_request(loader: ReferenceLoader, storage: Storage) -> None:
    png = await stored(storage, PNG, ImageFormat.IMAGE_FORMAT_PNG)
    jpeg = await stored(storage, JPEG, ImageFormat.IMAGE_FORMAT_JPEG)
    record = queued(portrait(reference_image_ids=[jpeg.id, png.id]))
    assert await loader.urls(record) == [url(JPEG, "image/jpeg"), url(PNG, "image/png")]


async def test_the_latest_version_of_a_reference_is_loaded(loader: ReferenceLoader, storage: Storage) -> None:
    image = await stored(storage, PNG, ImageFormat.IMAGE_FORMAT_PNG)
    image.content.format, image.content.byte_size = ImageFormat.IMAGE_FORMAT_JPEG, len(JPEG)
    image.content.sha256 = await storage.blobs.put(JPEG)
    unit = storage.unit_of_work()
    unit.update(storage.images, image, 1)
    await unit.commit()
    assert await loader.urls(queued(portrait(reference_image_ids=[image.id]))) == [url(JPEG, "image/jpeg")]


async def test_a_reference_that_was_deleted_meanwhile_is_left_out(
    loader: ReferenceLoader, storage: Storage, database: Database
) -> None:
    kept = await stored(storage, PNG, ImageFormat.IMAGE_FORMAT_PNG)
    deleted = await stored(storage, JPEG, ImageFormat.IMAGE_FORMAT_JPEG)
    await database.delete_image(deleted.id)
    record = queued(portrait(reference_image_ids=[deleted.id, kept.id]))
    assert await loader.urls(record) == [url(PNG, "image/png")]


async def test_a_restyled_version_has_the_current_picture_as_its_reference(
    loader: ReferenceLoader, storage: Storage
) -> None:
    image = await stored(storage, PNG, ImageFormat.IMAGE_FORMAT_PNG)
    other = await stored(storage, JPEG, ImageFormat.IMAGE_FORMAT_JPEG)
    record = queued(portrait(reference_image_ids=[other.id]))
    record.image_id, record.reference_version = image.id, 1
    assert await loader.urls(record) == [url(PNG, "image/png")]


@pytest.mark.parametrize(
    ("width", "height", "scaled"),
    [(100, 50, (64, 32)), (50, 100, (32, 64)), (60, 30, (60, 30)), (200, 1, (64, 1)), (1, 200, (1, 64))],
)
async def test_a_large_reference_is_scaled_down(
    loader: ReferenceLoader,
    storage: Storage,
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    height: int,
    scaled: tuple[int, int],
) -> None:
    monkeypatch.setattr(references, "MAX_BYTES", 50)
    monkeypatch.setattr(references, "MAX_SIDE", 64)
    noise = pyvips.Image.new_from_memory(os.urandom(width * height * 3), width, height, 3, "uchar")
    data = noise.copy(interpretation="srgb").write_to_buffer(".png")
    image = await stored(storage, data, ImageFormat.IMAGE_FORMAT_PNG)
    [reference] = await loader.urls(queued(portrait(reference_image_ids=[image.id])))
    assert reference.startswith("data:image/webp;base64,")
    description = describe(decoded(reference))
    assert (description.width, description.height) == scaled


@pytest.mark.parametrize(("excess", "mime_type"), [(0, "image/png"), (1, "image/webp")])
async def test_the_limit_of_bytes_is_exact(
    loader: ReferenceLoader, storage: Storage, monkeypatch: pytest.MonkeyPatch, excess: int, mime_type: str
) -> None:
    monkeypatch.setattr(references, "MAX_BYTES", len(PNG) - excess)
    image = await stored(storage, PNG, ImageFormat.IMAGE_FORMAT_PNG)
    [reference] = await loader.urls(queued(portrait(reference_image_ids=[image.id])))
    assert reference.startswith(f"data:{mime_type};")
