"""`image-grpc doctor` on what the user of the database may do, and on clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from image_grpc import app
from image_grpc.settings import StorageServiceSettings, load
from image_grpc_testkit.servers.postgresql import Cluster, postgresql_cluster
from image_grpc_testkit.servers.rabbitmq import Node
from tests.cli.doctor import findings
from tests.faults.platform import shifted_clock
from tests.service import running_standin

PRIVILEGES = "SELECT, INSERT, UPDATE, DELETE"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgresql_cluster() as it:
        yield it


async def database(cluster: Cluster, role: str, *grants: str) -> str:
    """Create the schema, and a role with these grants on it. Return the URL with that role."""
    from image_grpc.storage_service.database import Database

    created = Database(cluster.url)
    await created.start()
    await created.close()

    def grant() -> None:
        with psycopg.connect(cluster.libpq_url, autocommit=True) as connection:
            for statement in (
                f"CREATE ROLE {role} LOGIN",
                f"GRANT USAGE ON SCHEMA image_storage_db TO {role}",
                *grants,
            ):
                connection.execute(statement.format(role=role))  # type: ignore[arg-type]

    await asyncio.to_thread(grant)
    return cluster.libpq_url.replace("//test@", f"//{role}@")


@pytest.mark.parametrize(
    ("role", "grants", "lacking"),
    [
        (
            "reading",
            ["GRANT SELECT ON ALL TABLES IN SCHEMA image_storage_db TO {role}"],
            "INSERT on image_storage_db.applied_request",
        ),
        (
            "keeping",
            [
                f"GRANT {PRIVILEGES} ON ALL TABLES IN SCHEMA image_storage_db TO {{role}}",
                "REVOKE DELETE ON image_storage_db.outbox FROM {role}",
            ],
            "the user lacks DELETE on image_storage_db.outbox",
        ),
        ("writing", [f"GRANT {PRIVILEGES} ON ALL TABLES IN SCHEMA image_storage_db TO {{role}}"], ""),
        (
            "refused",
            [
                f"GRANT {PRIVILEGES} ON ALL TABLES IN SCHEMA image_storage_db TO {{role}}",
                "CREATE FUNCTION public.refuse() RETURNS trigger AS $$ BEGIN "
                "IF current_user = 'refused' THEN RAISE 'the disk is full'; END IF; RETURN NEW; "
                "END $$ LANGUAGE plpgsql",
                "CREATE TRIGGER refuse BEFORE INSERT ON image_storage_db.applied_request "
                "FOR EACH ROW EXECUTE FUNCTION public.refuse()",
            ],
            "the disk is full",
        ),
    ],
)
async def test_a_user_that_may_not_write_is_an_error(
    cluster: Cluster, role: str, grants: list[str], lacking: str, tmp_path: Path
) -> None:
    (tmp_path / "blobs").mkdir()
    environment = {"IMAGE_GRPC_DATABASE_URL": await database(cluster, role, *grants)}
    code, found = await findings(**environment, IMAGE_GRPC_DATA_DIR=str(tmp_path))
    assert found["database"][0] == "ok"
    level, text = found["database permissions"]
    assert (code, level) == ((1, "error") if lacking else (0, "ok"))
    assert lacking in text
    assert await asyncio.to_thread(cluster.query, "SELECT count(*) FROM image_storage_db.applied_request") == 0


@pytest.mark.parametrize(("shift", "direction"), [("+60", "-"), ("-60", "+")])
async def test_clocks_of_all_other_hosts_are_compared(
    node: Node, cluster: Cluster, shift: str, direction: str, tmp_path: Path
) -> None:
    (tmp_path / "blobs").mkdir()
    settings = {
        "hub_url": await asyncio.to_thread(node.add_virtual_host),
        "database_url": cluster.libpq_url,
        "blob_url": f"file://{tmp_path}/blobs",
    }
    async with running_standin() as provider, app.storage(load(StorageServiceSettings, **settings)):
        code, found = await findings(
            **{f"IMAGE_GRPC_{name.upper()}": value for name, value in settings.items()},
            IMAGE_GRPC_GETIMG_BASE_URL=provider.url,
            GETIMG_API_KEY=provider.standin.api_key,
            **shifted_clock(shift),
        )
    assert code == 0
    for host in ("the Storage Service", "the database", "GetImg.AI"):
        level, text = found[f"clock of {host}"]
        assert level == "warning"
        seconds = float(text.split()[1])
        assert 55 < abs(seconds) < 65
        assert text.startswith(f"is {direction}")


async def test_a_storage_service_with_another_hub_key_does_not_reply(node: Node, tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).write_text(name * 32)
    settings = {"hub_url": await asyncio.to_thread(node.add_virtual_host), "data_dir": str(tmp_path)}
    async with app.storage(load(StorageServiceSettings, hub_key_file=tmp_path / "one", **settings)):
        environment = {f"IMAGE_GRPC_{name.upper()}": value for name, value in settings.items()}
        _, found = await findings(**environment, IMAGE_GRPC_HUB_KEY_FILE=str(tmp_path / "one"))
        assert found["Storage Service"] == ("ok", "replies")
        _, found = await findings(**environment, IMAGE_GRPC_HUB_KEY_FILE=str(tmp_path / "other"))
        assert found["Storage Service"][0] == "warning"
