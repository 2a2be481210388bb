"""Starts that fail, and what they leave behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_grpc import app
from image_grpc.settings import BridgeSettings, EmbeddedSettings, InvalidSettings, StorageServiceSettings, load
from tests.service import service


async def test_a_start_that_fails_releases_the_data_folder(tmp_path: Path) -> None:
    async with service(tmp_path / "first") as running:
        for program in (app.up_without_standin, app.serve, app.serve_with_bridge):
            settings = load(EmbeddedSettings, data_dir=tmp_path / "second", listen=running.running.address)
            with pytest.raises(OSError, match="cannot listen"):
                async with program(settings):
                    pytest.fail("the address is in use")
    async with service(tmp_path / "second") as running:
        assert running.running.address


async def test_a_data_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = load(EmbeddedSettings, data_dir=tmp_path / "file")
    with pytest.raises(InvalidSettings, match="IMAGE_GRPC_DATA_DIR: cannot use"):
        async with app.up(settings):
            pytest.fail("the folder is a file")


async def test_the_stand_in_keeps_its_port_across_restarts(tmp_path: Path) -> None:
    settings = load(EmbeddedSettings, data_dir=tmp_path, listen="127.0.0.1:0", drain_seconds=0)
    async with app.up(settings) as running:
        url = running.standin_url
    async with app.up(settings) as running:
        assert running.standin_url == url


async def test_separate_programs_require_a_broker() -> None:
    for program in (app.storage(load(StorageServiceSettings)), app.bridge(load(BridgeSettings), "127.0.0.1:1")):
        with pytest.raises(InvalidSettings, match="IMAGE_GRPC_HUB_URL"):
            async with program:
                pytest.fail("the in-memory hub serves a single process")
