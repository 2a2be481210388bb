"""How failures of GetImg.AI appear to the service: what may be repeated, and what they reveal."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import Any

import pytest

from getimg_standin import Behavior, Fault, FaultKind
from image_grpc.errors import GetimgNotConfigured
from image_grpc.getimg import CallNotSent, GetimgClient
from image_grpc.getimg.limits import DEFAULT_THROTTLE_SECONDS
from image_grpc_testkit.eventually import MAX_WAIT_SECONDS, increasing_durations
from tests.getimg.conftest import CATALOG, INCOMPLETE, JSON, KEY, connected, generate, generate_failure
from tests.getimg.scripted_server import EndlessResponse, response, scripted_server
from tests.service import Provider, running_standin

no_waiting = pytest.mark.usefixtures("no_waiting")


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "HTTP status 400"),
        (401, "check GETIMG_API_KEY"),
        (402, "top it up"),
        (403, "lacks permission"),
        (404, "no such model"),
        (413, "HTTP status 413"),
        (422, "HTTP status 422"),
    ],
)
async def test_a_rejected_request_is_not_repeated(
    client: GetimgClient, provider: Provider, status: int, advice: str
) -> None:
    provider.standin.add_fault(Fault(kind="status", status=status, message="some detail", code="a_code"))
    failure = await generate_failure(client)
    assert failure.retry_delay is None
    assert advice in failure.message
    assert "some detail" in failure.message
    assert failure.metadata == {"http_status": str(status), "provider_code": "a_code"}
    assert provider.standin.calls == 1


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize(("retry_after", "delay"), [(None, 1), (0, 1), (9, 9)])
async def test_a_server_error_may_be_repeated_but_not_by_the_sdk(
    client: GetimgClient, provider: Provider, status: int, retry_after: float | None, delay: float
) -> None:
    provider.standin.add_fault(Fault(kind="status", status=status, retry_after=retry_after))
    failure = await generate_failure(client)
    assert failure.retry_delay == delay
    assert not isinstance(failure, CallNotSent)
    assert provider.standin.calls == 1


@no_waiting
async def test_a_429_sets_the_retry_delay_and_pauses_all_calls(client: GetimgClient, provider: Provider) -> None:
    provider.standin.add_fault(Fault(kind="status", status=429, retry_after=600, count=1))
    failure = await generate_failure(client)
    assert failure.retry_delay == 600
    assert failure.metadata["http_status"] == "429"
    paused = await generate_failure(client)
    assert isinstance(paused, CallNotSent)
    assert paused.retry_delay is not None
    assert 0 < paused.retry_delay <= 600
    assert provider.standin.calls == 1


@no_waiting
async def test_the_retry_after_of_a_429_may_be_a_date() -> None:
    date = formatdate(time.time() + 500, usegmt=True)
    throttled = response(b"{}", "429 Too Many Requests", {"Retry-After": date})
    responses = {"/v2/models": CATALOG, "/v2/images": throttled}
    async with scripted_server(responses) as server, connected(server.url) as client:
        failure = await generate_failure(client)
    assert failure.retry_delay is not None
    assert DEFAULT_THROTTLE_SECONDS < failure.retry_delay <= 500


@no_waiting
async def test_the_last_request_of_the_budget_pauses_all_calls(client: GetimgClient, provider: Provider) -> None:
    provider.standin.behavior = Behavior(requests_per_minute=1, variety=1)
    await generate(client)
    assert isinstance(await generate_failure(client), CallNotSent)
    assert provider.standin.calls == 1


async def test_a_call_that_times_out_is_not_repeated() -> None:
    for seconds in increasing_durations(0.2):
        async with running_standin() as provider, connected(provider.url, timeout=seconds) as client:
            provider.standin.add_fault(Fault(kind=FaultKind.HANG))
            failure = await generate_failure(client)
            calls = provider.standin.calls
        if calls:  # otherwise not even the request arrived in time
            break
    assert failure.retry_delay is None, "it may have been billed"
    assert not isinstance(failure, CallNotSent)
    assert calls == 1


async def test_a_response_that_arrives_byte_by_byte_times_out() -> None:
    responses = {"/v2/models": CATALOG, "/v2/images": EndlessResponse(INCOMPLETE)}
    for seconds in increasing_durations(0.3):
        async with scripted_server(responses) as server, connected(server.url, timeout=seconds) as client:
            async with asyncio.timeout(MAX_WAIT_SECONDS):
                failure = await generate_failure(client)
        if len(server.requested_paths) == 2:  # otherwise the catalog took all the time
            break
    assert failure.retry_delay is None


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.INVALID])
async def test_a_call_whose_response_is_lost_is_not_repeated(
    client: GetimgClient, provider: Provider, kind: FaultKind
) -> None:
    provider.standin.add_fault(Fault(kind=kind))
    failure = await generate_failure(client)
    assert failure.retry_delay is None, "it may have been billed"
    assert not isinstance(failure, CallNotSent)
    assert provider.standin.calls == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"<html>Sign in</html>",
        b'{"id": "x", "status": "completed"}',
        b'{"id": "x", "model": "m", "status": "completed", "data": [], "usage": '
        b'{"billable_unit": "image", "quantity": 1, "unit_price": 1, "total_cost": 1}}',
        b'{"id": "x", "model": "m", "status": "completed", "data": [{"url": 7}], "usage": {}}',
    ],
)
async def test_an_invalid_response_is_an_api_error(body: bytes) -> None:
    responses = {"/v2/models": CATALOG, "/v2/images": response(body, headers=JSON)}
    async with scripted_server(responses) as server, connected(server.url) as client:
        failure = await generate_failure(client)
    assert failure.retry_delay is None


async def test_a_response_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_grpc.getimg.connection.MAX_RESPONSE_BYTES", 10_000)
    huge = response(b'{"id": "' + b"x" * 100_000 + b'"}', "200 OK", JSON)
    async with scripted_server({"/v2/models": CATALOG, "/v2/images": huge}) as server:
        async with connected(server.url) as client:
            failure = await generate_failure(client)
    assert failure.retry_delay is None, "it may have been billed"
    assert "unexpected response" in failure.message


async def test_a_compressed_response_is_not_decompressed() -> None:
    compressed = response(b"\x1f\x8b", "200 OK", JSON | {"Content-Encoding": "gzip"})
    async with scripted_server({"/v2/models": CATALOG, "/v2/images": compressed}) as server:
        async with connected(server.url) as client:
            failure = await generate_failure(client)
    assert failure.retry_delay is None


async def test_without_a_connection_nothing_was_sent(unused_url: str) -> None:
    async with connected(unused_url) as client:
        failure = await generate_failure(client)
    assert isinstance(failure, CallNotSent)
    assert failure.retry_delay is not None


async def test_unpaired_surrogates_in_an_error_are_replaced() -> None:
    body = rb'{"error": {"message": "no \ud83d here", "code": "\udc00"}}'
    responses = {"/v2/models": CATALOG, "/v2/images": response(body, "400 Bad Request", JSON)}
    async with scripted_server(responses) as server, connected(server.url) as client:
        failure = await generate_failure(client)
    assert failure.message.encode()
    assert failure.metadata["provider_code"].encode()


async def test_the_last_failure_is_kept_until_a_call_succeeds(client: GetimgClient, provider: Provider) -> None:
    provider.standin.add_fault(Fault(kind="status", status=402, count=1))
    await generate_failure(client)
    assert "top it up" in client.last_failure
    await generate(client)
    assert client.last_failure == ""


# The API key


async def test_without_a_key_nothing_is_called() -> None:
    async with connected("http://127.0.0.1:9", api_key=None) as client:
        assert not client.configured
        with pytest.raises(GetimgNotConfigured):
            await client.models()
        with pytest.raises(GetimgNotConfigured):
            await generate(client)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=401, message=f"There is no key {KEY}."),
        Fault(kind="status", status=400, code=KEY),
        Fault(kind="status", status=500, message=f"Bearer {KEY}"),
        Fault(kind="cut"),
        Fault(kind="invalid"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
async def test_the_key_is_in_no_error_and_in_no_log(
    client: GetimgClient, provider: Provider, fault: Fault, capfd: Any, caplog: Any
) -> None:
    provider.standin.add_fault(fault)
    failure = await generate_failure(client)
    assert KEY not in f"{failure!s} {failure!r} {failure.metadata}"
    assert KEY not in client.last_failure
    assert KEY not in caplog.text + "".join(capfd.readouterr())
