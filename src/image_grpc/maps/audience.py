"""What is drawn of a map for an audience."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ReadImageRequest
from tabletop.image.v1.map_pb2 import Cell, LightLevel
from tabletop.image.v1.overlay_pb2 import Overlay, TacticalElement, Visibility
from tabletop.image.v1.overlay_service_pb2 import RenderOverlayRequest
from tabletop.image.v1.types_pb2 import ImageSubtype
from tabletop.image.v1.viewer_pb2 import Audience, Viewer

from image_grpc.errors import InvalidArgument, Violation
from image_grpc.maps.areas import area_of
from image_grpc.maps.creatures import space
from image_grpc.maps.grid import Grid
from image_grpc.maps.validation import duplicates
from image_grpc.maps.vision import check_work, seen_area
from image_grpc.messages import clone, oneof_value

EDGE = 1.0
"""Pixels at the edge of the seen area that are covered as well, because drawing blends them with their neighbors."""
_HIDDEN = Visibility.VISIBILITY_GAME_MASTER


class MapPart(Enum):
    """What may be left out of a map."""

    GRID = "grid"
    LEGEND = "legend"
    SCALE_BAR = "scale_bar"


@dataclass(frozen=True, kw_only=True, slots=True)
class ForWhom:
    """An audience, and what it sees."""

    audience: Audience = Audience.AUDIENCE_GAME_MASTER
    has_fog: bool = False
    """Whether what no viewer sees is covered."""
    viewers: Sequence[Viewer] = field(default_factory=tuple)
    explored: Sequence[Cell] = field(default_factory=tuple)
    ambient_light: LightLevel = LightLevel.LIGHT_LEVEL_UNSPECIFIED
    draws_weak_edges: bool = False
    """Whether walls are drawn that the picture does not show."""
    left_out: frozenset[MapPart] = frozenset()
    """What is not drawn."""

    @property
    def is_players(self) -> bool:
        """Whether it sees only what is visible for everyone."""
        return self.audience == Audience.AUDIENCE_PLAYERS

    def overlays(self, overlays: Iterable[Overlay]) -> list[Overlay]:
        """Return the overlays that are drawn for it, without hidden elements."""
        drawn = [overlay for overlay in overlays if overlay.visible]
        return [self.shown(each) for each in drawn if each.visibility != _HIDDEN] if self.is_players else drawn

    def shown(self, overlay: Overlay) -> Overlay:
        """Return what it may see of an overlay."""
        return _without_hidden(overlay) if self.is_players else overlay

    def fog(self, image: Image) -> "Fog | None":
        """Return what covers a map; None: nothing. Takes time: call it in a worker thread.

        Raises VisionLimitExceeded.
        """
        if not self.has_fog:
            return None
        check_work(image, self.viewers, self.ambient_light)
        grid = Grid.of_map(image)
        map_ = shapely.box(0, 0, grid.width, grid.height)
        outside = shapely.difference(shapely.buffer(map_, 2 * EDGE, join_style="mitre"), map_)
        seen = shapely.union(seen_area(image, self.viewers, self.ambient_light), outside)
        seen = shapely.intersection(shapely.buffer(seen, -EDGE), map_)
        cells = np.array([(cell.column, cell.row) for cell in self.explored], dtype=np.int64).reshape(-1, 2)
        explored = shapely.union_all(grid.outlines(np.unique(cells, axis=0)))
        return Fog(seen=seen, explored=shapely.difference(explored, seen))

    @property
    def key(self) -> bytes:
        """Identifies what is drawn for it."""
        parts = [b"%d %d %d %d" % (self.is_players, self.has_fog, self.ambient_light, self.draws_weak_edges)]
        parts += sorted(part.value.encode() for part in self.left_out)
        parts += [each.SerializeToString(deterministic=True) for each in (*self.viewers, *self.explored)]
        return b"".join(b"%d:%b" % (len(part), part) for part in parts)


def duplicate_viewers(viewers: Sequence[Viewer]) -> list[Violation]:
    """Return the first viewer whose id another one before it has, as a violation, if any."""
    repeated = duplicates(viewers)[:1]
    return [Violation(f"viewers[{index}].id", "must be unique within the request") for index in repeated]


def audience_of(request: ReadImageRequest | RenderOverlayRequest, image: Image) -> ForWhom:
    """Return for whom a request draws a map. Raises InvalidArgument for viewers that nobody looks through."""
    is_players = request.audience == Audience.AUDIENCE_PLAYERS
    has_fog = request.fog or bool(request.viewers)
    violations = duplicate_viewers(request.viewers)
    if has_fog and not (is_players and image.subtype == ImageSubtype.IMAGE_SUBTYPE_TACTICAL):
        name = "viewers" if request.viewers else "fog"
        violations.append(Violation(name, "must be set for the players of a tactical map only"))
    if not has_fog:
        violations += [
            Violation(name, "must be set together with fog or viewers only")
            for name in ("explored", "ambient_light")
            if getattr(request, name)
        ]
    if violations:
        raise InvalidArgument.of(violations)
    return ForWhom(
        audience=request.audience,
        has_fog=has_fog,
        viewers=request.viewers,
        explored=request.explored,
        ambient_light=request.ambient_light,
        draws_weak_edges=isinstance(request, ReadImageRequest) and request.draw_weak_edges,
        left_out=_left_out(request) if isinstance(request, ReadImageRequest) else frozenset(),
    )


def _left_out(request: ReadImageRequest) -> frozenset[MapPart]:
    hidden = {
        MapPart.GRID: request.hide_grid,
        MapPart.LEGEND: request.hide_legend,
        MapPart.SCALE_BAR: request.hide_scale_bar,
    }
    return frozenset(part for part, is_hidden in hidden.items() if is_hidden)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fog:
    """What covers a map for players."""

    seen: BaseGeometry
    explored: BaseGeometry
    """Seen before, but not now."""

    def shows(self, element: TacticalElement, image: Image) -> bool:
        """Whether an element is seen.

        An area of effect is if any part of it is. A creature is if its middle is, or that of any cell of the space of a
        large one; a range or line of sight, if the creature is that it starts at: its shape would show where that is.
        """
        grid = Grid.of_map(image)
        x, y = grid.pixels(element.position)
        if element.HasField("effect"):
            return bool(shapely.intersects(area_of(element.effect, x, y, grid).outline, self.seen))
        cells = space(grid, x, y, element.token.size)
        middles = [(x, y), *grid.center(cells)] if len(cells) > 1 else [(x, y)]
        return bool(np.any(shapely.intersects(shapely.points(middles), self.seen)))

    def limited(self, shape: BaseGeometry, margin: float) -> BaseGeometry:
        """Return the part of a shape within `margin` pixels of what is seen: fog covers the lines along its edge."""
        return shapely.intersection(shape, shapely.buffer(self.seen, margin))


def _without_hidden(overlay: Overlay) -> Overlay:
    shown = clone(overlay)
    elements = oneof_value(shown, "content").elements
    kept = [clone(element) for element in elements if element.visibility != _HIDDEN]
    del elements[:]
    elements.extend(kept)
    return shown
