from __future__ import annotations

import pytest
from tabletop.image.v1.generation_request_pb2 import ItemType
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageSubtype

from image_grpc.generation.kinds.item_illustration import ItemIllustration
from tests.generation.builders import THEME, item
from tests.generation.kinds.prompts import prompt_of


def test_the_prompt_describes_the_item() -> None:
    prompt = prompt_of(
        item(
            type="ITEM_TYPE_WEAPON",
            name="longsword",
            style={"angle": "from the side", "lighting": "moonlight", "detail_level": "high"},
            properties={"material": "silver", "magical_effects": ["glowing runes", "frost"], "wear_state": "battered"},
        )
    )
    for sentence in (
        "illustration of a weapon ",
        "Item: longsword.",
        "Material: silver.",
        "Magical effects: glowing runes, frost.",
        "Condition: battered.",
        "Seen: from the side.",
        "Level of detail: high.",
        "Lighting: moonlight.",
    ):
        assert sentence in prompt
    assert THEME.elements.lighting not in prompt, "the lighting of the request overrides that of the theme"


@pytest.mark.parametrize(
    ("item_type", "subject"), [(0, "an object"), (1, "a weapon"), (2, "a piece of armor"), (3, "an object")]
)
def test_the_subject_depends_on_the_type_of_item(item_type: ItemType, subject: str) -> None:
    assert f"illustration of {subject} " in prompt_of(item(type=item_type))


@pytest.mark.parametrize(
    ("subtype", "item_type"),
    [
        (ImageSubtype.IMAGE_SUBTYPE_WEAPON, ItemType.ITEM_TYPE_WEAPON),
        (ImageSubtype.IMAGE_SUBTYPE_ARMOR, ItemType.ITEM_TYPE_ARMOR),
        (ImageSubtype.IMAGE_SUBTYPE_OTHER, ItemType.ITEM_TYPE_OTHER),
    ],
)
def test_a_request_for_a_picture_like_an_upload_has_its_type(subtype: ImageSubtype, item_type: ItemType) -> None:
    request = item()
    ItemIllustration().describe_image(Image(subtype=subtype), request)
    assert request == item(type=item_type)


def test_an_item_has_no_map_properties() -> None:
    assert ItemIllustration().map_properties(item()) is None
