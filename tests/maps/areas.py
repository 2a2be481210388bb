"""Areas of effect on squares of 5 ft, as sketches."""

from __future__ import annotations

from typing import Any

from tabletop.image.v1.overlay_pb2 import AreaOfEffect, AreaShape, CellInclusion, CreatureSize

from image_grpc.maps.areas import area_of
from tests.maps.builders import CELL, sketch, squares

SPHERE, CYLINDER, CONE, CUBE, LINE, EMANATION = (
    AreaShape.AREA_SHAPE_SPHERE,
    AreaShape.AREA_SHAPE_CYLINDER,
    AreaShape.AREA_SHAPE_CONE,
    AreaShape.AREA_SHAPE_CUBE,
    AreaShape.AREA_SHAPE_LINE,
    AreaShape.AREA_SHAPE_EMANATION,
)
CENTER, ANY_TOUCH, HALF_COVERED = (
    CellInclusion.CELL_INCLUSION_CENTER,
    CellInclusion.CELL_INCLUSION_ANY_TOUCH,
    CellInclusion.CELL_INCLUSION_HALF_COVERED,
)
TINY, SMALL, MEDIUM, LARGE, HUGE, GARGANTUAN = (
    CreatureSize.CREATURE_SIZE_TINY,
    CreatureSize.CREATURE_SIZE_SMALL,
    CreatureSize.CREATURE_SIZE_MEDIUM,
    CreatureSize.CREATURE_SIZE_LARGE,
    CreatureSize.CREATURE_SIZE_HUGE,
    CreatureSize.CREATURE_SIZE_GARGANTUAN,
)


def covered(
    shape: AreaShape, feet: float, at: tuple[float, float], map_: str, inclusion: Any = CENTER, **fields: Any
) -> list[str]:
    """Return a sketch of what an area at a point in squares covers, on a map as large as `map_`."""
    rows = map_.split()
    grid = squares(len(rows[0]), len(rows))
    effect = AreaOfEffect(shape=shape, size_feet=feet, inclusion=inclusion, **fields)
    return sketch(area_of(effect, at[0] * CELL, at[1] * CELL, grid).cells(grid, inclusion), grid)
