"""Files of other programs, as small as they can be with everything in them."""

from __future__ import annotations

import base64
import copy
import io
import json
import random
import zipfile
from collections.abc import Iterator
from typing import Any

from tests.service import picture_bytes

PICTURE = picture_bytes(200, 100)

UNIVERSAL_VTT: dict[str, Any] = {
    "format": 0.2,
    "resolution": {"map_origin": {"x": 1, "y": 0}, "map_size": {"x": 10, "y": 5}, "pixels_per_grid": 20},
    "line_of_sight": [[{"x": 1, "y": 1}, {"x": 5, "y": 1}, {"x": 5, "y": 4}], [{"x": 1, "y": 1}, {"x": 1, "y": 4.1}]],
    "objects_line_of_sight": [[{"x": 3, "y": 3}, {"x": 4, "y": 3}]],
    "portals": [
        {
            "position": {"x": 5, "y": 4.5},
            "bounds": [{"x": 5, "y": 4}, {"x": 5, "y": 5}],
            "rotation": 1.57,
            "closed": True,
            "freestanding": False,
        },
        {"position": {"x": 7.5, "y": 1}, "rotation": 0, "closed": False},
    ],
    "environment": {"baked_lighting": True, "ambient_light": "ffffffff"},
    "lights": [{"position": {"x": 2, "y": 2}, "range": 6, "intensity": 1, "color": "ffffb866", "shadows": True}],
    "image": base64.b64encode(PICTURE).decode(),
}
FOUNDRY: dict[str, Any] = {
    "name": "cellar",
    "width": 1000,
    "height": 500,
    "padding": 0.1,
    "grid": {"type": 1, "size": 100, "distance": 5, "units": "ft"},
    "background": {"src": "worlds/maps/cellar.png", "offsetX": 0, "offsetY": 0},
    "walls": [
        {"c": [200, 200, 600, 200], "move": 20, "sight": 20, "light": 20, "sound": 20, "dir": 1, "door": 0, "ds": 0},
        {"c": [600, 200, 600, 300], "move": 20, "sight": 20, "light": 20, "sound": 20, "dir": 0, "door": 2, "ds": 2},
        {"c": [600, 300, 600, 400], "move": 20, "sight": 0, "light": 0, "sound": 20, "dir": 0, "door": 0, "ds": 0},
        {"c": [600, 400, 600, 500], "move": 20, "sight": 10, "light": 30, "sound": 0, "dir": 0, "door": 0, "ds": 0},
    ],
    "lights": [
        {"x": 350, "y": 250, "rotation": 270, "config": {"bright": 10, "dim": 20, "color": "#ffb866", "angle": 90}}
    ],
    "tokens": [{"name": "rat"}],
}
ONE_PAGE_DUNGEON: dict[str, Any] = {
    "version": "1.2.7",
    "title": "Vault of the Rat King",
    "story": "Once upon a time",
    "rects": [
        {"x": 0, "y": -1, "w": 3, "h": 3},
        {"x": 3, "y": 0, "w": 1, "h": 1},
        {"x": 4, "y": -2, "w": 5, "h": 5, "rotunda": True},
        {"x": 1, "y": 2, "w": 1, "h": 1},
        {"x": 9, "y": 0, "w": 1, "h": 1},
    ],
    "doors": [
        {"x": 3, "y": 0, "dir": {"x": 1, "y": 0}, "type": 7},
        {"x": 1, "y": 2, "dir": {"x": 0, "y": 1}, "type": 3},
        {"x": 9, "y": 0, "dir": {"x": 1, "y": 0}, "type": 9},
    ],
    "notes": [{"text": "A rat.", "ref": "1", "pos": {"x": 1.5, "y": 0.5}}],
    "columns": [{"x": 5, "y": -1}],
    "water": [{"x": 0, "y": 1}],
}
_ROOM, _CORRIDOR, _DOOR = 2 | 1 << 6, 4, 4 | 0x20000
DONJON: dict[str, Any] = {
    "cell_bit": {"room": 2, "corridor": 4, "room_id": 65472, "door": 131072, "locked": 262144, "trapped": 524288},
    "cells": [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, _ROOM, _ROOM, _DOOR | 0x40000, 4, 4, 4, 0],
        [0, _ROOM, _ROOM, 0, 0, 0, 4 | 0x400000, 0],
        [0, 2 | 0x80000, 0, 0, 0, 0, 0, 0],
        [0, 4, 4 | 0x800000, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
    ],
    "rooms": [None, {"id": 1, "contents": {"summary": "2 goblins", "detail": {"trap": "pit"}}}],
    "wandering_monsters": {"1": "rats"},
}
FILES = {"universal_vtt": UNIVERSAL_VTT, "foundry": FOUNDRY, "one_page_dungeon": ONE_PAGE_DUNGEON, "donjon": DONJON}


def as_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()


def zipped(document: Any, *, compression: int = zipfile.ZIP_DEFLATED, **files: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        archive.writestr("scene.json", json.dumps(document))
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return data.getvalue()


ODD_NUMBERS = (-1, 0, 0.1, 1, 3, 1e9, -1e9, 2**63, 2**70, 1e308)
ODD_VALUES = (*ODD_NUMBERS, None, True, "", "x", "\0", "é" * 700, [], [[]], [None], {}, {"x": 1})


def mutated(document: Any, seed: int) -> bytes:
    """Return the file with a few mistakes in values, and in some cases in bytes."""
    chance = random.Random(seed)
    changed = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        container, key = chance.choice(list(_places(changed)))
        match chance.randrange(5):
            case 0:
                del container[key]
            case 1 if isinstance(container, list):
                container.extend([copy.deepcopy(container[key])] * chance.choice((1, 3, 300)))
            case 2 if isinstance(container[key], int | float):
                container[key] = container[key] * chance.choice((-1, 2, 0.5, 100, 1e6)) + chance.choice((0, 1, 0.3))
            case _:
                container[key] = copy.deepcopy(chance.choice(ODD_VALUES))
        if not changed:
            break
    data = bytearray(as_bytes(changed))
    if chance.random() < 0.3:
        for _ in range(chance.choice((1, 3, 20))):
            data[chance.randrange(len(data))] = chance.randrange(256)
    if chance.random() < 0.1:
        del data[chance.randrange(len(data)) :]
    return bytes(data)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of a value in a document: what contains it, and its key."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])
