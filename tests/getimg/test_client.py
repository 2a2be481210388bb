"""The client, against the stand-in over real HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest
import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from getimg_standin import MODELS, Behavior, Fault, FaultKind
from image_grpc.errors import ApiError, GetimgNotConfigured
from image_grpc.getimg import GetimgClient
from image_grpc.getimg.limits import DEFAULT_RETRY_SECONDS, NotSent
from tests.contracts.patience import PATIENCE_SECONDS, eventually, longer_and_longer
from tests.getimg.canned import Drip, canned, response
from tests.getimg.conftest import KEY, connected, draw
from tests.service import MODEL, PRICE, Provider, held, listening

JSON = {"Content-Type": "application/json"}
CATALOGUE = response(json.dumps([model.to_json() for model in MODELS.values()]).encode(), headers=JSON)
BEGUN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
"""An answer of which more is to come."""

no_patience = pytest.mark.usefixtures("no_patience")


async def failure_of(client: GetimgClient, **changes: Any) -> ApiError:
    with pytest.raises(ApiError) as failed:
        await draw(client, **changes)
    return failed.value


@pytest.fixture
def unused_url() -> Iterator[str]:
    """A URL at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


# What is asked for, and what comes back


@pytest.mark.parametrize(
    ("size", "model", "ratio", "resolution"),
    [
        ((1024, 1024), "seedream-5-lite", "1:1", "1K"),
        ((333, 777), "seedream-5-lite", "9:16", "1K"),
        ((1920, 1080), "seedream-5-lite", "16:9", "2K"),
        ((64, 64), "seedream-4-5", "1:1", "2K"),
    ],
)
async def test_the_size_becomes_a_ratio_and_a_resolution_of_the_model(
    client: GetimgClient, provider: Provider, size: tuple[int, int], model: str, ratio: str, resolution: str
) -> None:
    await draw(client, size=Size(width=size[0], height=size[1]), model=model)
    [asked] = provider.standin.prompts
    assert asked == {
        "model": model,
        "prompt": "a thing, fantasy",
        "output_format": "png",
        "aspect_ratio": ratio,
        "resolution": resolution,
    }


@pytest.mark.parametrize(
    ("format_", "name"),
    [
        (ImageFormat.IMAGE_FORMAT_PNG, "png"),
        (ImageFormat.IMAGE_FORMAT_JPEG, "jpeg"),
        (ImageFormat.IMAGE_FORMAT_WEBP, "webp"),
    ],
)
async def test_the_format_is_asked_for(
    client: GetimgClient, provider: Provider, format_: ImageFormat, name: str
) -> None:
    await draw(client, format=format_)
    assert provider.standin.prompts[-1]["output_format"] == name


async def test_references_go_along(client: GetimgClient, provider: Provider) -> None:
    data = base64.b64encode(pyvips.Image.black(64, 64).write_to_buffer(".png")).decode()
    await draw(client, model="gpt-image-2", reference_urls=[f"data:image/png;base64,{data}"])
    [reference] = provider.standin.prompts[-1]["images"]
    assert reference["url"].startswith("data:image/png;base64,")


async def test_the_cost_is_what_was_billed(client: GetimgClient, provider: Provider) -> None:
    result = await draw(client)
    assert (result.cost.amount, result.cost.currency) == (PRICE, "USD")
    assert (result.cost.unit, result.cost.quantity) == ("image", 1)
    assert str(provider.standin.total_cost) == PRICE
    assert result.model == MODEL
    assert result.provider_id
    assert result.url.startswith(provider.url)
    assert result.expire_time.ToSeconds() > time.time()


# The catalogue


async def test_the_catalogue_is_read_at_run_time(client: GetimgClient) -> None:
    models = {model.id: model for model in await client.models()}
    assert list(models) == list(MODELS)
    for known in MODELS.values():
        model = models[known.id]
        assert tuple(model.aspect_ratios) == known.aspect_ratios
        assert tuple(model.resolutions) == known.resolutions
        assert model.max_reference_images == known.max_references
        assert model.display_name == known.name
        if known.lists_rates:
            assert {price.amount for price in model.prices} == {str(price) for price in known.prices.values()}


