"""API keys, and what happens when their file changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from tabletop.image.v1.theme_service_pb2 import ListThemesRequest

from image_grpc.access.callers import Callers, create_key
from image_grpc.cli import main
from image_grpc.settings import InvalidSettings
from tests.access.calls import SECONDS, list_themes, refused
from tests.service import service
from tests.statuses import failed_call


async def test_a_key_of_the_command_is_accepted_until_its_line_is_deleted(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    arguments = ["api-key", "create", "--role", "reader", "--file", str(file), "--name"]
    first, second = (CliRunner().invoke(main, [*arguments, name]).output.strip() for name in ("one", "two"))
    assert len({first, second}) == 2
    assert first not in file.read_text()
    async with service(tmp_path / "data", api_keys_file=file) as running:
        await list_themes(running.channel, first)
        await list_themes(running.channel, second)
        file.write_text(file.read_text().splitlines()[1] + "\n")
        assert "unknown" in (await refused(running.channel, first)).message
        await list_themes(running.channel, second)
        third = CliRunner().invoke(main, [*arguments, "three"]).output.strip()
        await list_themes(running.channel, third)


async def test_a_broken_file_stops_a_start_and_is_ignored_later(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    key = create_key(file, name="one", role="reader")
    async with service(tmp_path / "data", api_keys_file=file) as running:
        file.write_text("{}")
        await list_themes(running.channel, key)
        file.unlink()
        await list_themes(running.channel, key)
    for content, problem in (("{}", "line 1"), ("\n#\nnonsense", "line 3"), (None, "No such file")):
        if content is not None:
            file.write_text(content)
        else:
            file.unlink()
        with pytest.raises(InvalidSettings, match=problem):
            async with service(tmp_path / "data", api_keys_file=file):
                pass


async def test_an_expired_key_is_refused_and_says_so(tmp_path: Path) -> None:
    file, past = tmp_path / "keys.jsonl", datetime.now(UTC) - timedelta(seconds=1)
    key = create_key(file, name="one", role="reader", expires=past)
    async with service(tmp_path / "data", api_keys_file=file) as running:
        assert "expired" in (await refused(running.channel, key)).message


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic abc", "igk_abc", "Bearer a b"])
async def test_a_malformed_authorization_is_refused(tmp_path: Path, authorization: str) -> None:
    file = tmp_path / "keys.jsonl"
    create_key(file, name="one", role="reader")
    async with service(tmp_path / "data", api_keys_file=file) as running:
        metadata = [("authorization", authorization)]
        call = running.themes.ListThemes(ListThemesRequest(), metadata=metadata, timeout=SECONDS)
        assert (await failed_call(call)).reason == "UNAUTHENTICATED"


def test_the_command_binds_a_key_to_a_service(tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    arguments = [
        "api-key",
        "create",
        "--name",
        "one",
        "--role",
        "writer",
        "--service",
        "campaigns",
        "--file",
        str(file),
    ]
    key = CliRunner().invoke(main, arguments).output.strip()
    match = Callers(file).with_key(key)
    assert match is not None
    assert match.caller.service == "campaigns"


@pytest.mark.parametrize("role", ["root", "", "READER"])
def test_the_command_knows_the_roles(tmp_path: Path, role: str) -> None:
    arguments = ["api-key", "create", "--name", "x", "--role", role, "--file", str(tmp_path / "keys")]
    assert CliRunner().invoke(main, arguments).exit_code == 2


@pytest.mark.parametrize("name", ["bridge", "", "a\nb", "\x1b[2J"])
def test_names_that_would_mislead_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        create_key(tmp_path / "keys", name=name, role="reader")
