"""`image-grpc doctor`: each problem is found, with its remedy."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shlex
from pathlib import Path

import pytest

from image_grpc import app
from image_grpc.access.callers import create_key
from image_grpc.hub.amqp import AmqpHub
from image_grpc.settings import StorageServiceSettings, load
from image_grpc_testkit.servers.postgresql import postgresql
from image_grpc_testkit.servers.rabbitmq import Node
from tests.cli.doctor import findings
from tests.cli.processes import run
from tests.service import running_standin


async def test_a_new_environment_needs_an_api_key_of_getimg_only(tmp_path: Path) -> None:
    code, found = await findings(IMAGE_GRPC_DATA_DIR=str(tmp_path))
    assert code == 0
    assert {subject for subject, (level, _) in found.items() if level != "ok"} == {"GetImg.AI"}
    assert not os.listdir(tmp_path)


async def test_a_complete_platform_is_healthy(node: Node, tmp_path: Path) -> None:
    callers, hub_key = tmp_path / "callers", tmp_path / "hub-key"
    create_key(callers, name="somebody", role="reader")
    hub_key.write_text(secrets.token_hex(32))
    (tmp_path / "blobs").mkdir()
    url = await asyncio.to_thread(node.add_virtual_host)
    with postgresql() as database:
        settings = {
            "hub_url": url,
            "database_url": database,
            "blob_url": f"file://{tmp_path}/blobs",
            "hub_key_file": str(hub_key),
        }
        async with running_standin() as provider, app.storage(load(StorageServiceSettings, **settings)):
            code, found = await findings(
                **{f"IMAGE_GRPC_{name.upper()}": value for name, value in settings.items()},
                IMAGE_GRPC_API_KEYS_FILE=str(callers),
                IMAGE_GRPC_PAGE_TOKEN_KEY="some secret",
                IMAGE_GRPC_GETIMG_BASE_URL=provider.url,
                GETIMG_API_KEY=provider.standin.api_key,
            )
    assert code == 0
    problems = {subject: level for subject, (level, _) in found.items() if level != "ok"}
    assert problems == {"TLS": "warning", "serve": "warning", "policies": "warning"} | (
        {"hub": "warning"} if "older" in found["hub"][1] else {}
    )
    agreeing = {subject for subject, (_, text) in found.items() if text == "agrees with this host's"}
    assert agreeing == {"clock of the database", "clock of the Storage Service", "clock of GetImg.AI"}
    assert found["hub"][1].startswith("RabbitMQ ")
    assert found["database"][1].startswith("PostgreSQL ")
    assert "USD" in found["GetImg.AI"][1]


@pytest.mark.parametrize(
    ("subject", "environment"),
    [
        ("hub", {"IMAGE_GRPC_HUB_URL": "amqp://127.0.0.1:1/"}),
        ("database", {"IMAGE_GRPC_DATABASE_URL": "postgresql://127.0.0.1:1/none"}),
        (
            "object store",
            {"IMAGE_GRPC_DATABASE_URL": "sqlite:///{folder}/new.db", "IMAGE_GRPC_BLOB_URL": "file:///none"},
        ),
        ("access", {"IMAGE_GRPC_API_KEYS_FILE": "{folder}/broken"}),
        ("hub key", {"IMAGE_GRPC_HUB_KEY_FILE": "{folder}/broken"}),
        ("GetImg.AI", {"GETIMG_API_KEY": "wrong", "IMAGE_GRPC_GETIMG_BASE_URL": "http://127.0.0.1:1"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_error_sets_the_exit_code(subject: str, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("{}")
    settings = load(StorageServiceSettings, database_url=f"sqlite:///{tmp_path}/new.db", data_dir=tmp_path)
    await create_database(settings)
    variables = {name: value.format(folder=tmp_path) for name, value in environment.items()}
    code, found = await findings(IMAGE_GRPC_DATA_DIR=str(tmp_path), **variables)
    assert code == 1
    assert found[subject][0] == "error"


async def create_database(settings: StorageServiceSettings) -> None:
    from image_grpc.storage_service.database import Database

    assert settings.database_url is not None
    database = Database(settings.database_url.get_secret_value())
    await database.start()
    await database.close()


async def test_secrets_are_not_shown(tmp_path: Path) -> None:
    environment = {
        "GETIMG_API_KEY": "sk-sentinel",
        "IMAGE_GRPC_HUB_URL": "amqp://user:sentinel@127.0.0.1:1/",
        "IMAGE_GRPC_DATABASE_URL": "postgresql://user:sentinel@127.0.0.1:1/none",
        "IMAGE_GRPC_GETIMG_BASE_URL": "http://127.0.0.1:1",
    }
    code, out, error = await run("doctor", IMAGE_GRPC_DATA_DIR=str(tmp_path), **environment)
    assert code == 1
    assert "sentinel" not in out + error


async def test_users_of_the_printed_commands_can_run_every_part(node: Node) -> None:
    code, out, _ = await run("doctor", "--rabbitmq-commands")
    assert code == 0
    url = await asyncio.to_thread(node.add_virtual_host)
    commands = [shlex.split(line, comments=True) for line in out.splitlines() if "set_permissions" in line]
    assert [command[-4] for command in commands] == ["image-storage", "image-serve", "image-bridge"]
    for command in commands:  # in the printed order: the first creates the queues
        hub = AmqpHub(await asyncio.to_thread(node.add_user, url, *command[-3:]))
        await hub.start()
        await hub.close()
    assert re.search(r"^rabbitmqctl add_user image-serve", out, re.MULTILINE)
