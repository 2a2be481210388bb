"""Generators of floor plans, one for each kind."""

from collections.abc import Callable, Mapping

from tabletop.image.v1.floor_plan_parameters_pb2 import FloorPlanKind, FloorPlanParameters
from tabletop.image.v1.map_pb2 import FloorPlan, FloorPlanSize

from image_grpc.messages import clone
from image_grpc.plans.generators.building import building
from image_grpc.plans.generators.cave import cave
from image_grpc.plans.generators.dice import Dice
from image_grpc.plans.generators.draft import Draft
from image_grpc.plans.generators.dungeon import dungeon
from image_grpc.plans.generators.outdoors import outdoors

ALGORITHM_VERSION = 1
"""The newest version. To change what a generator returns, add a version and keep the earlier ones."""
DEFAULT_SIZE = FloorPlanSize(columns=40, rows=30)
_GENERATORS: Mapping[FloorPlanKind, Callable[[Draft, int], None]] = {
    FloorPlanKind.FLOOR_PLAN_KIND_DUNGEON: dungeon,
    FloorPlanKind.FLOOR_PLAN_KIND_CAVE: cave,
    FloorPlanKind.FLOOR_PLAN_KIND_BUILDING: building,
    FloorPlanKind.FLOOR_PLAN_KIND_OUTDOORS: outdoors,
}


def with_defaults(parameters: FloorPlanParameters) -> FloorPlanParameters:
    """Return parameters with all defaults filled in."""
    complete = clone(parameters)
    complete.algorithm_version = parameters.algorithm_version or ALGORITHM_VERSION
    if not parameters.HasField("size"):
        complete.size.CopyFrom(DEFAULT_SIZE)
    return complete


def generate(parameters: FloorPlanParameters) -> FloorPlan:
    """Return the plan of valid parameters with all defaults: always the same. Takes time."""
    dice = Dice(f"{parameters.algorithm_version}/{FloorPlanKind.Name(parameters.kind)}/{parameters.seed}")
    draft = Draft(parameters.size, dice)
    _GENERATORS[parameters.kind](draft, parameters.max_rooms)
    return draft.plan()
