"""What the objects of a floor plan are on a map: walls, and ways to other levels."""

from collections.abc import Iterable, Iterator

from tabletop.image.v1.map_pb2 import (
    CoordinateUnit,
    PlanObject,
    Position,
    Stairs,
    StairsDirection,
    Wall,
    WallKind,
    WallRestriction,
    WallRestrictions,
)

from image_grpc.messages import clone

_NORMAL, _LIMITED = WallRestriction.WALL_RESTRICTION_NORMAL, WallRestriction.WALL_RESTRICTION_LIMITED
_NONE = WallRestriction.WALL_RESTRICTION_NONE
_EVERYTHING = WallRestrictions(move=_NORMAL, sight=_NORMAL, light=_NORMAL, sound=_NORMAL)
_MOVEMENT = WallRestrictions(move=_NORMAL, sight=_NONE, light=_NONE, sound=_NONE)
_NOTHING = WallRestrictions(move=_NONE, sight=_NONE, light=_NONE, sound=_NONE)
_WAYS = ("stair", "steps", "ladder")
_DIRECTIONS = {"up": StairsDirection.STAIRS_DIRECTION_UP, "down": StairsDirection.STAIRS_DIRECTION_DOWN}
_UNKNOWN = StairsDirection.STAIRS_DIRECTION_UNSPECIFIED
_OF_TYPE = {
    **dict.fromkeys(("pillar", "column", "statue", "boulder", "tree"), _EVERYTHING),
    **dict.fromkeys(("table", "altar", "fountain", "well", "sarcophagus", "hearth"), _MOVEMENT),
}


def restrictions_of(object_: PlanObject) -> WallRestrictions:
    """Return what an object restricts: what it says itself, and otherwise what its type does."""
    restrictions = clone(_OF_TYPE.get(object_.type.lower(), _NOTHING))
    for sense, value in object_.restrictions.ListFields():
        setattr(restrictions, sense.name, value)
    return restrictions


def count_walls(object_: PlanObject) -> int:
    """Return the number of walls that stand for an object."""
    return 4 if _restricts(restrictions_of(object_)) else 0


def outline(object_: PlanObject) -> tuple[float, float, float, float]:
    """Return left, top, width and height of what restricts something: the trunk of a tree, all of other objects."""
    left, top, width, height = object_.x, object_.y, object_.width, object_.height
    if object_.type.lower() == "tree":
        return left + width / 4, top + height / 4, width / 2, height / 2
    return left, top, width, height


def object_walls(object_: PlanObject) -> Iterator[Wall]:
    """Yield the walls that stand for an object."""
    restrictions = restrictions_of(object_)
    if not _restricts(restrictions):
        return
    left, top, width, height = outline(object_)
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    for index, (start, end) in enumerate(zip(corners, [*corners[1:], corners[0]], strict=True)):
        yield Wall(
            id=f"{object_.id}-{index + 1}"[-64:],
            start=at(*start),
            end=at(*end),
            kind=WallKind.WALL_KIND_WALL,
            restrictions=restrictions,
        )


def stairs_of(objects: Iterable[PlanObject]) -> list[Stairs]:
    """Return the objects that are ways to another level."""
    return [
        Stairs(id=each.id, position=at(each.x + each.width / 2, each.y + each.height / 2), direction=_direction(each))
        for each in objects
        if is_way(each)
    ]


def is_way(object_: PlanObject) -> bool:
    """Whether an object leads to another level."""
    return any(word in object_.type.lower() for word in _WAYS)


def _direction(object_: PlanObject) -> StairsDirection:
    words = object_.type.lower().split()
    return next((value for word, value in _DIRECTIONS.items() if word in words), _UNKNOWN)


def at(x: float, y: float) -> Position:
    """Return a position in cells."""
    return Position(x=x, y=y, unit=CoordinateUnit.COORDINATE_UNIT_CELLS)


def _restricts(restrictions: WallRestrictions) -> bool:
    values = (restrictions.move, restrictions.sight, restrictions.light, restrictions.sound)
    return any(value in (_NORMAL, _LIMITED) for value in values)
