"""`image-grpc doctor` on what the user of the broker may do, and on policies with which messages are lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pytest

from image_grpc.app.doctor import Level
from image_grpc.app.doctor.hub import judge_rights
from image_grpc.app.doctor.versions import POSTGRESQL, RABBITMQ, judge
from image_grpc.hub import topology
from image_grpc.hub.amqp import AmqpHub
from image_grpc.hub.amqp.management import losing, management_url
from image_grpc.hub.amqp.rights import missing_rights
from image_grpc.hub.permissions import PERMISSIONS
from image_grpc_testkit.servers.processes import free_port
from image_grpc_testkit.servers.rabbitmq import Node, rabbitmq
from tests.cli.doctor import Findings, findings

PARTS = ("serve", "storage", "bridge")


async def declared(node: Node) -> str:
    """Return the URL of a virtual host on which everything is declared."""
    url = await asyncio.to_thread(node.add_virtual_host)
    hub = AmqpHub(url)
    await hub.start()
    await hub.close()
    return url


@pytest.mark.parametrize("part", PARTS)
async def test_the_documented_permissions_of_a_part_are_what_it_needs(node: Node, part: str) -> None:
    url, each = await declared(node), PERMISSIONS[part]
    user = await asyncio.to_thread(node.add_user, url, each.configure, each.write, each.read)
    missing = await missing_rights(user)
    assert missing[part] == []
    assert all(missing[other] for other in PARTS if other != part)
    columns = (each.configure, each.write, each.read)
    for number in range(3):
        reduced = [pattern if index != number else "^$" for index, pattern in enumerate(columns)]
        user = await asyncio.to_thread(node.add_user, url, *reduced)
        assert (await missing_rights(user))[part]


async def test_permissions_are_checked_without_an_effect(node: Node) -> None:
    url = await declared(node)
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(aio_pika.Message(b"a job"), topology.STORE_QUEUE)
        host = url.rpartition("/")[2]

        async def state() -> str:
            code = f'rabbit_amqqueue:info_all(<<"{host}">>, [name, messages, consumers])'
            bindings = f'length(rabbit_binding:list(<<"{host}">>))'
            return await asyncio.to_thread(node.evaluate, f"{{lists:sort({code}), {bindings}}}")

        before = await state()
        assert all(not rights for rights in (await missing_rights(url)).values())
        assert await state() == before
        queue = await channel.get_queue(topology.STORE_QUEUE)
        message = await queue.get(no_ack=True)
    assert (message.body, message.redelivered) == (b"a job", False)


async def test_a_user_without_permissions_is_an_error(node: Node, tmp_path: Path) -> None:
    url = await declared(node)
    nobody = await asyncio.to_thread(node.add_user, url, "^$", "^$", "^$")
    code, found = await findings(IMAGE_GRPC_HUB_URL=nobody, IMAGE_GRPC_DATA_DIR=str(tmp_path))
    level, text = found["permissions"]
    assert (code, level) == (1, "error")
    assert "the user may run no part" in text
    assert "declare image.reply.*" in text


async def test_required_parts_are_named_by_options(node: Node, tmp_path: Path) -> None:
    url, each = await declared(node), PERMISSIONS["storage"]
    storage = await asyncio.to_thread(node.add_user, url, each.configure, each.write, each.read)
    environment = {"IMAGE_GRPC_HUB_URL": storage, "IMAGE_GRPC_DATA_DIR": str(tmp_path)}
    for options in ((), ("--part", "storage")):
        code, found = await findings(*options, **environment)
        assert (code, found["permissions"][0]) == (0, "ok")
        assert found["permissions"][1].startswith("the user may run storage; for serve it may not declare image.chang")
    code, found = await findings("--part", "storage", "--part", "serve", **environment)
    assert (code, found["permissions"][0]) == (1, "error")
    assert "consume image.store" in found["permissions"][1]
    assert "for bridge" not in found["permissions"][1]


@pytest.mark.parametrize(
    ("policies", "queues"),
    [
        ([("a", "^image", "exchanges", 0, ["max-length"])], {}),
        ([("a", "^image[.]st", "classic_queues", 0, ["max-length"])], {"a": ["image.storage"]}),
        ([("a", "^image[.]st", "quorum_queues", 0, ["max-length"])], {"a": ["image.store"]}),
        ([("a", "store", "all", 0, ["expires"]), ("b", "store", "queues", 1, ["ha-mode"])], {}),
        ([("a", "store", "all", 2, ["expires"]), ("b", "store", "queues", 1, ["ha-mode"])], {"a": ["image.store"]}),
        ([("a", "retry.5", "all", 0, ["delivery-limit"])], {"a": ["image.retry.5"]}),
    ],
)
def test_the_policy_with_the_highest_priority_applies_to_queues_of_its_type(
    policies: list[tuple[str, str, str, int, list[str]]], queues: dict[str, list[str]]
) -> None:
    described = [
        {
            "name": name,
            "pattern": pattern,
            "apply-to": type_,
            "priority": priority,
            "definition": dict.fromkeys(keys, 1),
        }
        for name, pattern, type_, priority, keys in policies
    ]
    assert {each.name: each.queues for each in losing(described)} == queues


def test_a_part_that_is_not_required_is_no_problem() -> None:
    missing = {"serve": [], "bridge": ["consume image.bridge.events"]}
    assert judge_rights(missing, []).level is Level.OK
    assert judge_rights(missing, ["serve"]).level is Level.OK
    assert judge_rights(missing, ["bridge"]).level is Level.ERROR


@pytest.fixture(scope="module")
def managed() -> Iterator[tuple[Node, str]]:
    """A node with the management plugin, and the URL of its API."""
    port = free_port()
    configuration = f"management.tcp.port = {port}\nmanagement.tcp.ip = 127.0.0.1\n"
    with rabbitmq(configuration, plugins=["rabbitmq_management"]) as node:
        yield node, f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("command", "pattern", "definition", "lost"),
    [
        ("parse_set", "^image[.]store$", '{"max-length": 10}', "image.store drop messages: max-length"),
        ("parse_set", ".*", '{"message-ttl": 60000}', "image.changes.* drop messages: message-ttl"),
        ("parse_set_op", "^image[.]dead$", '{"max-length-bytes": 9}', "image.dead drop messages: max-length-b"),
        ("parse_set", "^image", '{"max-length": 10, "overflow": "reject-publish"}', ""),
        ("parse_set", "^other", '{"message-ttl": 60000}', ""),
    ],
)
async def test_policies_with_which_messages_are_lost_are_errors(
    managed: tuple[Node, str], command: str, pattern: str, definition: str, lost: str, tmp_path: Path
) -> None:
    node, api = managed
    url = await declared(node)
    host = url.rpartition("/")[2]
    async with await aio_pika.connect(url) as connection:
        await (await connection.channel()).declare_queue("other", durable=True)
    # What `rabbitmqctl set_policy` calls, without starting Erlang for it.
    values = ", ".join(
        f"<<{json.dumps(each)}>>" for each in (host, "limits", pattern, definition, "0", "queues", "test")
    )
    assert await asyncio.to_thread(node.evaluate, f"rabbit_policy:{command}({values})") == "ok"
    options = ("--management-url", api)
    code, found = await findings(*options, IMAGE_GRPC_HUB_URL=url, IMAGE_GRPC_DATA_DIR=str(tmp_path))
    level, text = found["policies"]
    assert (code, level) == ((1, "error") if lost else (0, "ok"))
    assert lost in text
    assert not lost or text.startswith("the policy limits lets image.")


async def policies(node: Node, tmp_path: Path, *options: str) -> Findings:
    url = await declared(node)
    user = await asyncio.to_thread(node.add_user, url, ".*", ".*", ".*")
    code, found = await findings(*options, IMAGE_GRPC_HUB_URL=user, IMAGE_GRPC_DATA_DIR=str(tmp_path))
    assert code == 0
    return found


async def test_policies_that_cannot_be_seen_are_a_warning(
    node: Node, managed: tuple[Node, str], tmp_path: Path
) -> None:
    closed = f"http://127.0.0.1:{free_port()}"
    level, text = (await policies(node, tmp_path, "--management-url", closed))["policies"]
    assert level == "warning"
    assert text.startswith(f"cannot be checked: no response from {closed}")
    level, text = (await policies(managed[0], tmp_path, "--management-url", managed[1]))["policies"]
    assert (level, text) == ("warning", f"cannot be checked: HTTP 401 from {managed[1]}")


@pytest.mark.parametrize(
    ("hub_url", "url"),
    [
        ("amqp://user:secret@rabbit.example.com/host", "http://rabbit.example.com:15672"),
        ("amqps://user:secret@rabbit.example.com:5671/host", "https://rabbit.example.com:15671"),
        ("amqp://[::1]:5672/", "http://[::1]:15672"),
    ],
)
def test_the_management_plugin_is_expected_on_the_host_of_the_broker(hub_url: str, url: str) -> None:
    assert management_url(hub_url) == url


@pytest.mark.parametrize(
    ("version", "oldest", "is_old"),
    [
        ("3.10.8", RABBITMQ, True),
        ("3.11.28", RABBITMQ, True),
        ("3.12.0", RABBITMQ, False),
        ("4.0.5", RABBITMQ, False),
        ("13.16 (Debian 13.16-0)", POSTGRESQL, True),
        ("14.1", POSTGRESQL, False),
        ("17.2 (Debian 17.2-1)", POSTGRESQL, False),
        ("unknown", RABBITMQ, False),
    ],
)
def test_an_old_version_is_a_warning(version: str, oldest: tuple[int, ...], is_old: bool) -> None:
    finding = judge("hub", "RabbitMQ", version, oldest)
    assert finding.level is (Level.WARNING if is_old else Level.OK)
    assert version in finding.text
    assert ("upgrade to" in finding.remedy) == is_old


async def test_the_version_of_the_broker_is_judged(node: Node, tmp_path: Path) -> None:
    version = (await asyncio.to_thread(node.evaluate, "rabbit_misc:version()")).strip('"')
    url = await declared(node)
    _, found = await findings(IMAGE_GRPC_HUB_URL=url, IMAGE_GRPC_DATA_DIR=str(tmp_path))
    expected = judge("hub", "RabbitMQ", version, RABBITMQ)
    assert found["hub"] == (expected.level.value, expected.text)
