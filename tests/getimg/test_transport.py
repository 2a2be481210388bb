"""The transport: its errors tell whether a request was sent, and connections are used again."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import trustme

from image_grpc.getimg.transport import Transport

REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

Respond = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A server of raw bytes."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self.url = ""
        self.connections = 0
        self.requests: list[bytes] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head.lower())
                self.requests.append(head + await reader.readexactly(int(length[1]) if length else 0))
                await self._respond(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(respond: Respond, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(respond)
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=context)
    server.url = f"{'https' if context else 'http'}://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener:
        yield server


@asynccontextmanager
async def new_client(timeout: float = 60) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=Transport(httpx.create_ssl_context()), timeout=timeout) as client:
        yield client


async def reply(writer: asyncio.StreamWriter) -> None:
    writer.write(REPLY)


async def hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def disconnect(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def reply_partly(writer: asyncio.StreamWriter) -> None:
    writer.write(REPLY[:-1])
    writer.close()


async def reply_nonsense(writer: asyncio.StreamWriter) -> None:
    writer.write(b"nonsense\r\n\r\n")


async def test_a_connection_is_used_again() -> None:
    async with serving(reply) as server, new_client() as client:
        for _ in range(3):
            assert (await client.get(f"{server.url}/a%2Fb?c=%20")).text == "hello"
    assert server.connections == 1
    assert all(request.startswith(b"GET /a%2Fb?c=%20 HTTP/1.1\r\n") for request in server.requests)


async def test_a_large_body_is_sent_whole() -> None:
    body = b"x" * 3_000_000
    async with serving(reply) as server, new_client() as client:
        assert (await client.post(server.url, content=body)).text == "hello"
    assert server.requests[0].endswith(b"\r\n\r\n" + body)


async def test_the_connection_of_a_response_that_is_not_read_is_closed() -> None:
    async with serving(reply_partly) as server, new_client() as client:
        for _ in range(2):
            async with client.stream("GET", server.url) as response:
                assert response.status_code == 200
    assert server.connections == 2


@pytest.mark.parametrize("respond", [disconnect, reset, reply_partly, reply_nonsense])
async def test_a_response_that_is_lost_is_an_error_of_reading(respond: Respond) -> None:
    async with serving(respond) as server, new_client() as client:
        with pytest.raises(httpx.ReadError):
            await client.post(server.url, json={})
    assert len(server.requests) == 1, "it is not sent again"


async def test_a_response_that_takes_too_long_is_an_error_of_reading() -> None:
    async with serving(hang) as server, new_client(timeout=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(server.url, json={})


async def test_a_server_that_refuses_connections_is_an_error_of_connecting(unused_url: str) -> None:
    async with new_client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.post(unused_url, json={})


async def test_a_host_that_does_not_exist_is_an_error_of_connecting() -> None:
    async with new_client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.post("http://host.invalid", json={})


async def test_a_name_that_is_not_resolved_in_time_is_an_error_of_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(*_: object, **__: object) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", resolve)
    async with new_client(timeout=0.2) as client:
        with pytest.raises(httpx.ConnectTimeout):
            await client.post("http://host.invalid", json={})


async def test_a_server_that_begins_no_tls_is_an_error_of_connecting() -> None:
    async with serving(hang) as server, new_client(timeout=0.2) as client:
        with pytest.raises(httpx.ConnectTimeout):
            await client.post(server.url.replace("http", "https"), json={})


async def test_an_untrusted_certificate_is_an_error_of_connecting() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with serving(reply, context) as server, new_client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.post(server.url, json={})
    assert server.requests == []
