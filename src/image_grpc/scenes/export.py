"""A tactical map as a file of another program."""

import hashlib
from dataclasses import dataclass

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_service_pb2 import SceneFile, SceneFormat
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc import pictures
from image_grpc.maps.grid import Grid
from image_grpc.maps.terrain import difficult_cells, impassable_cells
from image_grpc.pictures.claims import scene_claim, try_to_sign
from image_grpc.pictures.credentials import PictureSigner
from image_grpc.scenes.foundry import LEAST_CELL, foundry
from image_grpc.scenes.frame import Frame
from image_grpc.scenes.losses import Losses
from image_grpc.scenes.mask import note_mask_losses, wall_mask
from image_grpc.scenes.universal_vtt import universal_vtt


@dataclass(frozen=True, slots=True)
class SceneContent:
    """A file and its description."""

    file: SceneFile
    data: bytes


def export(image: Image, picture: bytes, format_: SceneFormat, signer: PictureSigner) -> SceneContent:
    """Return a tactical map, whose stored picture is `picture`, as a file with a signed picture. Takes time.

    Raises SceneLimitExceeded, BadPicture.
    """
    name, losses = f"map-{image.id[:8]}", Losses()
    if any(stairs.map_id for stairs in image.map.stairs):
        losses.of_scene("links between stairs and other maps are not exported")
    if image.map.HasField("floor_plan"):
        if len(difficult_cells(image.map.floor_plan)):
            losses.of_scene("difficult terrain is not exported")
        if len(impassable_cells(image.map.floor_plan)):
            losses.of_scene("ground that cannot be walked on, such as pits, is not exported")
    match format_:
        case SceneFormat.SCENE_FORMAT_UNIVERSAL_VTT:
            frame = Frame.of(Grid.of_map(image))
            placed = _placed(image, picture, frame, signer)
            data = universal_vtt(image, frame, placed, losses)
            suffix, media_type = ".uvtt", "application/json"
        case SceneFormat.SCENE_FORMAT_FOUNDRY:
            frame = Frame.of(Grid.of_map(image), least_cell=LEAST_CELL)
            placed = _placed(image, picture, frame, signer)
            data = foundry(image, frame, placed, name, _picture_suffix(image), losses)
            suffix, media_type = ".zip", "application/zip"
        case _:
            data = pictures.mask(wall_mask(image), image.content.size)
            suffix, media_type = "-walls.png", "image/png"
            note_mask_losses(image, losses)
    file = SceneFile(name=name + suffix, media_type=media_type, byte_size=len(data), losses=losses.all())
    file.sha256 = hashlib.sha256(data).hexdigest()
    return SceneContent(file, data)


def _placed(image: Image, picture: bytes, frame: Frame, signer: PictureSigner) -> bytes:
    placed = pictures.place(
        picture,
        _picture_format(image),
        scale=frame.scale,
        left=frame.left,
        top=frame.top,
        width=frame.width,
        height=frame.height,
    )
    described = pictures.describe(placed)
    return try_to_sign(signer, placed, lambda: scene_claim(image, picture, described, frame.scale)) or placed


def _picture_format(image: Image) -> ImageFormat:
    """Return the format of a scene's picture: PNG stays, everything else becomes WebP, which all importers read."""
    is_png = image.content.format == ImageFormat.IMAGE_FORMAT_PNG
    return ImageFormat.IMAGE_FORMAT_PNG if is_png else ImageFormat.IMAGE_FORMAT_WEBP


def _picture_suffix(image: Image) -> str:
    return ".png" if _picture_format(image) == ImageFormat.IMAGE_FORMAT_PNG else ".webp"
