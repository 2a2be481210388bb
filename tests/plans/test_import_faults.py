"""Files that are damaged, or made to harm."""

from __future__ import annotations

import contextlib
import os
import tracemalloc
import zipfile

import pytest
from tabletop.image.v1.floor_plan_service_pb2 import FloorPlanFormat

from image_grpc.plans.importing import BadFile, import_file
from image_grpc.plans.validation import plan_violations
from image_grpc.validation import find_violations
from tests.plans.files import FILES, FOUNDRY, UNIVERSAL_VTT, as_bytes, mutated, zipped

ANY = FloorPlanFormat.FLOOR_PLAN_FORMAT_UNSPECIFIED
MAX_BYTES = 10_000_000
MUTATIONS = int(os.environ.get("MUTATIONS", "600"))
"""Mutated files of each format."""


@pytest.mark.parametrize("name", FILES)
def test_mutated_files_become_plans_or_are_refused(name: str) -> None:
    plans = 0
    for seed in range(MUTATIONS):
        try:
            plan = import_file(mutated(FILES[name], seed), ANY, max_bytes=MAX_BYTES).plan
        except BadFile:
            continue
        assert find_violations(plan) + plan_violations(plan, "plan") == [], seed
        plans += 1
    assert plans > MUTATIONS / 20


def test_files_that_unpack_to_gigabytes_take_no_memory() -> None:
    bombs = (zipped(FOUNDRY, cellar_png=b"\0" * 50_000_000), zipped({**FOUNDRY, "padding_text": " " * 50_000_000}))
    for bomb in bombs:
        tracemalloc.start()
        with pytest.raises(BadFile, match="at most"):
            import_file(bomb, ANY, max_bytes=1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
        tracemalloc.stop()


def test_members_of_archives_that_are_packed_in_unusual_ways_are_refused() -> None:
    for compression in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        with pytest.raises(BadFile, match="must be stored or deflated"):
            import_file(zipped(FOUNDRY, compression=compression), ANY, max_bytes=MAX_BYTES)


def test_damaged_archives_are_refused() -> None:
    whole = zipped(FOUNDRY)
    for position in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        with contextlib.suppress(BadFile):
            import_file(bytes(damaged), ANY, max_bytes=MAX_BYTES)


def test_rooms_of_too_many_pieces_are_left_out() -> None:
    cells = [[2 | (1 + (column + row) % 2) << 6 for column in range(100)] for row in range(100)]
    imported = import_file(as_bytes({"cells": cells}), ANY, max_bytes=MAX_BYTES)
    assert (len(imported.plan.rooms), imported.warnings) == (0, ["rooms of too many pieces are left out (2)"])


def test_files_with_too_many_lines_are_refused() -> None:
    far = [{"x": -index, "y": -5} for index in range(100_000)]
    for document in ({**UNIVERSAL_VTT, "line_of_sight": [far]}, {**FOUNDRY, "walls": FOUNDRY["walls"] * 8000}):
        with pytest.raises(BadFile, match="at most"):
            import_file(as_bytes(document), ANY, max_bytes=MAX_BYTES)
    zigzags = [
        [{"x": 1 + index * step % 37 / 4, "y": index * step % 19 / 4} for index in range(37 * 19)]
        for step in range(1, 9)
    ]
    document = {**UNIVERSAL_VTT, "line_of_sight": zigzags}
    with pytest.raises(BadFile, match="must have at most 2000 walls"):
        import_file(as_bytes(document), ANY, max_bytes=MAX_BYTES)
