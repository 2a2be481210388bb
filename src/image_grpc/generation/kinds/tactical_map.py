"""Tactical maps: battle maps seen from above."""

from collections.abc import Collection

from tabletop.image.v1.generation_request_pb2 import Adherence, GenerateTacticalMapRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Fidelity, GridKind, HexShift, MapProperties, WallDirection, WallKind
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType, Size

from image_grpc.errors import Violation
from image_grpc.generation.kinds.kind import Kind
from image_grpc.generation.prompts import labeled, theme_name, with_properties
from image_grpc.maps.grid import DEFAULT_CELL, DEFAULT_COLOR, grid_on
from image_grpc.maps.properties import complete, light_violations, wall_violations
from image_grpc.maps.validation import grid_violations, plan_grid_violations
from image_grpc.messages import clear_empty_messages, clone
from image_grpc.plans import layouts
from image_grpc.plans.description import describe
from image_grpc.plans.drawing import RENDERER_VERSION
from image_grpc.plans.fidelity import measure
from image_grpc.settings import ServerSettings
from image_grpc.workers import GEOMETRY

DEFAULT_TRIES = 2
"""The most pictures that are generated for a layout, if a request has a least score and says nothing else."""


class TacticalMap(Kind[GenerateTacticalMapRequest]):
    request_type = GenerateTacticalMapRequest
    field = "tactical_map"
    image_type = ImageType.IMAGE_TYPE_MAP
    subtypes = (ImageSubtype.IMAGE_SUBTYPE_TACTICAL,)
    map_fields = ("grid", "walls", "lights", "floor_plan", "stairs")

    def default_model(self, settings: ServerSettings, request: GenerateTacticalMapRequest) -> str:
        return settings.model_planned_map if self.has_layout(request) else settings.model_tactical_map

    def default_size(self, request: GenerateTacticalMapRequest) -> Size:
        if not self.has_layout(request):
            return super().default_size(request)
        return layouts.default_size(layouts.size_of(request.layout), request.grid.size)

    async def completed(self, request: GenerateTacticalMapRequest) -> GenerateTacticalMapRequest:
        if not request.layout.HasField("floor_plan_parameters"):
            return request
        layout = await GEOMETRY.run(lambda: layouts.completed(request.layout))
        request = clone(request)
        request.layout.CopyFrom(layout)
        return request

    def fill_defaults(self, request: GenerateTacticalMapRequest) -> None:
        if self.has_layout(request):
            if request.layout.HasField("floor_plan"):
                layouts.assign_ids(request.layout.floor_plan)
            layouts.place(request.grid, layouts.size_of(request.layout), request.size)
            if request.HasField("adherence"):
                request.adherence.max_tries = request.adherence.max_tries or DEFAULT_TRIES
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
        violations += light_violations(request.lights, "lights")
        if not self.has_layout(request):
            if request.HasField("adherence"):
                violations.append(Violation("adherence", "must be set together with a layout only"))
            return violations
        violations += [
            Violation(field, "must be empty with a layout, which has its own")
            for field in ("walls", "lights")
            if getattr(request, field)
        ]
        violations += plan_grid_violations(request.grid, "grid")
        if request.grid.HasField("offset") and not request.grid.size:
            violations.append(Violation("grid.offset", "must be set together with grid.size if layout is set"))
        violations += layouts.layout_violations(request.layout, "layout")
        size = request.size if request.HasField("size") else self.default_size(request)
        return violations or layouts.placement_violations(layouts.size_of(request.layout), request.grid, size)

    def prompt_parts(self, request: GenerateTacticalMapRequest, theme: Theme) -> list[str]:
        style = theme.elements
        return [
            f"Tactical battle map for a tabletop role-playing game in {theme_name(theme)} style, "
            "seen straight from above, orthographic, evenly lit, playable, no perspective.",
            *(describe(request.layout.floor_plan) if self.has_layout(request) else ()),
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
        if self.has_layout(request):
            return layouts.properties_of(request.layout.floor_plan, request.grid)
        properties = MapProperties(grid=grid, walls=request.walls, lights=request.lights)
        complete(properties)
        return properties

    def has_layout(self, request: GenerateTacticalMapRequest) -> bool:
        return request.HasField("layout")

    def layout(self, request: GenerateTacticalMapRequest, ratio: float | None) -> bytes | None:
        if not self.has_layout(request):
            return None
        grid = grid_on(request.grid, request.size)
        return layouts.draw_reference(request.layout.floor_plan, grid, ratio)

    def fidelity(self, request: GenerateTacticalMapRequest, picture: bytes) -> Fidelity | None:
        if not self.has_layout(request):
            return None
        return measure(picture, request.layout.floor_plan, request.grid, request.size)

    def adherence(self, request: GenerateTacticalMapRequest) -> Adherence:
        return request.adherence

    def fingerprint_salt(self, request: GenerateTacticalMapRequest) -> bytes:
        return RENDERER_VERSION.to_bytes(4) if self.has_layout(request) else b""

    def adapt_to_changes(self, request: GenerateTacticalMapRequest, changed: Collection[str]) -> None:
        if not self.has_layout(request) and "adherence" not in changed:
            request.ClearField("adherence")
        if self.has_layout(request) and _moves_plan(changed) and "grid" not in changed:
            request.grid.ClearField("size")
            request.grid.ClearField("offset")

    def changed_map_fields(self, request: GenerateTacticalMapRequest, changed: Collection[str]) -> frozenset[str]:
        # Without a layout any more, the walls of the old one are gone as well.
        replaces_all = "layout" in changed or (self.has_layout(request) and _moves_plan(changed))
        return frozenset(self.map_fields) if replaces_all else super().changed_map_fields(request, changed)

    def forget_map(self, request: GenerateTacticalMapRequest) -> None:
        request.ClearField("layout")

    def describe_image(self, image: Image, request: GenerateTacticalMapRequest) -> None:
        if image.map.HasField("grid"):
            request.grid.CopyFrom(image.map.grid)
        request.ClearField("layout")
        if image.map.HasField("floor_plan"):
            request.grid.offset.SetInParent()  # else the plan would be moved into the middle
            request.layout.floor_plan.CopyFrom(layouts.current_plan(image))
            return
        request.ClearField("adherence")
        request.walls.extend(image.map.walls)
        request.lights.extend(image.map.lights)


def _moves_plan(changed: Collection[str]) -> bool:
    """Whether a change of these parameters puts the plan somewhere else on the picture."""
    return bool({"layout", "size"} & set(changed))