async def test_the_catalogue_is_read_once_until_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    async with canned(CATALOGUE) as server, connected(server.url) as it:
        await asyncio.gather(*(it.models() for _ in range(5)))
        assert server.asked == ["/v2/models?type=image"]
        monkeypatch.setattr("image_grpc.getimg.client.CATALOGUE_SECONDS", 0)
        await it.models()
        assert len(server.asked) == 2


async def test_an_old_catalogue_is_better_than_none(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"/v2/models": CATALOGUE}
    async with canned(answers) as server, connected(server.url) as it:
        known = await it.models()
        monkeypatch.setattr("image_grpc.getimg.client.CATALOGUE_SECONDS", 0)
        answers["/v2/models"] = response(b"{}", "503 Service Unavailable", JSON)
        assert await it.models() == known
        assert len(server.asked) == 2


async def test_what_a_picture_will_cost_depends_on_its_resolution(client: GetimgClient) -> None:
    async def cost(model: str, side: int) -> str | None:
        expected = await client.expected_cost(await client.model(model), Size(width=side, height=side))
        return expected.amount if expected else None

    assert await cost("gpt-image-2", 1024) == "0.053"
    assert await cost("gpt-image-2", 2048) == "0.12"
    assert await cost(MODEL, 64) == PRICE
    assert await cost("gemini-3-1-flash-image", 64) is None, "no rate listed does not mean free"


async def test_a_model_that_the_catalogue_does_not_have_is_not_asked_for(
    client: GetimgClient, provider: Provider
) -> None:
    failure = await failure_of(client, model="mona-lisa")
    assert failure.retry_delay is None
    assert provider.standin.calls == 0


@pytest.mark.parametrize("answer", [b"", BEGUN + b"[", BEGUN], ids=["cut", "half", "head"])
async def test_a_catalogue_that_could_not_be_read_cost_nothing(answer: bytes) -> None:
    async with canned(answer) as server, connected(server.url) as it:
        failure = await failure_of(it)
    assert isinstance(failure, NotSent)
    assert failure.retry_delay is not None


async def test_a_catalogue_that_does_not_come_in_time_cost_nothing() -> None:
    async with canned(Drip(BEGUN)) as server, connected(server.url, timeout=0.1) as it:
        async with asyncio.timeout(PATIENCE_SECONDS):
            failure = await failure_of(it)
    assert isinstance(failure, NotSent)


# Errors


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "HTTP status 400"),
        (401, "check GETIMG_API_KEY"),
        (402, "top it up"),
        (403, "may not do this"),
        (404, "does not know this model"),
        (413, "HTTP status 413"),
        (422, "HTTP status 422"),
    ],
)
async def test_what_getimg_refuses_is_not_asked_again(
    client: GetimgClient, provider: Provider, status: int, advice: str
) -> None:
    provider.standin.add_fault(Fault(kind="status", status=status, message="it is so", code="a_code"))
    failure = await failure_of(client)
    assert failure.retry_delay is None
    assert advice in failure.message
    assert "it is so" in failure.message
    assert failure.metadata == {"http_status": str(status), "provider_code": "a_code"}
    assert provider.standin.calls == 1


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize(("retry_after", "delay"), [(None, 1), (0, 1), (9, 9)])
async def test_what_failed_at_getimg_may_be_asked_again_but_not_by_the_sdk(
    client: GetimgClient, provider: Provider, status: int, retry_after: float | None, delay: float
) -> None:
    provider.standin.add_fault(Fault(kind="status", status=status, retry_after=retry_after))
    failure = await failure_of(client)
    assert failure.retry_delay == delay
    assert not isinstance(failure, NotSent)
    assert provider.standin.calls == 1


