"""The operation ids and content digests of requests."""

from __future__ import annotations

import uuid

from google.protobuf.duration_pb2 import Duration
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest
from tabletop.image.v1.theme_service_pb2 import UpdateThemeRequest

from image_grpc.storage.unit_of_work import request_identity
from image_grpc_testkit.contracts.records import new_id
from tests.storage.fake_service import Bench


def test_without_a_request_id_each_call_is_another_operation() -> None:
    request = DeleteImageRequest(image_id=new_id())
    (first, digest), (second, _) = (request_identity("delete", request) for _ in range(2))
    assert uuid.UUID(first) != uuid.UUID(second)
    assert digest == ""


def test_the_same_request_id_is_the_same_operation() -> None:
    request = DeleteImageRequest(image_id=new_id(), request_id=new_id())
    assert request_identity("delete", request) == request_identity("delete", request)


def test_the_same_request_id_of_another_method_is_another_operation() -> None:
    request = DeleteImageRequest(image_id=new_id(), request_id=new_id())
    assert request_identity("delete", request)[0] != request_identity("undelete", request)[0]


def test_the_id_depends_on_the_request_id_alone() -> None:
    request_id = new_id()
    one, other = (DeleteImageRequest(image_id=new_id(), request_id=request_id) for _ in range(2))
    assert request_identity("delete", one)[0] == request_identity("delete", other)[0]
    assert request_identity("delete", one)[1] != request_identity("delete", other)[1]


def test_the_digest_ignores_the_version() -> None:
    request_id, image_id = new_id(), new_id()
    digests = {
        request_identity("delete", DeleteImageRequest(image_id=image_id, request_id=request_id, version=version))
        for version in (0, 1, 7)
    }
    assert len(digests) == 1


def test_the_digest_ignores_the_version_of_a_theme() -> None:
    request_id = new_id()
    digests = {
        request_identity(
            "update", UpdateThemeRequest(theme={"name": "noir", "version": version}, request_id=request_id)
        )
        for version in (0, 1, 7)
    }
    assert len(digests) == 1


def test_the_digest_ignores_how_long_the_caller_waits() -> None:
    request_id = new_id()
    digests = {
        request_identity(
            "generate",
            GeneratePortraitRequest(theme="fantasy", request_id=request_id, wait_for=Duration(seconds=seconds)),
        )
        for seconds in (0, 1, 7)
    }
    assert len(digests) == 1


async def test_created_resources_have_the_same_id_when_the_request_is_repeated(bench: Bench) -> None:
    request = DeleteImageRequest(image_id=new_id(), request_id=new_id())
    units = [bench.storage.unit_for("upload", request) for _ in range(2)]
    assert units[0].new_id("image") == units[1].new_id("image")
    assert units[0].new_id("image") != units[0].new_id("overlay")
    assert bench.storage.unit_of_work().new_id("image") != bench.storage.unit_of_work().new_id("image")
