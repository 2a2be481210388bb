"""CheckFloorPlan, over a real channel."""

from __future__ import annotations

from typing import Any

import pytest
from tabletop.image.v1.floor_plan_service_pb2 import CheckFloorPlanRequest, FloorPlanFinding, FloorPlanFindingKind
from tabletop.image.v1.map_pb2 import FloorPlan

from tests.plans.builders import plan, two_rooms, wall
from tests.service import Service
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEALED = FloorPlanFindingKind.FLOOR_PLAN_FINDING_KIND_SEALED
NOWHERE = FloorPlanFindingKind.FLOOR_PLAN_FINDING_KIND_DOOR_TO_NOWHERE
GAP = FloorPlanFindingKind.FLOOR_PLAN_FINDING_KIND_GAP


async def findings(running: Service, plan: FloorPlan) -> list[FloorPlanFinding]:
    return list((await running.plans.CheckFloorPlan(CheckFloorPlanRequest(floor_plan=plan))).findings)


def cells(finding: FloorPlanFinding) -> list[tuple[int, int]]:
    return [(cell.column, cell.row) for cell in finding.cells]


async def test_a_sound_plan_has_no_findings(running: Service) -> None:
    assert await findings(running, two_rooms()) == []


async def test_a_room_without_a_door_is_sealed(running: Service) -> None:
    walls = [each for each in two_rooms().walls if each.id != "door"]
    [finding] = await findings(running, two_rooms(walls=[*walls, wall(4, 2, 4, 3, "wall")]))
    assert (finding.kind, list(finding.room_ids)) == (SEALED, ["east"])
    assert cells(finding) == [(column, row) for row in (1, 2, 3) for column in (4, 5, 6)]
    assert finding.description == "9 cells in east cannot be reached from the rest"


@pytest.mark.parametrize("state", [1, 2, 3])
async def test_doors_in_any_state_lead_on(running: Service, state: int) -> None:
    walls = [each for each in two_rooms().walls if each.id != "door"]
    door = wall(4, 2, 4, 3, "door", door={"state": state, "kind": 4})
    assert await findings(running, two_rooms(walls=[*walls, door])) == []


async def test_an_object_can_seal_a_room(running: Service) -> None:
    corridor = ["######", "#....#", "######", "######"]
    walls = [wall(1, 1, 5, 1), wall(5, 1, 5, 2), wall(5, 2, 1, 2), wall(1, 2, 1, 1)]
    table = {"id": "t", "type": "table", "x": 2, "y": 1, "width": 1, "height": 1}
    [finding] = await findings(running, plan(*corridor, walls=walls, objects=[table]))
    assert (finding.kind, cells(finding)) == (SEALED, [(1, 1)])
    chest = {**table, "type": "chest"}
    assert await findings(running, plan(*corridor, walls=walls, objects=[chest])) == []


async def test_a_door_into_rock_or_out_of_the_plan_leads_to_nowhere(running: Service) -> None:
    walls = [each for each in two_rooms().walls if each.id != "left"]
    broken = [wall(1, 4, 1, 3), wall(1, 3, 1, 2, "cellar", door={}), wall(1, 2, 1, 1)]
    [finding] = await findings(running, two_rooms(walls=[*walls, *broken]))
    assert (finding.kind, list(finding.wall_ids), cells(finding)) == (NOWHERE, ["cellar"], [(0, 2)])
    field = plan("....", "....", "....", "....", walls=[wall(0, 1, 0, 2, "out", door={})])
    [finding] = await findings(running, field)
    assert (finding.kind, cells(finding)) == (NOWHERE, [(0, 1)])


async def test_a_wide_door_leads_somewhere_along_all_of_it(running: Service) -> None:
    terrain = ["########", "##.....#", "#......#", "#......#", "########"]
    walls = [wall(1, 2, 2, 2), wall(2, 2, 2, 1), wall(2, 1, 7, 1), wall(7, 1, 7, 4), wall(7, 4, 1, 4), wall(1, 4, 1, 2)]
    split = [wall(2, 1, 2, 3, "gate", door={}), wall(2, 3, 2, 4)]
    [finding] = await findings(running, two_rooms(terrain=terrain, rooms=[], walls=[*walls[:1], *walls[2:], *split]))
    assert (finding.kind, list(finding.wall_ids), cells(finding)) == (NOWHERE, ["gate"], [(1, 1)])


async def test_doors_without_an_id_are_named_by_their_place(running: Service) -> None:
    field = plan("....", "....", "....", "....", walls=[wall(0, 1, 0, 2, door={})])
    [finding] = await findings(running, field)
    assert (finding.description, list(finding.wall_ids)) == ("door from (0, 1) to (0, 2) leads to nowhere", [])


@pytest.mark.parametrize("fields", [{"door": {"kind": 5}}, {"door": {"state": 1}}, {"restrictions": {"move": 1}}])
async def test_a_wall_that_lets_movement_through_is_no_gap(running: Service, fields: dict[str, Any]) -> None:
    walls = [each for each in two_rooms().walls if each.id != "left"]
    found = await findings(running, two_rooms(walls=[*walls, wall(1, 4, 1, 1, "left", **fields)]))
    assert GAP not in [finding.kind for finding in found]


async def test_an_object_is_no_wall(running: Service) -> None:
    walls = [each for each in two_rooms().walls if each.id != "left"]
    pillar = {"id": "p", "type": "pillar", "x": 1, "y": 2, "width": 1, "height": 1}
    found = await findings(running, two_rooms(walls=walls, objects=[pillar]))
    assert [cells(finding) for finding in found if finding.kind == GAP] == [[(1, 1), (1, 2), (1, 3)]]