@no_patience
async def test_429_says_when_to_come_back_and_pauses_all_calls(client: GetimgClient, provider: Provider) -> None:
    provider.standin.add_fault(Fault(kind="status", status=429, retry_after=600, count=1))
    failure = await failure_of(client)
    assert failure.retry_delay == 600
    assert failure.metadata["http_status"] == "429"
    put_off = await failure_of(client)
    assert isinstance(put_off, NotSent)
    assert put_off.retry_delay is not None
    assert 0 < put_off.retry_delay <= 600
    assert provider.standin.calls == 1


@no_patience
async def test_429_may_name_a_date() -> None:
    date = formatdate(time.time() + 500, usegmt=True)
    refusal = response(b"{}", "429 Too Many Requests", {"Retry-After": date})
    async with canned({"/v2/models": CATALOGUE, "/v2/images": refusal}) as server, connected(server.url) as it:
        failure = await failure_of(it)
    assert failure.retry_delay is not None
    assert DEFAULT_RETRY_SECONDS < failure.retry_delay <= 500


@no_patience
async def test_the_last_request_of_the_minute_pauses_all_calls(client: GetimgClient, provider: Provider) -> None:
    provider.standin.behavior = Behavior(requests_per_minute=1, variety=1)
    await draw(client)
    assert isinstance(await failure_of(client), NotSent)
    assert provider.standin.calls == 1


async def test_an_answer_that_does_not_come_is_not_asked_for_again() -> None:
    for seconds in longer_and_longer(0.2):
        async with listening() as provider, connected(provider.url, timeout=seconds) as it:
            provider.standin.add_fault(Fault(kind=FaultKind.HANG))
            failure = await failure_of(it)
            calls = provider.standin.calls
        if calls:  # else not even the question came in time
            break
    assert failure.retry_delay is None, "it may be paid for"
    assert not isinstance(failure, NotSent)
    assert calls == 1


async def test_an_answer_that_comes_drop_by_drop_is_given_up_in_time() -> None:
    answers = {"/v2/models": CATALOGUE, "/v2/images": Drip(BEGUN)}
    for seconds in longer_and_longer(0.3):
        async with canned(answers) as server, connected(server.url, timeout=seconds) as it:
            async with asyncio.timeout(PATIENCE_SECONDS):
                failure = await failure_of(it)
        if len(server.asked) == 2:  # else the catalogue took all the time
            break
    assert failure.retry_delay is None


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.INVALID])
async def test_an_answer_that_is_lost_is_not_asked_for_again(
    client: GetimgClient, provider: Provider, kind: FaultKind
) -> None:
    provider.standin.add_fault(Fault(kind=kind))
    failure = await failure_of(client)
    assert failure.retry_delay is None, "it may be paid for"
    assert not isinstance(failure, NotSent)
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
async def test_an_answer_that_makes_no_sense_is_an_error_of_ours(body: bytes) -> None:
    answers = {"/v2/models": CATALOGUE, "/v2/images": response(body, headers=JSON)}
    async with canned(answers) as server, connected(server.url) as it:
        failure = await failure_of(it)
    assert failure.retry_delay is None


async def test_without_a_connection_nothing_was_sent(unused_url: str) -> None:
    async with connected(unused_url) as it:
        failure = await failure_of(it)
    assert isinstance(failure, NotSent)
    assert failure.retry_delay is not None


async def test_half_a_character_in_an_error_does_no_harm() -> None:
    body = rb'{"error": {"message": "no \ud83d here", "code": "\udc00"}}'
    answers = {"/v2/models": CATALOGUE, "/v2/images": response(body, "400 Bad Request", JSON)}
    async with canned(answers) as server, connected(server.url) as it:
        failure = await failure_of(it)
    assert failure.message.encode()
    assert failure.metadata["provider_code"].encode()


# The key


