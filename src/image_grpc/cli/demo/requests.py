"""The requests of the demo, as JSON: method and body by the name of the picture."""

REQUESTS: dict[str, tuple[str, str]] = {
    "tactical map": (
        "GenerateTacticalMap",
        """{"theme": "fantasy", "size": {"width": 1152, "height": 864}, "terrain": {"type": "dungeon"},
            "features": ["braziers", "fallen pillars", "old furniture"],
            "grid": {"enabled": true, "size": 64, "kind": "GRID_KIND_SQUARE"}}""",
    ),
    "campaign map": (
        "GenerateCampaignMap",
        """{"theme": "steampunk", "size": {"width": 1152, "height": 864}, "format": "IMAGE_FORMAT_JPEG",
            "scale": {"unit": "miles", "value": 5}, "features": ["rugged coast", "mountain range", "two rivers"],
            "points_of_interest": [{"type": "town", "name": "Brasshaven", "location": {"x": 576, "y": 432}}]}""",
    ),
    "portrait": (
        "GeneratePortrait",
        """{"theme": "western", "size": {"width": 768, "height": 1024}, "format": "IMAGE_FORMAT_WEBP",
            "character_id": "7d0f1f6e-3b1c-4a53-9d5b-0d0a3f0f5b11", "species": "human",
            "character_class": "gunslinger", "traits": ["wide-brimmed hat", "weathered coat"]}""",
    ),
    "item": (
        "GenerateItemIllustration",
        """{"theme": "space_fantasy", "size": {"width": 800, "height": 800}, "type": "ITEM_TYPE_WEAPON",
            "name": "sword", "item_id": "0b8c7a52-6d1e-4a0f-8f4c-2a6a7a3c9e01",
            "properties": {"material": "star metal", "magical_effects": ["glowing runes"]}}""",
    ),
}

OVERLAYS: dict[str, tuple[str, str]] = {
    "tactical map": (
        "CreateTacticalOverlay",
        """{"name": "round 3", "elements": [
            {"id": "reach", "position": {"x": 5.5, "y": 8.5, "unit": "COORDINATE_UNIT_CELLS"},
             "range": {"kind": "RANGE_KIND_MOVEMENT", "distance_feet": 20,
                       "difficult_terrain": [{"column": 3, "row": 9}, {"column": 3, "row": 10},
                                             {"column": 4, "row": 10}, {"column": 4, "row": 11}]}},
            {"id": "watch", "position": {"x": 15.5, "y": 9.5, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "What the watch sees", "color": "gold"},
             "line_of_sight": {"range_feet": 20, "walls": [
                {"start": {"x": 14, "y": 9, "unit": "COORDINATE_UNIT_CELLS"},
                 "end": {"x": 14, "y": 11, "unit": "COORDINATE_UNIT_CELLS"}}]}},
            {"id": "fireball", "position": {"x": 12, "y": 5, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "Fireball"}, "effect": {"shape": "AREA_SHAPE_SPHERE", "size_feet": 15}},
            {"id": "breath", "position": {"x": 8, "y": 6, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "Frost breath", "color": "deepskyblue"},
             "effect": {"shape": "AREA_SHAPE_CONE", "size_feet": 25, "direction_degrees": 45}},
            {"id": "hero", "position": {"x": 5.5, "y": 8.5, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "Gunslinger"}, "token": {"kind": "TOKEN_KIND_CHARACTER"}},
            {"id": "ogre", "position": {"x": 12, "y": 5, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "Ogre"},
             "token": {"kind": "TOKEN_KIND_MONSTER", "size": "CREATURE_SIZE_LARGE"}},
            {"id": "rat", "position": {"x": 9.5, "y": 9.5, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "Rat"},
             "token": {"kind": "TOKEN_KIND_MONSTER", "size": "CREATURE_SIZE_TINY"}}]}""",
    ),
    "campaign map": (
        "CreateCampaignOverlay",
        """{"name": "chapter 2", "elements": [
            {"id": "crown", "coordinates": {"x": 300, "y": 260}, "properties": {"label": "Crown lands"},
             "territory": {"boundary": [{"x": 120, "y": 120}, {"x": 470, "y": 90}, {"x": 520, "y": 330},
                                        {"x": 330, "y": 440}, {"x": 130, "y": 380}]}},
            {"id": "road", "coordinates": {"x": 720, "y": 560}, "properties": {"label": "Iron road"},
             "route": {"waypoints": [{"x": 576, "y": 432}, {"x": 690, "y": 590}, {"x": 860, "y": 640}]}},
            {"id": "party", "coordinates": {"x": 690, "y": 590}, "party": {"members": 4}},
            {"id": "keep", "coordinates": {"x": 860, "y": 640}, "properties": {"label": "Smoke keep"},
             "place": {"type": "castle"}},
            {"id": "ore", "coordinates": {"x": 900, "y": 300}, "resource": {"type": "iron"}}]}""",
    ),
}
RESTYLED = {"tactical map": "horror", "portrait": "cyberpunk"}
"""Pictures that get another theme, with that theme."""
EVENT_COUNT = len(REQUESTS) + len(OVERLAYS) + 2 * len(RESTYLED) + 1
"""Expected events: one per picture, overlay, applied theme and new version, and one for the restored version."""
