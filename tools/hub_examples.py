"""Messages for the hub documents. A test sends each of them to a running service."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from image_grpc.hub import topology
from tools.contracts import comment_of
from tools.json_schemas import (
    INTEGERS,
    LONGS,
    NUMBERS,
    WELL_KNOWN,
    is_map,
    is_required,
    map_value,
    min_items,
    single_schema,
)

CHARACTER = "0f6ed0d2-9d0a-4d0e-9c51-3f6e6f7e1234"
CAMPAIGN = "7a5b1c52-6a0c-4c3f-9d53-0d6f2f1c7b11"
ITEM = "c0d2f6de-0f4c-4f0b-8c59-2b1d7c1f5a20"
IMAGE = "5be2c1a4-7f0e-4d39-b8e4-0f9c1d2e3a01"
MAP = "5be2c1a4-7f0e-4d39-b8e4-0f9c1d2e3a02"
CAMPAIGN_MAP = "5be2c1a4-7f0e-4d39-b8e4-0f9c1d2e3a03"
UPPER_MAP = "5be2c1a4-7f0e-4d39-b8e4-0f9c1d2e3a04"
OVERLAY = "8d1f5c1e-2b3a-4c5d-9e6f-7a8b9c0d1e01"
GENERATION = "1c9d8e7f-6a5b-4c3d-8e2f-1a0b9c8d7e01"
TIME = "2026-11-23T20:15:00Z"
_FLOOR_PLAN = {
    "size": {"columns": 6, "rows": 4},
    "terrain": ["......", "...~~.", "..~~..", "......"],
    "rooms": [{"id": "pond", "name": "pond", "cells": [{"column": 2, "row": 1, "columns": 3, "rows": 2}]}],
    "walls": [
        {
            "id": "fence",
            "start": {"x": 1, "y": 0, "unit": "COORDINATE_UNIT_CELLS"},
            "end": {"x": 1, "y": 3, "unit": "COORDINATE_UNIT_CELLS"},
            "kind": "WALL_KIND_LOW_WALL",
        }
    ],
}
_SIZE = {"width": 256, "height": 256}

REQUESTS: dict[str, dict[str, Any]] = {
    "GenerationService.GenerateTacticalMap": {
        "theme": "fantasy",
        "size": {"width": 560, "height": 420},
        "grid": {"enabled": True},
        "terrain": {"type": "dungeon", "properties": {"floor": "wet stone"}},
        "features": ["stone altar", "collapsed pillar"],
        "layout": {"floor_plan_parameters": {"kind": "FLOOR_PLAN_KIND_CAVE", "size": {"columns": 16, "rows": 12}}},
        "adherence": {"min_score": 0.7, "max_tries": 2},
        "source": {"id": CAMPAIGN, "service": "campaign-service"},
        "wait_for": "60s",
    },
    "GenerationService.GenerateCampaignMap": {
        "theme": "fantasy",
        "size": _SIZE,
        "scale": {"unit": "miles", "value": 50},
        "features": ["river delta"],
        "points_of_interest": [{"type": "town", "name": "Greyport", "location": {"x": 120, "y": 80}}],
        "source": {"id": CAMPAIGN, "service": "campaign-service"},
        "wait_for": "60s",
    },
    "GenerationService.GeneratePortrait": {
        "theme": "fantasy",
        "size": _SIZE,
        "format": "IMAGE_FORMAT_WEBP",
        "character_id": CHARACTER,
        "kind": "CHARACTER_KIND_NPC",
        "species": "half-elf",
        "character_class": "ranger",
        "traits": ["scar over the left eye"],
        "style": {"pose": "three-quarter view", "lighting": "torchlight"},
        "equipment": {"visible": True, "items": ["longbow"]},
        "wait_for": "60s",
    },
    "GenerationService.GenerateItemIllustration": {
        "theme": "fantasy",
        "size": _SIZE,
        "item_id": ITEM,
        "type": "ITEM_TYPE_WEAPON",
        "name": "longsword",
        "properties": {"material": "steel", "magical_effects": ["runes that glow blue"], "wear_state": "battered"},
        "wait_for": "60s",
    },
    "GenerationService.RegenerateImage": {
        "image_id": IMAGE,
        "version": 1,
        "portrait": {"details": "older, with gray hair"},
        "update_mask": "details",
        "wait_for": "60s",
    },
    "GenerationService.ApplyTheme": {
        "image_id": MAP,
        "version": 1,
        "theme": "horror",
        "strength": 0.8,
        "elements": ["THEME_ELEMENT_LIGHTING"],
        "wait_for": "60s",
    },
    "GenerationService.GetGeneration": {"generation_id": GENERATION},
    "GenerationService.ListGenerations": {"state": "GENERATION_STATE_SUCCEEDED", "source_id": CHARACTER},
    "GenerationService.WaitGeneration": {"generation_id": GENERATION, "timeout": "30s"},
    "GenerationService.CancelGeneration": {"generation_id": GENERATION},
    "GenerationService.ListModels": {"page_size": 10},
    "ImageService.GetImage": {"image_id": IMAGE},
    "ImageService.BatchGetImages": {"image_ids": [IMAGE, MAP]},
    "ImageService.ListImages": {"source_id": CHARACTER, "type": "IMAGE_TYPE_CHARACTER", "page_size": 20},
    "ImageService.ListImageVersions": {"image_id": IMAGE},
    "ImageService.RestoreImageVersion": {"image_id": IMAGE, "version": 2, "restore_version": 1},
    "ImageService.DeleteImage": {"image_id": IMAGE},
    "ImageService.UndeleteImage": {"image_id": IMAGE},
    "MapService.UpdateMap": {
        "map_id": MAP,
        "version": 2,
        "changes": {
            "grid": {"enabled": True, "size": 57.69, "offset": {"x": 12.5, "y": 0}},
            "put_walls": [
                {
                    "id": "gate",
                    "start": {"x": 4, "y": 3, "unit": "COORDINATE_UNIT_CELLS"},
                    "end": {"x": 5, "y": 3, "unit": "COORDINATE_UNIT_CELLS"},
                    "door": {"kind": "DOOR_KIND_PORTCULLIS", "state": "DOOR_STATE_CLOSED"},
                }
            ],
        },
    },
    "MapService.ComputeVision": {
        "map_id": MAP,
        "viewers": [
            {
                "id": "mage",
                "position": {"x": 2.5, "y": 1.5, "unit": "COORDINATE_UNIT_CELLS"},
                "range_feet": 60,
                "carried_light": {"bright_feet": 20, "dim_feet": 40, "color": "#ffd9a0"},
            }
        ],
    },
    "MapService.SetDoorState": {"map_id": MAP, "door_id": "gate", "state": "DOOR_STATE_OPEN"},
    "FloorPlanService.GenerateFloorPlan": {
        "parameters": {"kind": "FLOOR_PLAN_KIND_DUNGEON", "size": {"columns": 24, "rows": 16}, "seed": "7"}
    },
    "FloorPlanService.CheckFloorPlan": {"floor_plan": _FLOOR_PLAN},
    "FloorPlanService.RenderFloorPlan": {"floor_plan": _FLOOR_PLAN, "format": "DRAWING_FORMAT_SVG", "grid": True},
    "MapService.ConnectStairs": {"map_id": MAP, "stairs_id": "o1", "other_map_id": UPPER_MAP, "other_stairs_id": "o2"},
    "OverlayService.CreateTacticalOverlay": {
        "map_id": MAP,
        "name": "Round 1",
        "elements": [
            {
                "id": "ogre",
                "position": {"x": 2.5, "y": 1.5, "unit": "COORDINATE_UNIT_CELLS"},
                "properties": {"label": "Ogre"},
                "token": {"kind": "TOKEN_KIND_MONSTER", "size": "CREATURE_SIZE_LARGE"},
            },
            {
                "id": "fireball",
                "position": {"x": 5, "y": 4, "unit": "COORDINATE_UNIT_CELLS"},
                "effect": {"shape": "AREA_SHAPE_SPHERE", "size_feet": 20},
            },
        ],
    },
    "OverlayService.CreateCampaignOverlay": {
        "map_id": CAMPAIGN_MAP,
        "name": "Journey",
        "elements": [{"id": "party", "coordinates": {"x": 120, "y": 90}, "party": {"members": 4}}],
    },
    "OverlayService.GetOverlay": {"overlay_id": OVERLAY},
    "OverlayService.ListOverlays": {"map_id": MAP},
    "OverlayService.UpdateOverlay": {
        "overlay_id": OVERLAY,
        "version": 1,
        "changes": {"visible": True, "remove_element_ids": ["fireball"]},
    },
    "OverlayService.RenderOverlay": {"overlay_id": OVERLAY},
    "OverlayService.DeleteOverlay": {"overlay_id": OVERLAY},
    "StatusService.GetStatus": {},
    "ThemeService.ListThemes": {},
    "ThemeService.GetTheme": {"theme": "fantasy"},
    "ThemeService.CreateTheme": {
        "theme": {
            "name": "salt_marsh",
            "display_name": "Salt Marsh",
            "elements": {"environment": "reeds and brackish water", "lighting": "low sun through mist"},
        }
    },
    "ThemeService.UpdateTheme": {"theme": {"name": "salt_marsh", "display_name": "The Salt Marsh", "version": 1}},
    "ThemeService.DeleteTheme": {"theme": "salt_marsh"},
}
"""Payloads of requests by method, in an order in which they succeed one after the other."""

EVENTS: dict[str, dict[str, Any]] = {
    topology.CHARACTER_UPDATED: {
        "character_id": CHARACTER,
        "changes": {"appearance": {"hair": "silver"}, "equipment": ["longbow", "cloak"]},
    },
    topology.CAMPAIGN_THEME_CHANGED: {"campaign_id": CAMPAIGN, "new_theme": "horror"},
    topology.MAP_STATE_CHANGED: {
        "map_id": MAP,
        "overlay_updates": [{"overlay_id": OVERLAY, "changes": {"name": "Round 2"}}],
        "door_states": [{"door_id": "gate", "state": "DOOR_STATE_OPEN"}],
    },
}
"""Payloads of the events that the service reacts to."""

STORAGE: dict[str, dict[str, Any]] = {
    topology.STORE: {
        "storage_correlation_id": GENERATION,
        "batch": {
            "puts": [
                {
                    "record": {
                        "key": {"kind": "RECORD_KIND_CACHE_ENTRY", "id": "example"},
                        "body_type": "tabletop.image.internal.v1.CacheEntry",
                        "body": "AAEC",
                    }
                }
            ]
        },
    },
    topology.RETRIEVE: {
        "storage_correlation_id": GENERATION,
        "records": {"keys": [{"kind": "RECORD_KIND_CACHE_ENTRY", "id": "example"}]},
    },
    topology.LIST: {"storage_correlation_id": GENERATION, "kind": "RECORD_KIND_CACHE_ENTRY", "page_size": 50},
    topology.DELETE: {
        "storage_correlation_id": GENERATION,
        "keys": [{"kind": "RECORD_KIND_CACHE_ENTRY", "id": "example"}],
    },
}
"""Payloads of the requests to the Storage Service."""


def example(message: Descriptor, depth: int = 3) -> Any:
    """Return example values for the fields of a message that the service sends; a oneof has its first field set."""
    if message.full_name in WELL_KNOWN:
        return _WELL_KNOWN[message.full_name]
    values: dict[str, Any] = {}
    for field in message.fields:
        oneof = field.containing_oneof
        if oneof is not None and oneof.fields[0] is not field:
            continue
        is_deep = not depth and field.message_type is not None and field.message_type.full_name not in WELL_KNOWN
        if is_deep and not is_required(field):
            continue
        if is_map(field):
            values[field.name] = {"name": _value(map_value(field), depth)}
        elif field.is_repeated:
            values[field.name] = [_value(field, depth)] * max(1, min_items(field))
        else:
            values[field.name] = _value(field, depth)
    return values


_WELL_KNOWN: dict[str, Any] = {
    "google.protobuf.Timestamp": TIME,
    "google.protobuf.Duration": "30s",
    "google.protobuf.FieldMask": "details",
    "google.protobuf.Struct": {"hair": "silver"},
}


def _value(field: FieldDescriptor, depth: int) -> Any:
    schema = single_schema(field)
    if field.message_type is not None:
        return example(field.message_type, max(depth - 1, 0))
    if field.enum_type is not None:
        return field.enum_type.values[min(1, len(field.enum_type.values) - 1)].name
    if field.type in INTEGERS | NUMBERS:
        return max(1, schema.get("minimum", 1))
    if field.type in LONGS:
        return "1"
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    return "AAEC" if field.type == FieldDescriptor.TYPE_BYTES else _text(field)


def _text(field: FieldDescriptor) -> str:
    comment = comment_of(field.full_name)
    if "UUID" in comment:
        return CHARACTER
    if "SHA-256" in comment or field.name == "sha256":
        return "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    quoted = re.search(r"for example `([^`]+)`", comment)
    return quoted[1] if quoted else "fantasy" if "theme" in field.name else "text"
