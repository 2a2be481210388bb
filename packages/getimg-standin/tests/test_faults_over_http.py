"""Each fault as a client sees it."""

from __future__ import annotations

import asyncio
import json
import struct

import getimg
import httpx
import pytest
import pyvips

from clients import Running, in_flight, until
from getimg_standin import Fault, parse_fault


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, getimg.BadRequestError),
        (401, getimg.AuthenticationError),
        (402, getimg.APIStatusError),
        (429, getimg.RateLimitError),
        (500, getimg.InternalServerError),
        (503, getimg.InternalServerError),
    ],
)
async def test_status_raises_the_error_of_the_sdk(
    running: Running, status: int, error: type[getimg.APIStatusError]
) -> None:
    running.standin.add_fault(Fault(kind="status", status=status, count=1))
    with pytest.raises(error) as raised:
        await running.generate()
    assert raised.value.status_code == status
    assert set(raised.value.response.json()["error"]) == {"message", "code"}
    assert "retry-after" not in raised.value.response.headers
    assert running.standin.billed == 0
    assert await running.generate()


async def test_status_has_the_header_message_and_code_of_the_fault(running: Running) -> None:
    running.standin.add_fault(Fault(kind="status", status=429, retry_after=2, message="slow down", code="slow"))
    response = await running.post()
    assert response.headers["retry-after"] == "2"
    assert response.json() == {"error": {"message": "slow down", "code": "slow"}}


async def test_cut_resets_the_connection(running: Running) -> None:
    running.standin.add_fault(Fault(kind="cut", count=1))
    with pytest.raises(httpx.TransportError):
        await running.post()
    assert (await running.post()).status_code == 200


async def test_invalid_is_not_json(running: Running) -> None:
    running.standin.add_fault(Fault(kind="invalid", count=1))
    response = await running.post()
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()


async def test_hang_lasts_until_the_client_disconnects(running: Running) -> None:
    running.standin.add_fault(Fault(kind="hang", count=1))
    with pytest.raises(getimg.APITimeoutError):
        await running.sdk.with_options(timeout=0.2).images.generate(model="z-image-turbo", prompt="x")
    await in_flight(running.standin, 0)
    assert running.standin.billed == 0


async def test_faults_apply_in_order_and_run_out(running: Running) -> None:
    for text in ("status=500,count=2", "gone,count=1", "status=503,count=1"):
        running.standin.add_fault(parse_fault(text))
    assert [(await running.post()).status_code for _ in range(4)] == [500, 500, 503, 200]
    # The download fault applied to the first download.
    url = await running.picture_url()
    assert [(await running.http.get(url)).status_code for _ in range(2)] == [404, 200]


async def test_a_fault_without_count_lasts_until_cleared(running: Running) -> None:
    running.standin.add_fault(Fault(kind="status", status=500))
    assert [(await running.post()).status_code for _ in range(3)] == [500] * 3
    running.standin.clear_faults()
    assert (await running.post()).status_code == 200


async def test_a_call_without_key_uses_up_no_fault(running: Running) -> None:
    running.standin.add_fault(Fault(kind="status", status=503, count=1))
    async with httpx.AsyncClient(base_url=running.url) as anonymous:
        assert (await anonymous.post("/v2/images/generations", json={})).status_code == 401
    assert (await running.post()).status_code == 503


async def download(running: Running, fault: str) -> httpx.Response:
    url = await running.picture_url()
    running.standin.add_fault(parse_fault(fault))
    return await running.http.get(url)


async def test_truncated_is_detected_only_by_decoding(running: Running) -> None:
    response = await download(running, "truncated")
    assert int(response.headers["content-length"]) == len(response.content)
    with pytest.raises(pyvips.Error):
        pyvips.Image.new_from_buffer(response.content, "", fail_on="truncated").avg()


async def test_cut_download_stops_halfway(running: Running) -> None:
    url = await running.picture_url()
    running.standin.add_fault(Fault(kind="cut_download"))
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        await _receive(running, url, received)
    running.standin.clear_faults()
    assert bytes(received) == (await running.http.get(url)).content[: len(received)]
    assert received


async def _receive(running: Running, url: str, into: bytearray) -> None:
    async with running.http.stream("GET", url) as response:
        async for part in response.aiter_raw():
            into.extend(part)


async def test_huge_is_a_small_file_with_many_pixels(running: Running) -> None:
    response = await download(running, "huge")
    picture = pyvips.Image.new_from_buffer(response.content, "", access="sequential", fail_on="warning")
    assert (picture.width, picture.height) == (40_000, 40_000)
    assert len(response.content) < 5_000_000
    # Decodes rows, which fails if any is missing.
    assert picture.crop(0, 0, 40_000, 300).max() == 0
    assert response.content[-8:] == b"IEND" + struct.pack(">I", 0xAE426082)


async def test_html_is_a_web_page(running: Running) -> None:
    response = await download(running, "html")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")


async def test_redirect_points_to_its_target(running: Running) -> None:
    response = await download(running, "redirect=http://169.254.169.254/")
    assert (response.status_code, response.headers["location"]) == (302, "http://169.254.169.254/")


async def test_gone_is_not_found(running: Running) -> None:
    assert (await download(running, "gone")).status_code == 404


async def test_wrong_size_is_a_picture_with_other_dimensions(running: Running) -> None:
    picture = pyvips.Image.new_from_buffer((await download(running, "wrong_size")).content, "")
    assert (picture.width, picture.height) != (1024, 1024)
    assert picture.avg() > 0


async def test_hang_download_never_responds(running: Running) -> None:
    url = await running.picture_url()
    running.standin.add_fault(Fault(kind="hang_download", count=1))
    download_task = asyncio.create_task(running.http.get(url))
    await until(lambda: running.standin.downloads == 1)
    await asyncio.sleep(0.05)  # time for a response, which must not come
    assert not download_task.done()
    download_task.cancel()
    await asyncio.gather(download_task, return_exceptions=True)
    assert (await running.http.get(url)).status_code == 200
