"""What callers do with floor plans."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from tabletop.image.v1 import floor_plan_service_pb2 as pb
from tabletop.image.v1.map_pb2 import FloorPlan, GridKind
from tabletop.image.v1.types_pb2 import Size

from image_grpc import pictures
from image_grpc.errors import InvalidArgument, Violation
from image_grpc.plans.check import check
from image_grpc.plans.drawing import draw_layout
from image_grpc.plans.generators import generate, with_defaults
from image_grpc.plans.importing import BadFile, import_file
from image_grpc.plans.map_properties import as_map, grid_of
from image_grpc.plans.validation import parameter_violations, plan_violations
from image_grpc.scenes.mask import wall_mask
from image_grpc.validation import find_violations
from image_grpc.workers import DECODING, GEOMETRY, RENDERING

MAX_SIDE, MAX_DEFAULT_CELL = 4096, 40
"""Longest side of a drawing, and largest side of a cell unless a request names one, in pixels."""
MAX_BYTES = 3_900_000
"""Of a drawing: clients accept responses of 4 MiB by default."""
MIN_CELL, MAX_CELL = 8, 1024
"""Limits of the grid of a map, in pixels."""
_MASK = pb.FloorPlanContent.FLOOR_PLAN_CONTENT_MASK
_SVG = pb.DrawingFormat.DRAWING_FORMAT_SVG


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A plan from a file, and its picture."""

    description: pb.ImportedFloorPlan
    picture: bytes


class FloorPlanner:
    """Generates, checks, draws and imports floor plans. Nothing is stored."""

    def __init__(self, *, max_bytes: int) -> None:
        """Files to import have at most `max_bytes`, and so have the pictures in them."""
        self._max_bytes = max_bytes

    async def generate(self, request: pb.GenerateFloorPlanRequest) -> pb.GenerateFloorPlanResponse:
        """Return a new plan. Raises InvalidArgument."""
        if violations := parameter_violations(request.parameters, "parameters"):
            raise InvalidArgument.of(violations)
        parameters = with_defaults(request.parameters)
        plan = await GEOMETRY.run(lambda: generate(parameters))
        return pb.GenerateFloorPlanResponse(floor_plan=plan, parameters=parameters)

    async def check(self, request: pb.CheckFloorPlanRequest) -> pb.CheckFloorPlanResponse:
        """Return the mistakes in a plan. Raises InvalidArgument."""
        _require_valid(request.floor_plan)
        return pb.CheckFloorPlanResponse(findings=await GEOMETRY.run(lambda: check(request.floor_plan)))

    async def render(self, request: pb.RenderFloorPlanRequest) -> pb.RenderFloorPlanResponse:
        """Return a drawing of a plan. Raises InvalidArgument."""
        plan, size = request.floor_plan, request.floor_plan.size
        _require_valid(plan)
        longest = max(size.columns, size.rows)
        cell_size = request.cell_size or min(MAX_DEFAULT_CELL, MAX_SIDE // longest)
        if cell_size * longest > MAX_SIDE:
            limit = f"must be at most {MAX_SIDE // longest} for {size.columns} x {size.rows} cells"
            raise InvalidArgument.of([Violation("cell_size", limit)])
        data = await RENDERING.run(lambda: _drawn(request, cell_size))
        while len(data) > MAX_BYTES and not request.cell_size and cell_size >= 2 * MIN_CELL:
            cell_size //= 2
            data = await RENDERING.run(lambda smaller=cell_size: _drawn(request, smaller))  # type: ignore[misc]
        if len(data) > MAX_BYTES:
            limit = f"is too large for this plan: the drawing has {len(data)} bytes, the limit is {MAX_BYTES}"
            raise InvalidArgument.of([Violation("cell_size", limit)])
        return pb.RenderFloorPlanResponse(
            data=data,
            media_type="image/svg+xml" if request.format == _SVG else "image/png",
            cell_size=cell_size,
            width=size.columns * cell_size,
            height=size.rows * cell_size,
        )

    async def import_file(self, parts: AsyncIterator[pb.ImportFloorPlanRequest]) -> ImportedFile:
        """Return the plan in a file. Raises InvalidArgument."""
        format_, data = await self._receive(parts)

        def read() -> ImportedFile:
            return _read(data, format_, self._max_bytes)

        try:
            return await DECODING.run(read)
        except BadFile as bad:
            raise InvalidArgument.of([Violation("data", str(bad))]) from None  # its traceback holds the data

    async def _receive(self, parts: AsyncIterator[pb.ImportFloorPlanRequest]) -> tuple[pb.FloorPlanFormat, bytes]:
        """Return the format, UNSPECIFIED if it is to be recognized, and all bytes. Raises InvalidArgument."""
        format_, data = pb.FloorPlanFormat.FLOOR_PLAN_FORMAT_UNSPECIFIED, bytearray()
        index = 0
        async for part in parts:
            if violations := find_violations(part):
                raise InvalidArgument.of(violations)
            if part.WhichOneof("part") == "format":
                if index:
                    raise InvalidArgument.of([Violation("format", "must be in the first message")])
                format_ = part.format
            data += part.data
            if len(data) > self._max_bytes:
                raise InvalidArgument.of([Violation("data", f"must be at most {self._max_bytes} bytes in all")])
            index += 1
        if not data:
            raise InvalidArgument.of([Violation("data", "must not be empty")])
        return format_, bytes(data)


def _read(data: bytes, format_: pb.FloorPlanFormat, max_bytes: int) -> ImportedFile:
    imported = import_file(data, format_, max_bytes=max_bytes)
    response = pb.ImportedFloorPlan(floor_plan=imported.plan, format=imported.format, warnings=imported.warnings)
    try:
        normalized = pictures.normalize(imported.picture) if imported.picture else None
    except pictures.BadPicture as bad:
        response.warnings.append(f"the picture is left out: {bad.message}")
        normalized = None
    if normalized is None:
        return ImportedFile(response, b"")
    described = normalized.description
    cell_size = described.width / imported.picture_columns
    rows = described.height / cell_size
    if abs(rows - imported.plan.size.rows) >= 1:
        response.warnings.append(f"the picture has {rows:g} rows of cells, the plan {imported.plan.size.rows}")
    if not MIN_CELL <= cell_size <= MAX_CELL:
        response.warnings.append(
            f"the picture is left out: a cell has {cell_size:g} pixels, not {MIN_CELL} to {MAX_CELL}"
        )
        return ImportedFile(response, b"")
    picture = response.picture
    picture.media_type, picture.byte_size = pictures.media_type(described.format), len(normalized.data)
    picture.width, picture.height = described.width, described.height
    picture.grid.size, picture.grid.kind = cell_size, GridKind.GRID_KIND_SQUARE
    return ImportedFile(response, normalized.data)


def _drawn(request: pb.RenderFloorPlanRequest, cell_size: int) -> bytes:
    plan = request.floor_plan
    grid = grid_of(plan, cell_size)
    is_mask = request.content == _MASK
    drawing = wall_mask(as_map(plan, cell_size)) if is_mask else draw_layout(plan, grid, shows_grid=request.grid)
    if request.format == _SVG:
        return drawing.svg().encode()
    size = Size(width=grid.width, height=grid.height)
    return pictures.mask(drawing, size) if is_mask else pictures.draw(drawing, size)


def _require_valid(plan: FloorPlan) -> None:
    if violations := plan_violations(plan, "floor_plan"):
        raise InvalidArgument.of(violations)
