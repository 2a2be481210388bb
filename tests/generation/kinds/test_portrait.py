from __future__ import annotations

import pytest
from tabletop.image.v1.image_pb2 import Image

from image_grpc.generation.kinds.portrait import Portrait
from tests.generation.builders import THEME, portrait
from tests.generation.kinds.prompts import prompt_of


def test_the_prompt_describes_the_character() -> None:
    prompt = prompt_of(
        portrait(
            species="half-elf",
            character_class="ranger",
            traits=["scar over the left eye", "gray hair"],
            style={"pose": "arms crossed", "background": "a cave", "lighting": "candle light"},
            equipment={"visible": True, "items": ["longbow", "dagger"]},
        )
    )
    for sentence in (
        "Character: half-elf ranger.",
        "Traits: scar over the left eye, gray hair.",
        "Equipment: longbow, dagger.",
        "Pose: arms crossed.",
        "Background: a cave.",
        "Lighting: candle light.",
    ):
        assert sentence in prompt
    assert THEME.elements.lighting not in prompt, "the lighting of the request overrides that of the theme"
    assert THEME.elements.environment not in prompt, "and so does the background"


@pytest.mark.parametrize("field", ["species", "character_class"])
def test_a_character_may_be_partly_described(field: str) -> None:
    assert "Character: ranger." in prompt_of(portrait(**{field: "ranger"}))


def test_invisible_equipment_is_not_part_of_the_prompt() -> None:
    assert "longbow" not in prompt_of(portrait(equipment={"items": ["longbow"]}))


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("CHARACTER_KIND_UNSPECIFIED", "a hero"),
        ("CHARACTER_KIND_PLAYER_CHARACTER", "a hero"),
        ("CHARACTER_KIND_NPC", "a person of the world"),
        ("CHARACTER_KIND_MONSTER", "a monster"),
    ],
)
def test_the_subject_depends_on_the_kind_of_character(kind: str, subject: str) -> None:
    assert prompt_of(portrait(kind=kind)).startswith(f"Character portrait of {subject} ")


def test_a_portrait_has_no_map_properties() -> None:
    assert Portrait().map_properties(portrait()) is None


def test_an_uploaded_portrait_adds_nothing_to_a_request() -> None:
    request = portrait()
    Portrait().describe_image(Image(map={"grid": {"size": 32}}), request)
    assert request == portrait()
