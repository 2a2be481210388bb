"""Downloads of pictures. Both the URL and the content come from a remote system."""

from __future__ import annotations

import gzip

import pytest
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from getimg_standin import Behavior, Fault, FaultKind
from image_grpc import pictures
from image_grpc.errors import ApiError, GenerationError
from image_grpc.getimg import Downloader, GetimgClient, PictureGone
from image_grpc.pictures import BadPicture
from tests.getimg.conftest import downloading, generate
from tests.getimg.scripted_server import EndlessResponse, response, scripted_server
from tests.service import Provider

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
async def url(client: GetimgClient) -> str:
    """The URL of a generated picture."""
    return (await generate(client)).url


async def test_a_generated_picture_is_downloaded(downloader: Downloader, url: str) -> None:
    data = await downloader.download(url)
    described = pictures.describe(data)
    assert (described.format, described.width, described.height) == (ImageFormat.IMAGE_FORMAT_PNG, 1024, 1024)


async def test_a_deleted_picture_is_gone(downloader: Downloader, provider: Provider, url: str) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.GONE))
    with pytest.raises(PictureGone):
        await downloader.download(url)


async def test_a_picture_with_an_expired_or_wrong_signature_is_gone(
    downloader: Downloader, client: GetimgClient, provider: Provider
) -> None:
    provider.standin.behavior = Behavior(url_lifetime=0, variety=1)
    expired = (await generate(client)).url
    with pytest.raises(PictureGone):
        await downloader.download(expired)
    with pytest.raises(PictureGone):
        await downloader.download(expired.replace("signature=", "signature=0"))


async def test_a_truncated_picture_is_detected_when_it_is_decoded(
    downloader: Downloader, provider: Provider, url: str
) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.TRUNCATED, count=1))
    truncated = await downloader.download(url)
    with pytest.raises(BadPicture) as damaged:
        await pictures.fit(truncated, Size(width=64, height=64), ImageFormat.IMAGE_FORMAT_PNG)
    assert damaged.value.retry_delay is not None, "the next download may be complete"


async def test_a_picture_of_other_dimensions_can_be_fitted(
    downloader: Downloader, provider: Provider, url: str
) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.WRONG_SIZE))
    data = await downloader.download(url)
    fitted = await pictures.fit(data, Size(width=64, height=48), ImageFormat.IMAGE_FORMAT_PNG)
    described = pictures.describe(fitted)
    assert (described.width, described.height) == (64, 48)


async def test_html_is_refused(downloader: Downloader, provider: Provider, url: str) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.HTML))
    with pytest.raises(BadPicture):
        await downloader.download(url)


async def test_a_picture_of_40000_pixels_a_side_is_refused_before_it_is_decoded(
    downloader: Downloader, provider: Provider, url: str
) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.HUGE))
    with pytest.raises(BadPicture, match="40000 x 40000") as refused:
        await downloader.download(url)
    assert refused.value.retry_delay is None


async def test_an_interrupted_download_may_be_repeated(downloader: Downloader, provider: Provider, url: str) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.CUT_DOWNLOAD, count=1))
    with pytest.raises(ApiError) as interrupted:
        await downloader.download(url)
    assert interrupted.value.retry_delay is not None
    assert await downloader.download(url)


async def test_a_download_that_times_out_may_be_repeated(provider: Provider, url: str) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.HANG_DOWNLOAD))
    async with downloading(provider.url, timeout=0.2) as downloader:
        with pytest.raises(ApiError) as timed_out:
            await downloader.download(url)
    assert timed_out.value.retry_delay is not None


async def test_a_download_that_arrives_byte_by_byte_times_out() -> None:
    slow = EndlessResponse(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + PNG)
    async with scripted_server(slow) as server, downloading(server.url, timeout=0.3) as downloader:
        with pytest.raises(ApiError) as timed_out:
            await downloader.download(f"{server.url}/picture.png")
    assert timed_out.value.retry_delay is not None


@pytest.mark.parametrize(("status", "temporary"), [(500, True), (503, True), (429, True), (400, False)])
async def test_temporary_failures_may_be_repeated(status: int, temporary: bool) -> None:
    async with scripted_server(response(status=f"{status} Status")) as server, downloading(server.url) as downloader:
        with pytest.raises(ApiError) as failed:
            await downloader.download(f"{server.url}/picture.png")
    assert (failed.value.retry_delay is not None) == temporary


# The URL policy


