"""New generation records."""

from __future__ import annotations

import uuid

from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.theme_pb2 import ThemeElement
from tabletop.image.v1.types_pb2 import Priority

from image_grpc.correlation import correlated
from image_grpc.generation import new_record
from image_grpc.generation.new_record import CallIdentity
from image_grpc.idempotency import content_digest
from image_grpc.themes.catalog import built_in_themes
from tests.generation.builders import THEME, new_id, portrait, queued, resolved, stored_image

HORROR = built_in_themes()["horror"]


def generation_id(request_id: str) -> str:
    return CallIdentity.of(portrait(request_id=request_id)).generation_id


def test_the_same_request_id_is_the_same_generation() -> None:
    assert generation_id("r-1") == generation_id("r-1") != generation_id("r-2")
    assert uuid.UUID(generation_id("r-1"))


def test_without_a_request_id_every_call_is_a_new_generation() -> None:
    assert generation_id("") != generation_id("")
    assert uuid.UUID(generation_id(""))
    assert not CallIdentity.of(portrait()).repeatable
    assert CallIdentity.of(portrait(request_id="r-1")).repeatable


def test_the_digest_is_that_of_the_callers_request() -> None:
    request = portrait(details="a scar")
    assert CallIdentity.of(request).request_digest == content_digest(request)


def test_a_new_generation_is_queued_with_everything_that_its_steps_need() -> None:
    picture = portrait(theme="horror", source={"id": "it"}, request_id="r-1")
    resolution = resolved(picture, theme=HORROR)
    call = CallIdentity.of(picture)
    record = new_record.for_new_image(resolution, call)
    generation = record.generation
    assert (generation.id, generation.state) == (call.generation_id, GenerationState.GENERATION_STATE_QUEUED)
    assert (generation.progress, generation.attempts) == (0, 0)
    assert generation.request == resolution.request
    assert generation.model == resolution.picture.model
    assert record.fingerprint == resolution.fingerprint
    assert record.request_digest == call.request_digest
    assert HORROR.elements.lighting in record.prompt
    assert (record.facets.theme, record.facets.source_id) == ("horror", "it")
    assert not record.HasField("picture")


def test_a_repeated_generation_creates_the_same_image() -> None:
    first, second = queued(portrait(request_id="r-1")), queued(portrait(request_id="r-1"))
    assert first.image_id == second.image_id
    assert first.image_id != queued(portrait(request_id="r-2")).image_id


def test_a_record_keeps_the_theme_version_and_the_correlation_id() -> None:
    edited = type(THEME).FromString(THEME.SerializeToString())
    edited.version = 7
    with correlated("campaign-9"):
        record = new_record.for_new_image(resolved(theme=edited), CallIdentity.of(portrait()))
    assert record.theme_version == 7
    assert record.correlation_id == "campaign-9"
    assert queued().correlation_id != queued().correlation_id


def test_a_regenerated_version_is_of_the_same_image_and_not_cached() -> None:
    image = stored_image(version=3)
    request = RegenerateImageRequest(
        image_id=image.id,
        version=3,
        portrait={"species": "orc"},
        priority=Priority.PRIORITY_HIGH,
        request_id=new_id(),
        wait_for={"seconds": 7},
        validate_only=True,
    )
    merged = resolved(portrait(species="orc"))
    record = new_record.for_regeneration(image, request, merged, CallIdentity.of(request))
    assert record.image_id == image.id
    assert record.fingerprint == ""
    assert record.picture == merged.request
    assert record.generation.request.regenerate_image == RegenerateImageRequest(
        image_id=image.id, version=3, portrait={"species": "orc"}, priority=Priority.PRIORITY_HIGH
    )
    assert not record.HasField("theme_association")
    assert record.reference_version == 0


def test_a_restyled_version_is_based_on_the_current_picture() -> None:
    image = stored_image(version=3)
    request = ApplyThemeRequest(
        image_id=image.id,
        version=3,
        theme="horror",
        strength=0.25,
        elements=[ThemeElement.THEME_ELEMENT_CLOTHING],
        style={"lighting": "candles"},
        request_id=new_id(),
    )
    record = new_record.for_restyle(
        image, THEME, request, resolved(portrait(theme="horror"), theme=HORROR), CallIdentity.of(request)
    )
    assert (record.image_id, record.reference_version, record.fingerprint) == (image.id, 3, "")
    assert record.generation.request.apply_theme.theme == "horror"
    assert record.generation.request.apply_theme.request_id == ""
    association = record.theme_association
    assert (association.theme, association.strength) == ("horror", 0.25)
    assert (list(association.elements), association.style.lighting) == ([2], "candles")
    assert association.HasField("apply_time")
    assert record.prompt.startswith("Redraw the reference picture in")
    assert HORROR.elements.clothing in record.prompt
    assert THEME.elements.technology in record.prompt
    assert "Lighting: candles." in record.prompt
