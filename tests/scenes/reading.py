"""A strict reader of exported Universal VTT files."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import pyvips

SCHEMA = json.loads(Path("docs/schemas/universal-vtt-0.3.json").read_text())


def read_universal_vtt(data: bytes) -> dict[str, Any]:
    """Return the file as JSON, with the decoded picture as `image`. Fails for what any importer would misread."""
    scene: dict[str, Any] = json.loads(data)
    jsonschema.Draft202012Validator(SCHEMA).validate(scene)
    picture = pyvips.Image.new_from_buffer(base64.b64decode(scene["image"], validate=True), "")
    size, cell = scene["resolution"]["map_size"], scene["resolution"]["pixels_per_grid"]
    assert (picture.width, picture.height) == (round(size["x"] * cell), round(size["y"] * cell))
    for line in (*scene["line_of_sight"], *scene["objects_line_of_sight"]):
        for start, end in itertools.pairwise(line):
            assert start != end, "no segment without length"
    for portal in scene["portals"]:
        assert portal["bounds"][0] != portal["bounds"][1]
    return {**scene, "image": picture}


def points(each: Iterable[dict[str, float]]) -> list[tuple[float, float]]:
    """Return points as pairs."""
    return [(point["x"], point["y"]) for point in each]
