"""A file of any of the formats."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tabletop.image.v1.floor_plan_service_pb2 import FloorPlanFormat
from tabletop.image.v1.map_pb2 import FloorPlan

from image_grpc.plans.importing import foundry
from image_grpc.plans.importing.donjon import read_donjon
from image_grpc.plans.importing.one_page_dungeon import read_one_page_dungeon
from image_grpc.plans.importing.reading import BadFile, Document, parse
from image_grpc.plans.importing.sketch import Reading
from image_grpc.plans.importing.universal_vtt import read_universal_vtt

_ZIP = b"PK\x03\x04"
_UNIVERSAL_VTT = FloorPlanFormat.FLOOR_PLAN_FORMAT_UNIVERSAL_VTT
_ONE_PAGE_DUNGEON = FloorPlanFormat.FLOOR_PLAN_FORMAT_ONE_PAGE_DUNGEON
_FOUNDRY = FloorPlanFormat.FLOOR_PLAN_FORMAT_FOUNDRY
_DONJON = FloorPlanFormat.FLOOR_PLAN_FORMAT_DONJON
_KEYS = {"resolution": _UNIVERSAL_VTT, "rects": _ONE_PAGE_DUNGEON, "cells": _DONJON, "walls": _FOUNDRY}
"""Formats by a field that only their files have."""
_READERS: Mapping[FloorPlanFormat, Callable[[Document], Reading]] = {
    _UNIVERSAL_VTT: read_universal_vtt,
    _ONE_PAGE_DUNGEON: read_one_page_dungeon,
    _FOUNDRY: foundry.read_foundry,
    _DONJON: read_donjon,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """A plan from a file."""

    plan: FloorPlan
    format: FloorPlanFormat
    warnings: list[str]
    picture: bytes
    """Empty if the file has none."""
    picture_columns: float
    """Width of the picture in cells."""


def import_file(data: bytes, format_: FloorPlanFormat, *, max_bytes: int) -> Imported:
    """Return the plan in a file; UNSPECIFIED: of the format that its content shows. Takes time. Raises BadFile.

    Nothing in a ZIP file may have more than `max_bytes`.
    """
    is_archive = data.startswith(_ZIP)
    document, packed = foundry.unpack(data, max_bytes) if is_archive else (parse(data), b"")
    actual = format_ or _recognized(document)
    reading = _READERS[actual](document)
    picture = packed if actual == _FOUNDRY else reading.picture
    if actual == _FOUNDRY and not picture:
        reading.sketch.lose("the picture is in another file")
    plan = reading.sketch.plan()
    return Imported(
        plan=plan,
        format=actual,
        warnings=reading.sketch.warnings,
        picture=picture,
        picture_columns=reading.picture_columns,
    )


def _recognized(document: Document) -> FloorPlanFormat:
    for key, format_ in _KEYS.items():
        if key in document:
            return format_
    raise BadFile("must be Universal VTT, One Page Dungeon, a Foundry scene or donjon JSON")
