"""Tactical maps: battle maps seen from above."""

from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import GridKind, HexShift, MapProperties, WallDirection, WallKind
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from image_grpc.errors import Violation
from image_grpc.generation.kinds.kind import Kind
from image_grpc.generation.prompts import labeled, theme_name, with_properties
from image_grpc.maps.grid import DEFAULT_CELL, DEFAULT_COLOR
from image_grpc.maps.properties import complete, light_violations, wall_violations
from image_grpc.maps.validation import grid_violations
from image_grpc.messages import clear_empty_messages
from image_grpc.settings import ServerSettings


class TacticalMap(Kind[GenerateTacticalMapRequest]):
    request_type = GenerateTacticalMapRequest
    field = "tactical_map"
    image_type = ImageType.IMAGE_TYPE_MAP
    subtypes = (ImageSubtype.IMAGE_SUBTYPE_TACTICAL,)
    map_fields = ("grid", "walls", "lights")

    def default_model(self, settings: ServerSettings) -> str:
        return settings.model_tactical_map

    def fill_defaults(self, request: GenerateTacticalMapRequest) -> None:
        if request.HasField("grid"):
            request.grid.size = request.grid.size or DEFAULT_CELL
            request.grid.color = request.grid.color or DEFAULT_COLOR
            request.grid.kind = request.grid.kind or GridKind.GRID_KIND_SQUARE
            clear_empty_messages(request.grid)
            if request.grid.hex_shift == HexShift.HEX_SHIFT_ODD:
                request.grid.ClearField("hex_shift")
        for wall in request.walls:
            if not wall.HasField("door"):
                wall.kind = wall.kind or WallKind.WALL_KIND_WALL
            if not wall.restrictions.ByteSize():
                wall.ClearField("restrictions")
            if wall.direction == WallDirection.WALL_DIRECTION_BOTH:
                wall.ClearField("direction")

    def violations(self, request: GenerateTacticalMapRequest) -> list[Violation]:
        violations = grid_violations(request.grid, "grid") + wall_violations(request.walls, "walls")
        return violations + light_violations(request.lights, "lights")

    def prompt_parts(self, request: GenerateTacticalMapRequest, theme: Theme) -> list[str]:
        style = theme.elements
        return [
            f"Tactical battle map for a tabletop role-playing game in {theme_name(theme)} style, "
            "seen straight from above, orthographic, evenly lit, playable, no perspective.",
            labeled("Terrain", with_properties(request.terrain.type, request.terrain.properties)),
            labeled("It shows", ", ".join(request.features)),
            labeled("Architecture", style.architecture),
            labeled("Environment", style.environment),
            labeled("Technology", style.technology),
            labeled("Colors", style.color_scheme),
            labeled("Lighting", style.lighting),
            "No grid, no text, no labels, no characters, no border.",
        ]

    def map_properties(self, request: GenerateTacticalMapRequest) -> MapProperties:
        grid = request.grid if request.HasField("grid") else None
        properties = MapProperties(grid=grid, walls=request.walls, lights=request.lights)
        complete(properties)
        return properties

    def describe_image(self, image: Image, request: GenerateTacticalMapRequest) -> None:
        if image.map.HasField("grid"):
            request.grid.CopyFrom(image.map.grid)
        request.walls.extend(image.map.walls)
        request.lights.extend(image.map.lights)
