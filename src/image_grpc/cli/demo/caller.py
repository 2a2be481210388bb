"""The calls that the demo makes."""

import time
from dataclasses import dataclass
from pathlib import Path

import click
import grpc
from google.protobuf import json_format
from tabletop.image.v1 import generation_request_pb2 as pb
from tabletop.image.v1 import overlay_service_pb2 as overlay_pb
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer, ReadImageRequest, RestoreImageVersionRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.cli.demo.requests import OVERLAYS, REQUESTS

WAIT_SECONDS = 120
_SUFFIXES = {
    ImageFormat.IMAGE_FORMAT_PNG: ".png",
    ImageFormat.IMAGE_FORMAT_JPEG: ".jpg",
    ImageFormat.IMAGE_FORMAT_WEBP: ".webp",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A generated picture that has been saved."""

    name: str
    file: Path
    seconds: float
    generation: Generation

    @property
    def image(self) -> Image:
        """The generated version of the image."""
        return self.generation.image


class Caller:
    """A caller of the service, who saves pictures in the folder `out`."""

    def __init__(self, channel: grpc.aio.Channel, out: Path) -> None:
        self._channel, self._out = channel, out

    async def generate(self, name: str) -> Generation:
        """Generate one of the pictures of the demo."""
        rpc, body = REQUESTS[name]
        request = json_format.Parse(body, getattr(pb, f"{rpc}Request")())
        request.wait_for.seconds = WAIT_SECONDS
        generation: Generation = (await getattr(GenerationServiceStub(self._channel), rpc)(request)).generation
        return generation

    async def generate_and_save(self, name: str) -> Picture:
        """Generate one of the pictures of the demo, and save it."""
        started = time.perf_counter()
        generation = await self.generate(name)
        return await self._save(name, generation, time.perf_counter() - started)

    async def apply_theme(self, picture: Picture, theme: str) -> Picture:
        """Generate a new version of a picture in another theme, and save it."""
        started = time.perf_counter()
        request = pb.ApplyThemeRequest(image_id=picture.image.id, version=picture.image.version, theme=theme)
        request.wait_for.seconds = WAIT_SECONDS
        generation = (await GenerationServiceStub(self._channel).ApplyTheme(request)).generation
        return await self._save(f"{picture.name} {theme}", generation, time.perf_counter() - started)

    async def restore_first_version(self, image: Image) -> Image:
        """Restore the first version of an image, as its newest."""
        request = RestoreImageVersionRequest(image_id=image.id, version=image.version, restore_version=1)
        restored: Image = (await ImageServiceStub(self._channel).RestoreImageVersion(request)).image
        return restored

    async def create_overlay(self, picture: Picture, portrait: Image) -> None:
        """Create the overlay of a map, with the portrait as the token of the hero."""
        rpc, body = OVERLAYS[picture.name]
        request = json_format.Parse(body, getattr(overlay_pb, f"{rpc}Request")())
        request.map_id = picture.image.id
        for element in request.elements:
            if element.id == "hero":
                element.token.image_id = portrait.id
        await getattr(OverlayServiceStub(self._channel), rpc)(request)

    async def save_composed(self, picture: Picture) -> Path:
        """Save a map with its overlays."""
        file = picture.file.with_name(f"{picture.file.stem}-composed.jpg")
        request = ReadImageRequest(
            image_id=picture.image.id,
            version=picture.image.version,
            layer=ImageLayer.IMAGE_LAYER_COMPOSED,
            format=ImageFormat.IMAGE_FORMAT_JPEG,
        )
        await self._read(request, file)
        return file

    async def _save(self, name: str, generation: Generation, seconds: float) -> Picture:
        if generation.state != GenerationState.GENERATION_STATE_SUCCEEDED:
            raise click.ClickException(f"{name}: {generation.error.reason}: {generation.error.message}")
        image = generation.image
        file = self._out / f"{name.replace(' ', '-')}{_SUFFIXES[image.content.format]}"
        await self._read(ReadImageRequest(image_id=image.id, version=image.version), file)
        return Picture(name=name, file=file, seconds=seconds, generation=generation)

    async def _read(self, request: ReadImageRequest, file: Path) -> None:
        with file.open("wb") as target:
            async for part in ImageServiceStub(self._channel).ReadImage(request):
                target.write(part.data)
