"""Generated floor plans."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tabletop.image.v1.floor_plan_parameters_pb2 import FloorPlanKind
from tabletop.image.v1.map_pb2 import DoorKind, FloorPlan

from image_grpc.maps.properties import is_door
from image_grpc.maps.terrain import walkable_cells
from image_grpc.plans.check import check
from image_grpc.plans.reachability import connected_areas
from image_grpc.plans.validation import plan_violations
from image_grpc.validation import find_violations
from tests.plans.builders import KINDS, generated

ROOT = Path(__file__).parents[2]
SEEDS = 25
SIZES = ((12, 12), (12, 40), (40, 30), (64, 24), (128, 128))
DIGESTS = {
    "DUNGEON": "e51c0adfebc984af",
    "CAVE": "49c3a78cff00d1d8",
    "BUILDING": "9b145eb089e7d9b2",
    "OUTDOORS": "1a322b28a4e5cfb5",
}
"""Of the plans of version 1 of the algorithm, which never change."""


def digest(plans: list[FloorPlan]) -> str:
    whole = hashlib.sha256()
    for plan in plans:
        whole.update(plan.SerializeToString(deterministic=True))
    return whole.hexdigest()[:16]


def short_name(kind: FloorPlanKind) -> str:
    return FloorPlanKind.Name(kind).removeprefix("FLOOR_PLAN_KIND_")


@pytest.mark.parametrize("kind", KINDS, ids=short_name)
def test_all_of_a_plan_can_be_reached_and_nothing_is_wrong_with_it(kind: FloorPlanKind) -> None:
    for seed in range(SEEDS):
        plan = generated(kind, seed)
        assert find_violations(plan) == [], seed
        assert plan_violations(plan, "plan") == [], seed
        assert len(connected_areas(plan)) == 1, seed
        assert check(plan) == [], seed


@pytest.mark.parametrize("kind", KINDS, ids=short_name)
@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_plans_of_all_sizes_are_sound(kind: FloorPlanKind, columns: int, rows: int) -> None:
    for seed in (1, -7, 2**62)[: 1 if columns * rows > 10_000 else 3]:
        plan = generated(kind, seed, columns, rows)
        assert (plan.size.columns, plan.size.rows) == (columns, rows)
        assert find_violations(plan) + plan_violations(plan, "plan") + check(plan) == []
        assert walkable_cells(plan).mean() > 0.1


@pytest.mark.parametrize("kind", KINDS, ids=short_name)
def test_a_seed_gives_the_same_plan_for_ever(kind: FloorPlanKind) -> None:
    plans = [generated(kind, seed) for seed in range(5)]
    assert len({plan.SerializeToString() for plan in plans}) == 5
    assert digest(plans) == DIGESTS[short_name(kind)]


def test_another_process_generates_the_same_plans() -> None:
    program = (
        "from tests.plans.builders import KINDS, generated\n"
        "from tests.plans.test_generators import digest\n"
        "print(digest([generated(kind, seed, 60, 40) for kind in KINDS for seed in range(5)]))"
    )
    other = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.strip()
    assert other == digest([generated(kind, seed, 60, 40) for kind in KINDS for seed in range(5)])


def test_a_dungeon_has_no_more_rooms_than_allowed() -> None:
    assert len(generated(KINDS[0], columns=60, rows=40, max_rooms=5).rooms) == 5
    assert len(generated(FloorPlanKind.FLOOR_PLAN_KIND_BUILDING, columns=60, rows=40, max_rooms=5).rooms) <= 5
    assert len(generated(KINDS[0], columns=60, rows=40).rooms) > 12


def test_plans_have_what_their_kind_is_known_for() -> None:
    dungeons = [generated(FloorPlanKind.FLOOR_PLAN_KIND_DUNGEON, seed) for seed in range(8)]
    doors = Counter(wall.door.kind for plan in dungeons for wall in plan.walls if is_door(wall))
    assert doors[DoorKind.DOOR_KIND_DOOR] > doors[DoorKind.DOOR_KIND_PORTCULLIS] > 0
    assert doors[DoorKind.DOOR_KIND_SECRET] > 0
    for plan in dungeons:
        types = [each.type for each in plan.objects]
        assert types.count("stairs up") == types.count("stairs down") == 1
        assert plan.lights
    house = generated(FloorPlanKind.FLOOR_PLAN_KIND_BUILDING)
    assert any(wall.id.startswith("n") for wall in house.walls)
    assert house.rooms[0].name == "hall"
    land = generated(FloorPlanKind.FLOOR_PLAN_KIND_OUTDOORS)
    assert sum(each.type == "tree" for each in land.objects) > 20
    assert "=" in "".join(land.terrain)
    cave = generated(FloorPlanKind.FLOOR_PLAN_KIND_CAVE)
    assert {"#", ".", "~", ":"} <= set("".join(cave.terrain))
