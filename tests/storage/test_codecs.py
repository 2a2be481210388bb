"""Conversion between messages and records."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tabletop.image.internal.v1.generation_record_pb2 import Facets
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType
from tabletop.storage.v1.record_pb2 import BlobReference, IndexFields, Record, RecordKind

from image_grpc.errors import StorageServiceError
from image_grpc.messages import clone
from image_grpc.storage import codecs
from image_grpc.storage.codecs import Codec
from image_grpc_testkit.contracts.records import (
    a_cache_entry,
    a_generation,
    a_theme,
    an_image,
    an_overlay,
    name_of,
    new_id,
    some_bytes,
)

TIMES = ("create_time", "update_time", "delete_time", "purge_time")
SOURCE = new_id()
FACETS = Facets(
    type=ImageType.IMAGE_TYPE_CHARACTER,
    subtype=ImageSubtype.IMAGE_SUBTYPE_PORTRAIT,
    theme="horror",
    source_id=SOURCE,
    service="tests",
)
MAP_ID = new_id()
CASES: dict[str, tuple[Codec[Any], Any, RecordKind, IndexFields]] = {
    "image": (
        codecs.IMAGES,
        an_image(of=some_bytes(), source_id=SOURCE, service="tests"),
        RecordKind.RECORD_KIND_IMAGE,
        IndexFields(type="map", subtype="tactical", theme="fantasy", source_id=SOURCE, service="tests"),
    ),
    "overlay": (codecs.OVERLAYS, an_overlay(map_id=MAP_ID), RecordKind.RECORD_KIND_OVERLAY, IndexFields(map_id=MAP_ID)),
    "theme": (codecs.THEMES, a_theme(name="noir"), RecordKind.RECORD_KIND_THEME, IndexFields(theme="noir")),
    "generation": (
        codecs.GENERATIONS,
        a_generation(state=GenerationState.GENERATION_STATE_GENERATING, facets=FACETS, prompt="a portrait"),
        RecordKind.RECORD_KIND_GENERATION,
        IndexFields(
            type="character", subtype="portrait", theme="horror", source_id=SOURCE, service="tests", state="generating"
        ),
    ),
    "cache entry": (codecs.CACHE_ENTRIES, a_cache_entry(), RecordKind.RECORD_KIND_CACHE_ENTRY, IndexFields()),
}
every_kind = pytest.mark.parametrize("kind", CASES)


def stored(record: Record, version: int = 7) -> Record:
    """Return a copy of a record with the fields that the Storage Service assigns."""
    result = clone(record)
    result.key.version = version
    result.storage_id = "storage-1"
    for seconds, name in enumerate(TIMES, 1):
        getattr(result, name).CopyFrom(Timestamp(seconds=seconds * 1000 + version))
    if result.HasField("blob"):
        result.blob.path = f"blobs/{version}"
    return result


@every_kind
def test_a_record_has_key_index_and_type(kind: str) -> None:
    codec, message, record_kind, index = CASES[kind]
    record = codec.encode(message)
    assert (record.key.kind, record.key.id, record.key.version) == (record_kind, codec.id_of(message), 0)
    assert record.index == index
    assert record.body_type == message.DESCRIPTOR.full_name


@every_kind
def test_a_message_survives_the_round_trip(kind: str) -> None:
    codec, message, _, _ = CASES[kind]
    decoded = codec.decode(codec.encode(message))
    assert decoded == message


@every_kind
def test_assigned_fields_come_from_the_record_and_not_from_its_body(kind: str) -> None:
    codec, message, _, _ = CASES[kind]
    record = stored(codec.encode(message))
    first = codec.decode(record)
    assigned = codec.versioned_part(first)
    fields = assigned.DESCRIPTOR.fields_by_name
    assert assigned.version == 7
    if "storage_id" in fields:
        assert assigned.storage_id == "storage-1"
    for seconds, name in enumerate(TIMES, 1):
        if name in fields:
            assert getattr(assigned, name).seconds == seconds * 1000 + 7, name
    # Encoding removes the assigned fields from the body, and decoding sets those of the next version.
    again = codec.encode(first)
    assert again.body == codec.encode(message).body
    second = codec.decode(stored(again, version=8))
    assert codec.versioned_part(second).version == 8
    assert codec.decode(stored(again, version=7)) == first


@every_kind
def test_encoding_does_not_change_the_message(kind: str) -> None:
    codec, message, _, _ = CASES[kind]
    decoded = codec.decode(stored(codec.encode(message)))
    original = clone(decoded)
    codec.encode(decoded)
    assert decoded == original


@every_kind
def test_times_that_a_record_lacks_stay_unset(kind: str) -> None:
    codec, message, _, _ = CASES[kind]
    record = stored(codec.encode(message))
    for name in TIMES:
        record.ClearField(name)
    part = codec.versioned_part(codec.decode(record))
    assert not [name for name in TIMES if name in part.DESCRIPTOR.fields_by_name and part.HasField(name)]


def test_an_image_refers_to_its_blob_and_gets_its_path() -> None:
    data = some_bytes()
    image = an_image(of=data)
    image.content.storage_path = "forged"
    record = codecs.IMAGES.encode(image)
    assert record.blob == BlobReference(sha256=name_of(data), byte_size=len(data))
    assert Image.FromString(record.body).content.storage_path == ""
    assert codecs.IMAGES.decode(stored(record)).content.storage_path == "blobs/7"


def test_an_image_without_content_refers_to_no_blob() -> None:
    assert not codecs.IMAGES.encode(an_image()).HasField("blob")


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind != "image"])
def test_other_kinds_refer_to_no_blob(kind: str) -> None:
    codec, message, _, _ = CASES[kind]
    assert not codec.encode(message).HasField("blob")


@every_kind
def test_equal_messages_have_equal_bytes(kind: str) -> None:
    codec, message, _, _ = CASES[kind]
    assert codec.encode(message) == codec.encode(type(message).FromString(message.SerializeToString()))


def test_the_insertion_order_of_a_map_does_not_change_the_bytes() -> None:
    keys = [f"key {number}" for number in range(50)]
    records = []
    for order in (keys, keys[::-1]):
        record = a_generation()
        record.generation.id = "generation"
        for key in order:
            record.generation.request.tactical_map.terrain.properties[key] = "value"
        records.append(codecs.GENERATIONS.encode(record))
    assert records[0].body == records[1].body


@every_kind
def test_a_body_of_another_type_is_rejected(kind: str) -> None:
    codec, message, _, _ = CASES[kind]
    record = codec.encode(message)
    record.body_type = "tabletop.image.v1.Model"
    with pytest.raises(StorageServiceError, match=r"contains a tabletop\.image\.v1\.Model, not a tabletop\."):
        codec.decode(record)


def test_a_damaged_body_is_rejected() -> None:
    record = codecs.THEMES.encode(a_theme(name="noir"))
    record.body = b"\xff\xff\xff"
    with pytest.raises(StorageServiceError, match="record noir cannot be decoded"):
        codecs.THEMES.decode(record)


def test_a_key_has_a_version_or_0_for_the_latest() -> None:
    assert codecs.THEMES.key("noir").version == 0
    assert codecs.THEMES.key("noir", 3).version == 3
