"""Parts that need no server: fault texts, sizes, prompts, tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getimg_standin import MODELS, Fault, FaultKind, parse_fault, pixel_size
from getimg_standin.art import KINDS, Brief
from getimg_standin.picture import Picture, from_token, to_token


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hang", Fault(kind=FaultKind.HANG)),
        ("status=429,retry_after=2,count=3", Fault(kind="status", status=429, retry_after=2, count=3)),
        ("status,status=503", Fault(kind="status", status=503)),
        (" cut , count = 1 ", Fault(kind="cut", count=1)),
        ("redirect=https://a/?b=c", Fault(kind="redirect", target="https://a/?b=c")),
        ("status=400,message=no\\, thanks,code=no", Fault(kind="status", status=400, message="no, thanks", code="no")),
    ],
)
def test_fault_texts(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "invalid_part"),
    [
        ("", "''"),
        ("explode", "'explode'"),
        ("explode=1", "'explode'"),
        ("hang=1", "'hang'"),
        ("status=often", "'often'"),
        ("status=200", "status"),
        ("hang,count=many", "'many'"),
        ("hang,count=0", "count"),
        ("hang,often", "'often'"),
        ("hang,color=red", "'color'"),
        ("hang,kind=cut", "'kind'"),
        ("status=500,status=503", "'status'"),
        ("redirect", "target"),
    ],
)
def test_errors_of_fault_texts_contain_the_invalid_part(text: str, invalid_part: str) -> None:
    with pytest.raises(ValueError, match="invalid fault") as raised:
        parse_fault(text)
    assert invalid_part in str(raised.value)


@pytest.mark.parametrize(
    ("ratio", "resolution", "size"),
    [
        ("1:1", "1K", (1024, 1024)),
        ("16:9", "1K", (1368, 768)),
        ("9:16", "2K", (1536, 2728)),
        ("1:1", "4K", (4096, 4096)),
        ("21:9", "2K", (3128, 1344)),
    ],
)
def test_pixel_sizes(ratio: str, resolution: str, size: tuple[int, int]) -> None:
    assert pixel_size(ratio, resolution) == size


def test_pixel_sizes_of_the_whole_catalog_keep_ratio_and_area() -> None:
    for model in MODELS.values():
        for ratio in model.aspect_ratios:
            for resolution in model.resolutions:
                width, height = pixel_size(ratio, resolution)
                across, down = map(int, ratio.split(":"))
                area = (int(resolution[0]) * 1024) ** 2
                assert width % 8 == height % 8 == 0
                assert width * height == pytest.approx(area, rel=0.02)
                assert width / height == pytest.approx(across / down, rel=0.02)


@pytest.mark.parametrize(
    ("prompt", "kind", "theme", "words"),
    [
        ("Tactical battle map of a forest river, fantasy", "tactical", "fantasy", ("forest", "river")),
        ("campaign map, Space Fantasy, islands", "campaign", "space_fantasy", ("island",)),
        ("character portrait: a dwarven wizard. space_fantasy", "portrait", "space_fantasy", ("dwarf", "wizard")),
        ("item illustration of two swords, wild west", "item", "western", ("sword",)),
        ("no known word", "abstract", "", ()),
        ("scabbard, furniture, ringing", "abstract", "", ()),
    ],
)
def test_briefs(prompt: str, kind: str, theme: str, words: tuple[str, ...]) -> None:
    brief = Brief.from_prompt(prompt)
    assert (brief.kind, brief.theme, brief.words) == (kind, theme, words)


@given(
    prompt=st.text(max_size=300),
    seed=st.integers(0, 2**48 - 1),
    width=st.integers(1, 8192),
    height=st.integers(1, 8192),
    image_format=st.sampled_from(["png", "jpeg", "webp"]),
)
def test_tokens_round_trip(prompt: str, seed: int, width: int, height: int, image_format: str) -> None:
    picture = Picture(brief=Brief.from_prompt(prompt), seed=seed, width=width, height=height, format=image_format)
    assert from_token(to_token(picture)) == picture


@given(st.text(max_size=60))
def test_invalid_tokens_are_rejected(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        from_token(token)


def test_every_kind_has_a_phrase() -> None:
    phrases = ("tactical battle map", "campaign map", "character portrait", "item illustration", "")
    assert {Brief.from_prompt(phrase).kind for phrase in phrases} == set(KINDS)