async def test_without_a_key_nothing_is_called() -> None:
    async with connected("http://127.0.0.1:9", api_key=None) as it:
        assert not it.configured
        with pytest.raises(GetimgNotConfigured):
            await it.models()
        with pytest.raises(GetimgNotConfigured):
            await draw(it)


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
    failure = await failure_of(client)
    assert KEY not in f"{failure!s} {failure!r} {failure.metadata}"
    assert KEY not in client.last_failure
    assert KEY not in caplog.text + "".join(capfd.readouterr())


# The circuit breaker


@pytest.fixture
def quick_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_grpc.getimg.client.BREAKER_FAILURES", 3)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as one element that a test changes."""
    moment = [time.time()]
    monkeypatch.setattr("time.time", lambda: moment[0])
    return moment


@pytest.mark.usefixtures("quick_breaker")
async def test_when_getimg_keeps_failing_it_is_left_alone_for_a_while(
    provider: Provider, now: list[float]
) -> None:
    provider.standin.add_fault(Fault(kind="status", status=500))
    async with connected(provider.url) as it:
        for _ in range(3):
            assert not isinstance(await failure_of(it), NotSent)
        left_alone = await failure_of(it)
        assert isinstance(left_alone, NotSent)
        assert left_alone.retry_delay is not None
        assert provider.standin.calls == 3

        now[0] += 60
        await failure_of(it)
        assert provider.standin.calls == 4, "one is let through to see"
        assert isinstance(await failure_of(it), NotSent)
        assert provider.standin.calls == 4, "as it failed, it goes on"

        now[0] += 60
        provider.standin.clear_faults()
        for _ in range(4):
            await draw(it)
        assert it.last_failure == ""


@pytest.mark.usefixtures("quick_breaker")
async def test_what_getimg_refuses_does_not_open_the_breaker(client: GetimgClient, provider: Provider) -> None:
    provider.standin.add_fault(Fault(kind="status", status=400))
    for _ in range(10):
        await failure_of(client)
    assert provider.standin.calls == 10


@pytest.mark.usefixtures("quick_breaker")
async def test_failures_between_successes_do_not_open_the_breaker(provider: Provider) -> None:
    async with connected(provider.url) as it:
        for _ in range(4):
            provider.standin.add_fault(Fault(kind="status", status=500, count=2))
            await failure_of(it)
            await failure_of(it)
            await draw(it)


async def test_what_an_operator_must_mend_is_remembered_until_a_call_succeeds(
    client: GetimgClient, provider: Provider
) -> None:
    provider.standin.add_fault(Fault(kind="status", status=402, count=1))
    await failure_of(client)
    assert "top it up" in client.last_failure
    await draw(client)
    assert client.last_failure == ""


# In flight


async def test_no_more_calls_are_in_flight_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on = held(monkeypatch)
    async with listening() as provider, connected(provider.url, max_in_flight=3) as it:
        drawings = [asyncio.create_task(draw(it)) for _ in range(9)]
        await eventually(lambda: provider.standin.in_flight == 3, "three calls are in flight")
        await asyncio.sleep(0.05)  # time for a fourth, which must not come
        may_go_on.set()
        await asyncio.gather(*drawings)
        assert provider.standin.max_in_flight_seen == 3


async def test_an_answer_larger_than_any_of_the_api_is_not_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_grpc.getimg.transport.MAX_ANSWER_BYTES", 10_000)
    huge = response(b'{"id": "' + b"x" * 100_000 + b'"}', "200 OK", JSON)
    async with canned({"/v2/models": CATALOGUE, "/v2/images": huge}) as server, connected(server.url) as it:
        failure = await failure_of(it)
    assert failure.retry_delay is None, "it may be paid for"
    assert "not what its API says" in failure.message


async def test_a_packed_answer_is_not_unpacked() -> None:
    packed = response(b"\x1f\x8b", "200 OK", JSON | {"Content-Encoding": "gzip"})
    async with canned({"/v2/models": CATALOGUE, "/v2/images": packed}) as server, connected(server.url) as it:
        failure = await failure_of(it)
    assert failure.retry_delay is None