async def test_a_redirect_to_an_internal_address_is_not_followed(
    downloader: Downloader, provider: Provider, url: str
) -> None:
    async with scripted_server(response(PNG)) as inner:
        provider.standin.add_fault(Fault(kind=FaultKind.REDIRECT, target=f"{inner.url}/secrets"))
        with pytest.raises(GenerationError) as refused:
            await downloader.download(url)
        assert inner.requested_paths == []
    assert refused.value.retry_delay is None
    assert inner.url not in refused.value.message


async def test_a_redirect_within_the_same_origin_is_not_followed(provider: Provider, url: str) -> None:
    redirect = response(b"", "302 Found", {"Location": "/elsewhere"})
    async with scripted_server(redirect) as server, downloading(server.url) as downloader:
        with pytest.raises(GenerationError):
            await downloader.download(f"{server.url}/picture.png")
        assert server.requested_paths == ["/picture.png"]


async def test_another_port_on_loopback_is_not_requested(downloader: Downloader) -> None:
    async with scripted_server(response(PNG)) as inner:
        with pytest.raises(GenerationError):
            await downloader.download(f"{inner.url}/secrets")
        assert inner.requested_paths == []


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "http://cdn.getimg.ai/picture.png",
        "https://cdn.getimg.ai:8443/picture.png",
        "https://cdn.getimg.ai.evil.example/picture.png",
        "https://evilgetimg.ai/picture.png",
        "https://evil.example/getimg.ai/picture.png",
        "https://evil.example/?getimg.ai",
        "https://evil.example#@cdn.getimg.ai/",
        "https://cdn.getimg.ai@evil.example/",
        "https://evil.example\\@cdn.getimg.ai/",
        "https://cdn.getimg.ai\\.evil.example/",
        "file:///etc/passwd",
        "file://cdn.getimg.ai/etc/passwd",
        "ftp://cdn.getimg.ai/picture.png",
        "data:image/png;base64,AAAA",
        "//cdn.getimg.ai/picture.png",
        "/etc/passwd",
        "",
        "https://",
        "https://cdn.getimg.ai:99999/",
        "https://cdn.getimg.ai:port/",
        "https://[::1/",
        "https://cdn.getimg.ai/\x00",
        "https://cdn.get\nimg.ai/",
        "https://cdn.getimg.ai\r\n/",
        "https://" + "a" * 64 + ".getimg.ai/",
        "https://xn--ls8h\u2024getimg.ai/",
        "https://\ud83d.getimg.ai/",
    ],
)
async def test_a_url_that_is_not_allowed_is_not_requested(url: str) -> None:
    async with downloading("https://api.getimg.ai", allowed_hosts=("getimg.ai", "*.getimg.ai")) as downloader:

        async def never(url: str, span: object) -> bytes:
            raise AssertionError(f"{url} was requested")

        downloader._fetch = never  # type: ignore[method-assign]
        with pytest.raises(GenerationError) as refused:
            await downloader.download(url)
    assert refused.value.retry_delay is None
    refused.value.message.encode()


@pytest.mark.parametrize(
    "url",
    [
        "https://getimg.ai/picture.png",
        "https://cdn.getimg.ai/picture.png",
        "https://a.b.getimg.ai:443/picture.png?signature=x",
        "https://CDN.GetImg.AI/picture.png",
        "https://api.getimg.ai/picture.png",
    ],
)
async def test_a_url_of_an_allowed_host_is_fetched(url: str) -> None:
    requested = []
    async with downloading("https://api.getimg.ai", allowed_hosts=("getimg.ai", "*.getimg.ai")) as downloader:

        async def fetch(url: object, span: object) -> bytes:
            requested.append(str(url))
            return b"not a picture"

        downloader._fetch = fetch  # type: ignore[assignment,method-assign]
        with pytest.raises(BadPicture):
            await downloader.download(url)
    assert len(requested) == 1


async def test_plain_http_is_allowed_on_loopback_only() -> None:
    async with downloading("http://api.getimg.example") as downloader:
        with pytest.raises(GenerationError):
            await downloader.download("http://api.getimg.example/picture.png")


async def test_a_picture_that_is_too_large_is_refused_while_it_streams() -> None:
    large = response(PNG + bytes(5_000_000))
    async with scripted_server(large) as server, downloading(server.url, max_bytes=1_000_000) as downloader:
        with pytest.raises(GenerationError, match="limit of 1000000 bytes") as refused:
            await downloader.download(f"{server.url}/picture.png")
    assert refused.value.retry_delay is None


async def test_a_compressed_picture_is_not_decompressed() -> None:
    compressed = response(gzip.compress(bytes(100_000_000)), headers={"Content-Encoding": "gzip"})
    async with scripted_server(compressed) as server, downloading(server.url, max_bytes=1_000_000) as downloader:
        with pytest.raises(BadPicture):
            await downloader.download(f"{server.url}/picture.png")