async def test_reachability_is_that_of_moves_on_the_map(running: Service) -> None:
    assert await findings(running, plan("..oo", "..oo", "oo..", "oo..")) == []
    corridor = ["#####", "#...#", "#...#", "#...#", "#...#", "#...#", "#####"]
    walls = [wall(1, 1, 4, 1), wall(4, 1, 4, 6), wall(4, 6, 1, 6), wall(1, 6, 1, 1)]
    tree = {"id": "t", "type": "tree", "x": 1, "y": 2, "width": 3, "height": 3}
    assert await findings(running, plan(*corridor, walls=walls, objects=[tree])) == []
    for direction in (2, 3):
        one_way = wall(1, 3, 4, 3, "way", direction=direction)
        assert await findings(running, plan(*corridor, walls=[*walls, one_way])) == []


async def test_half_a_restriction_leaves_the_rest_to_the_type(running: Service) -> None:
    corridor = ["######", "#....#", "######", "######"]
    walls = [wall(1, 1, 5, 1), wall(5, 1, 5, 2), wall(5, 2, 1, 2), wall(1, 2, 1, 1)]
    bed = {"id": "b", "type": "bed", "x": 2, "y": 1, "width": 1, "height": 1, "restrictions": {"sight": 2}}
    assert await findings(running, plan(*corridor, walls=walls, objects=[bed])) == []
    [finding] = await findings(running, plan(*corridor, walls=walls, objects=[{**bed, "type": "table"}]))
    assert finding.kind == SEALED


async def test_a_plan_full_of_mistakes_has_a_bounded_report(running: Service) -> None:
    board = ["".join(".o"[(column % 2 + row % 2) % 2 or column % 2] for column in range(64)) for row in range(64)]
    rooms = [
        {"id": f"r{n}", "name": "x" * 100, "cells": [{"column": 0, "row": 0, "columns": 64, "rows": 64}] * 25}
        for n in range(200)
    ]
    found = await findings(running, plan(*board, rooms=rooms))
    assert len(found) == 100
    assert found[0].description.endswith("and 197 other rooms cannot be reached from the rest")


async def test_a_door_in_the_middle_of_a_cell_leads_somewhere(running: Service) -> None:
    corridor = ["######", "#....#", "######", "######"]
    walls = [wall(1, 1, 5, 1), wall(5, 1, 5, 2), wall(5, 2, 1, 2), wall(1, 2, 1, 1)]
    assert await findings(running, plan(*corridor, walls=[*walls, wall(2.5, 1, 2.5, 2, "door", door={})])) == []


async def test_floor_beside_rock_needs_a_wall(running: Service) -> None:
    walls = [each for each in two_rooms().walls if each.id != "left"]
    [finding] = await findings(running, two_rooms(walls=walls))
    assert (finding.kind, cells(finding)) == (GAP, [(1, 1), (1, 2), (1, 3)])


async def test_a_gap_of_a_quarter_cell_is_named_once(running: Service) -> None:
    walls = [each for each in two_rooms().walls if each.id != "upper"]
    [finding] = await findings(running, two_rooms(walls=[*walls, wall(4, 1, 4, 1.75, "upper")]))
    assert (finding.kind, set(finding.wall_ids), cells(finding)) == (GAP, {"upper", "door"}, [(4, 1)])


async def test_an_opening_of_a_cell_is_no_gap(running: Service) -> None:
    walls = [each for each in two_rooms().walls if each.id != "door"]
    assert await findings(running, two_rooms(walls=walls)) == []


async def test_an_invalid_plan_is_refused_with_all_violations(running: Service) -> None:
    broken = two_rooms(
        terrain=["########", "#......", "#..L...#", "#......#", "########"],
        walls=[wall(1, 1, 1, 1, "point"), wall(0, 0.1, 9, 0, "point", kind=4, door={})],
        objects=[{"id": "o", "type": "table", "x": 7.5, "y": 0, "width": 1, "height": 0.3}],
        grounds=[{"symbol": "w", "name": "wood"}, {"symbol": "w", "name": "wool", "color": "nocolor"}],
    )
    status = await failed_call(running.plans.CheckFloorPlan(CheckFloorPlanRequest(floor_plan=broken)))
    assert status.reason == "INVALID_ARGUMENT"
    assert status.fields == [
        "floor_plan.grounds[1].symbol",
        "floor_plan.grounds[1].color",
        "floor_plan.terrain[1]",
        "floor_plan.terrain[2]",
        "floor_plan.walls[1].id",
        "floor_plan.walls[1].door",
        "floor_plan.walls[0].end",
        "floor_plan.walls[1].start.y",
        "floor_plan.walls[1].end.x",
        "floor_plan.objects[0].width",
        "floor_plan.objects[0].height",
    ]


async def test_walls_in_pixels_are_refused(running: Service) -> None:
    pixels = {"x": 10, "y": 10, "unit": 1}
    request = CheckFloorPlanRequest(floor_plan=two_rooms(walls=[{"start": pixels, "end": {**pixels, "x": 20}}]))
    status = await failed_call(running.plans.CheckFloorPlan(request))
    assert "floor_plan.walls[0].start.unit" in status.fields


async def test_outlines_of_objects_count_as_walls(running: Service) -> None:
    objects = [
        {"id": f"o{index}", "type": "pillar", "x": index % 100, "y": index // 100, "width": 1, "height": 1}
        for index in range(500)
    ]
    wide = plan(*["." * 100] * 20, objects=objects, walls=[wall(0, 19, 1, 19, "w")])
    status = await failed_call(running.plans.CheckFloorPlan(CheckFloorPlanRequest(floor_plan=wide)))
    assert status.fields == ["floor_plan.objects"]
