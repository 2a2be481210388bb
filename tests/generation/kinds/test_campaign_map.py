from __future__ import annotations

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import MapProperties

from image_grpc.generation.kinds.campaign_map import CampaignMap
from tests.generation.builders import campaign_map
from tests.generation.kinds.prompts import prompt_of

KIND = CampaignMap()
SCALE = {"unit": "miles", "value": 6}
PLACES = [{"type": "town", "name": "Ede"}]


def test_the_prompt_contains_features_and_kinds_of_places_but_no_names() -> None:
    prompt = prompt_of(
        campaign_map(
            features=["river delta"],
            points_of_interest=[
                {"type": "town", "name": "Hommlet"},
                {"type": "town", "name": "Nulb"},
                {"icon": "tower"},
                {"name": "Nowhere"},
            ],
        )
    )
    assert "It shows: river delta." in prompt
    assert "Places: town, tower." in prompt
    assert "Hommlet" not in prompt


def test_the_prompt_contains_the_width_of_the_region() -> None:
    """A scale is the length of 100 pixels."""
    size = {"width": 800, "height": 400}
    assert "Scale: about 48 miles across." in prompt_of(campaign_map(scale=SCALE, size=size))
    assert "Scale" not in prompt_of(campaign_map(scale={"value": 6}))


def test_map_properties_are_scale_and_places() -> None:
    properties = KIND.map_properties(campaign_map(scale=SCALE, points_of_interest=PLACES))
    assert properties == MapProperties(scale=SCALE, points_of_interest=PLACES)
    assert not KIND.map_properties(campaign_map()).HasField("scale")


def test_a_request_for_a_picture_like_an_upload_has_its_scale_and_places() -> None:
    request = campaign_map()
    KIND.describe_image(Image(map={"scale": SCALE, "points_of_interest": PLACES}), request)
    assert request == campaign_map(scale=SCALE, points_of_interest=PLACES)
    plain = campaign_map()
    KIND.describe_image(Image(), plain)
    assert plain == campaign_map()
