"""Secrets appear nowhere: in no log, trace, metric, error, event or command, and in no list of processes."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import httpx
import pytest
import trustme
from tabletop.image.v1.audit_service_pb2 import ListAuditEntriesRequest
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest, ListImagesRequest

from getimg_standin import Fault, Standin
from image_grpc.access.callers import create_key
from image_grpc.hub import topology
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.postgresql import postgresql
from image_grpc_testkit.servers.processes import free_port
from image_grpc_testkit.servers.rabbitmq import Node
from image_grpc_testkit.servers.s3 import s3
from tests.access.calls import Identified, jwt_settings, signing_key, token, write_key_set
from tests.bridge.plain import plain_client
from tests.cli.processes import run
from tests.faults.platform import Program
from tests.service import MODEL, new_id, portrait, running_standin, stubs
from tests.statuses import failed_call

pytestmark = pytest.mark.faults


def command_line(program: Program) -> str:
    """Return what everybody on the host can read of a process."""
    return Path(f"/proc/{program.pid}/cmdline").read_bytes().decode()


async def test_secrets_appear_nowhere(node: Node, tmp_path: Path) -> None:
    host = await asyncio.to_thread(node.add_virtual_host)
    hub_url = await asyncio.to_thread(node.add_user, host, ".*", ".*", ".*")
    broken_url = "postgresql://image:{}@127.0.0.1:1/none"
    password = hub_url.partition("@")[0].rpartition(":")[2]
    names = ("getimg", "page-tokens", "database", "broken-database", "object-store", "wrong")
    words = {name: f"sentinel-{name}-{secrets.token_hex(8)}" for name in names}
    keys = {role: create_key(tmp_path / "keys", name=role, role=role) for role in ("reader", "writer", "admin")}
    (tmp_path / "hub-key").write_text(words.setdefault("hub-key", f"sentinel-{secrets.token_hex(32)}"))
    (tmp_path / "admin-key").write_text(keys["admin"])
    (tmp_path / "hub-url").write_text(hub_url)
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "authority"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "tls-key"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "certificate"))
    private = certificate.private_key_pem.bytes().decode().splitlines()[1]
    signing = signing_key("one")
    write_key_set(tmp_path / "key-set", signing)
    identity = token(signing, role="writer")
    sentinels = {**words, **keys, "hub": f":{password}@", "token": identity, "private key": private}
    seen: dict[str, str] = {}
    """Everything that the platform has shown, by where."""

    metrics, address = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(running_standin(Standin(api_key=words["getimg"])))
        shared = {
            "IMAGE_GRPC_HUB_URL_FILE": str(tmp_path / "hub-url"),
            "IMAGE_GRPC_HUB_KEY_FILE": str(tmp_path / "hub-key"),
            "IMAGE_GRPC_PAGE_TOKEN_KEY": words["page-tokens"],
            "IMAGE_GRPC_DATA_DIR": str(tmp_path),
            "IMAGE_GRPC_LOG_LEVEL": "DEBUG",
            "IMAGE_GRPC_TELEMETRY": "console",
        }
        server = {
            **shared,
            "GETIMG_API_KEY": words["getimg"],
            "IMAGE_GRPC_GETIMG_BASE_URL": provider.url,
            "IMAGE_GRPC_MODEL_PORTRAIT": MODEL,
            "IMAGE_GRPC_API_KEYS_FILE": str(tmp_path / "keys"),
            "IMAGE_GRPC_TLS_CERTIFICATE_FILE": str(tmp_path / "certificate"),
            "IMAGE_GRPC_TLS_KEY_FILE": str(tmp_path / "tls-key"),
            "IMAGE_GRPC_PROMETHEUS_LISTEN": metrics,
            **{f"IMAGE_GRPC_{name.upper()}": str(value) for name, value in jwt_settings(tmp_path / "key-set").items()},
        }
        caller = {"IMAGE_GRPC_TARGET": address, "IMAGE_GRPC_API_KEY": keys["admin"]}
        caller["IMAGE_GRPC_CA_FILE"] = str(tmp_path / "authority")
        bucket = await asyncio.to_thread(stack.enter_context, s3())
        database = await asyncio.to_thread(stack.enter_context, postgresql())
        stored = {
            **bucket.environment,
            "IMAGE_GRPC_BLOB_URL": bucket.url,
            "AWS_SECRET_ACCESS_KEY": words["object-store"],
            "IMAGE_GRPC_DATABASE_URL": database.replace("//test@", f"//test:{words['database']}@"),
        }
        programs = [
            Program("storage", ["storage"], "(is ready)", tmp_path, **shared, **stored),
            Program("serve", ["serve", "--listen", address], r"listens on (\S+),", tmp_path, **server),
            Program("bridge", ["bridge"], "(connects)", tmp_path, **shared, **caller),
        ]
        for program in programs:
            stack.push_async_callback(program.kill)
            await program.start()
        credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
        channel = await stack.enter_async_context(grpc.aio.secure_channel(address, credentials))
        client = await stack.enter_async_context(plain_client(host))
        events = await client.channel.declare_queue(exclusive=True)
        for exchange in topology.EXCHANGES:
            await events.bind(exchange, "#")

        reader, writer, admin = (stubs(Identified(channel, keys[role])) for role in ("reader", "writer", "admin"))
        identified = stubs(Identified(channel, identity))
        seen["images for a token"] = str(await identified["images"].ListImages(ListImagesRequest()))
        tampered = stubs(Identified(channel, f"{identity}x"))
        seen["a refusal of a token"] = str(await failed_call(tampered["images"].ListImages(ListImagesRequest())))
        made = (await writer["generations"].GeneratePortrait(portrait(wait_for={"seconds": 60}))).generation
        assert made.image.id
        echo = Fault(kind="status", status=401, message=f"the key {words['getimg']} is invalid", count=1)
        provider.standin.add_fault(echo)
        request = portrait(details=new_id(), wait_for={"seconds": 60})
        seen["a generation that failed"] = str(await writer["generations"].GeneratePortrait(request))
        assert "401" in seen["a generation that failed"]
        delete = DeleteImageRequest(image_id=made.image.id)
        seen["a refusal"] = str(await failed_call(reader["images"].DeleteImage(delete)))
        wrong = stubs(Identified(channel, words["wrong"]))
        seen["a refusal of an unknown key"] = str(await failed_call(wrong["images"].DeleteImage(delete)))
        seen["a forged page token"] = str(
            await failed_call(admin["images"].ListImages(ListImagesRequest(page_token=words["page-tokens"][:8])))
        )
        seen["a hub request"] = str(await client.request("ThemeService.GetTheme", {"theme": "horror"}))
        seen["generations"] = str(await admin["generations"].ListGenerations(ListGenerationsRequest()))
        await writer["images"].DeleteImage(delete)

        async def are_audited() -> bool:
            seen["audit"] = str(await admin["audit"].ListAuditEntries(ListAuditEntriesRequest(page_size=100)))
            return "PERMISSION_DENIED" in seen["audit"]

        await eventually(are_audited, "the refusal is audited")
        async with httpx.AsyncClient() as http:
            seen["metrics"] = (await http.get(f"http://{metrics}/metrics")).text
        for command in (["config"], ["doctor"], ["status", "--target", address, "--api-key-file", "admin-key"]):
            arguments = [str(tmp_path / "admin-key") if each == "admin-key" else each for each in command]
            ca_file = {"IMAGE_GRPC_CA_FILE": str(tmp_path / "authority")}
            seen[f"the command {command[0]}"] = str(await run(*arguments, **server, **stored, **ca_file))
        broken = {**shared, "IMAGE_GRPC_DATABASE_URL": broken_url.format(words["broken-database"])}
        seen["the doctor without database"] = str(await run("doctor", **{**server, **broken}))
        code, *output = await run("storage", **broken)
        assert code != 0
        seen["a storage without database"] = str(output)
        for program in programs:
            seen[f"command line of {program.name}"] = command_line(program)
        while (message := await events.get(fail=False)) is not None:
            seen[f"event {message.routing_key} {message.message_id}"] = f"{message.headers} {message.body!r}"
        for program in programs:
            await program.terminate()
            seen[f"log of {program.name}"] = program.log
    assert "images generated" in seen["the command status"]
    assert "event image.generated" in " ".join(seen)
    assert "tabletop.images.generated" in seen["log of serve"]  # its metrics
    assert '"name": "tabletop.image.v1' in seen["log of serve"]  # its spans
    shown = {(name, where) for name, secret in sentinels.items() for where, text in seen.items() if secret in text}
    assert not shown
