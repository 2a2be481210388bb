"""The commands, run as a user runs them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pyvips

from getimg_standin import Fault
from image_grpc.probe import is_serving
from image_grpc_testkit.eventually import eventually
from tests.cli.processes import run
from tests.service import Service, service


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path / "data") as running:
        yield running


def at(platform: Service) -> tuple[str, str]:
    return ("--target", platform.running.address)


async def test_a_picture_is_generated_saved_listed_read_deleted_and_restored(platform: Service, tmp_path: Path) -> None:
    file = tmp_path / "pictures" / "hero.webp"
    arguments = ("--theme", "western", "--class", "gunslinger", "--size", "120x80", "--out", str(file))
    code, out, error = await run("generate", "portrait", *arguments, *at(platform))
    assert code == 0, error
    assert "120 x 80" in out
    picture = pyvips.Image.new_from_file(str(file))
    assert (picture.width, picture.height, picture.get("vips-loader")) == (120, 80, "webpload")
    assert [entry.name for entry in file.parent.iterdir()] == ["hero.webp"]

    code, out, _ = await run("image", "list", "--theme", "western", "--json", *at(platform))
    (image,) = json.loads(out)["images"]
    copy = tmp_path / "copy.webp"
    code, out, _ = await run("image", "read", image["id"], "--out", str(copy), *at(platform))
    assert code == 0
    assert copy.read_bytes() == file.read_bytes()
    code, out, _ = await run("image", "delete", image["id"], *at(platform))
    assert code == 0
    assert f"image-grpc image undelete {image['id']}" in out
    code, _, error = await run("image", "get", image["id"], *at(platform))
    assert code == 3
    assert "NOT_FOUND (IMAGE_NOT_FOUND)" in error
    code, out, _ = await run("image", "undelete", image["id"], *at(platform))
    assert image["id"] in out


async def test_variants_are_generated_with_a_contact_sheet(platform: Service, tmp_path: Path) -> None:
    arguments = ("generate", "portrait", "--theme", "western", "--size", "64x96", *at(platform))
    code, out, error = await run(*arguments, "--variants", "3", "--out", str(tmp_path / "out" / "hero.webp"))
    assert code == 0, error
    assert [line[:10] for line in out.splitlines()[:3]] == ["variant 0:", "variant 1:", "variant 2:"]
    names = {"hero-0.webp", "hero-1.webp", "hero-2.webp", "hero-variants.png"}
    assert {entry.name for entry in (tmp_path / "out").iterdir()} == names
    sheet = pyvips.Image.new_from_file(str(tmp_path / "out" / "hero-variants.png"))
    assert (sheet.width, sheet.height) == (2 * 64 + 3 * 16, 2 * (96 + 28) + 3 * 16)
    code, out, _ = await run(*arguments, "--variant", "1", "--variants", "2", "--format", "webp", "--json")
    assert code == 0
    generations = json.loads(out)["generations"]
    assert [each["request"]["portrait"]["variant"] for each in generations] == [1, 2]
    assert all(each["cache_hit"] for each in generations)


async def test_variants_have_no_request_id_of_their_own(platform: Service) -> None:
    arguments = ("generate", "item", "--theme", "western", "--variants", "2", *at(platform))
    for excluded in (("--out", "-"), ("--request-id", "7c9e6679-7425-40de-944b-e07fc1f90ae7")):
        code, _, error = await run(*arguments, *excluded)
        assert code == 2
        assert "--variants" in error


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("tactical-map", ("--terrain", "dungeon", "--feature", "altar", "--no-grid")),
        ("campaign-map", ("--feature", "coast", "--scale", "5", "miles")),
        ("item", ("--name", "sword", "--type", "weapon", "--effect", "glows")),
    ],
)
async def test_every_kind_of_picture_has_a_command(platform: Service, kind: str, options: tuple[str, ...]) -> None:
    common = ("--theme", "horror", "--size", "64x64", "--json")
    code, out, error = await run("generate", kind, *common, *options, *at(platform))
    assert code == 0, error
    generation: dict[str, Any] = json.loads(out)
    assert generation["state"] == "GENERATION_STATE_SUCCEEDED"
    assert generation["image"]["content"]["size"] == {"width": 64, "height": 64}


async def test_grid_cells_may_have_fractional_sizes(platform: Service, tmp_path: Path) -> None:
    file = tmp_path / "map.png"
    options = ("--theme", "fantasy", "--size", "320x256", "--cell", "32.5", "--out", str(file))
    code, out, error = await run("generate", "tactical-map", *options, "--json", *at(platform))
    assert code == 0, error
    assert json.loads(out)["image"]["map"]["grid"]["size"] == 32.5

    options = ("--subtype", "tactical", "--theme", "fantasy", "--grid", "64.25")
    code, out, error = await run("image", "upload", str(file), *options, "--json", *at(platform))
    assert code == 0, error
    assert json.loads(out)["map"]["grid"] == {"enabled": True, "size": 64.25}


async def test_errors_name_the_invalid_fields(platform: Service) -> None:
    code, _, error = await run("generate", "item", "--theme", "fantasy", "--size", "1x99999", *at(platform))
    assert code == 2
    assert "INVALID_ARGUMENT" in error
    for field in ("size.width: must", "size.height: must"):
        assert field in error
    code, _, error = await run("generate", "item", "--theme", "nope", *at(platform))
    assert code == 2
    assert "INVALID_THEME" in error
    assert "theme: theme 'nope' does not exist" in error


async def test_a_failed_generation_is_reported_with_its_reason(platform: Service) -> None:
    platform.standin.add_fault(Fault(kind="status", status=402))
    code, _, error = await run("generate", "item", "--theme", "fantasy", "--size", "64x64", *at(platform))
    assert code == 1
    assert "API_ERROR" in error
    assert "balance" in error


async def test_an_uploaded_picture_can_be_changed(platform: Service) -> None:
    image = await platform.upload()
    code, _, error = await run("generate", "again", image.id, "--details", "with a river", *at(platform))
    assert code == 0, error
    changed = await platform.get_image(image.id)
    assert changed.version == 2
    assert changed.metadata.generation_params.request.tactical_map.details == "with a river"


async def test_an_unavailable_service_is_reported_with_a_hint() -> None:
    code, _, error = await run("status", "--target", "127.0.0.1:1")
    assert code == 6
    assert "UNAVAILABLE" in error
    assert "image-grpc up" in error


async def test_status_shows_dependencies_and_metrics(platform: Service) -> None:
    code, out, _ = await run("status", *at(platform))
    assert code == 0
    for word in ("healthy", "message_hub", "getimg_api", "storage_service", "cache", "error rate"):
        assert word in out


@pytest.mark.parametrize("password", ["swordfish", "sword#fish", "sw/ord?fish", "sw[ord", "sw@ord"])
async def test_config_masks_secrets(password: str) -> None:
    hub = f"amqp://image:{password}@broker/?secret=salmon"
    code, out, _ = await run(
        "config", GETIMG_API_KEY="sk-very-secret", IMAGE_GRPC_LOG_LEVEL="ERROR", IMAGE_GRPC_HUB_URL=hub
    )
    assert code == 0
    assert "sk-very-secret" not in out
    assert password not in out
    assert "salmon" not in out
    assert "broker" in out
    assert "IMAGE_GRPC_LOG_LEVEL" in out


async def test_config_reports_invalid_settings() -> None:
    code, _, error = await run("config", IMAGE_GRPC_LOG_LEVEL="loud", IMAGE_GRPC_RPC_MAX_CONCURRENT="0")
    assert code == 1
    assert "IMAGE_GRPC_LOG_LEVEL" in error
    assert "IMAGE_GRPC_RPC_MAX_CONCURRENT" in error


async def test_the_container_probe_calls_the_health_service(platform: Service) -> None:
    await eventually(lambda: asyncio.to_thread(is_serving, platform.running.address), "the probe succeeds")
    assert not await asyncio.to_thread(is_serving, "127.0.0.1:1")
