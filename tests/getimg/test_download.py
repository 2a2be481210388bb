"""The guarded download. The URL comes from outside, and so does what is behind it."""

from __future__ import annotations

import gzip

import pytest
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from getimg_standin import Behavior, Fault, FaultKind
from image_grpc import pictures
from image_grpc.errors import ApiError, GenerationError
from image_grpc.getimg import Downloader, GetimgClient, PictureGone
from image_grpc.pictures import BadPicture
from tests.getimg.canned import Drip, canned, response
from tests.getimg.conftest import downloading, draw
from tests.service import Provider

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
async def url(client: GetimgClient) -> str:
    """Where a picture is that was just drawn."""
    return (await draw(client)).url


async def test_a_drawn_picture_is_downloaded(downloader: Downloader, url: str) -> None:
    data = await downloader.download(url)
    described = pictures.describe(data)
    assert (described.format, described.width, described.height) == (ImageFormat.IMAGE_FORMAT_PNG, 1024, 1024)


async def test_a_picture_that_is_gone_must_be_drawn_again(
    downloader: Downloader, provider: Provider, url: str
) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.GONE))
    with pytest.raises(PictureGone):
        await downloader.download(url)


async def test_a_picture_whose_url_has_expired_must_be_drawn_again(
    downloader: Downloader, client: GetimgClient, provider: Provider
) -> None:
    provider.standin.behavior = Behavior(url_lifetime=0, variety=1)
    expired = (await draw(client)).url
    with pytest.raises(PictureGone):
        await downloader.download(expired)
    with pytest.raises(PictureGone):
        await downloader.download(expired.replace("signature=", "signature=0"))


async def test_a_truncated_picture_is_found_when_it_is_decoded(
    downloader: Downloader, provider: Provider, url: str
) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.TRUNCATED, count=1))
    half = await downloader.download(url)
    with pytest.raises(BadPicture) as damaged:
        await pictures.fit(half, Size(width=64, height=64), ImageFormat.IMAGE_FORMAT_PNG)
    assert damaged.value.retry_delay is not None, "the next download may be whole"


async def test_a_picture_of_other_dimensions_is_fitted_all_the_same(
    downloader: Downloader, provider: Provider, url: str
) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.WRONG_SIZE))
    data = await downloader.download(url)
    fitted = await pictures.fit(data, Size(width=64, height=48), ImageFormat.IMAGE_FORMAT_PNG)
    described = pictures.describe(fitted)
    assert (described.width, described.height) == (64, 48)


async def test_html_is_no_picture(downloader: Downloader, provider: Provider, url: str) -> None:
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


async def test_a_download_that_is_cut_may_be_tried_again(
    downloader: Downloader, provider: Provider, url: str
) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.CUT_DOWNLOAD, count=1))
    with pytest.raises(ApiError) as cut:
        await downloader.download(url)
    assert cut.value.retry_delay is not None
    assert await downloader.download(url)


async def test_a_download_that_hangs_may_be_tried_again(provider: Provider, url: str) -> None:
    provider.standin.add_fault(Fault(kind=FaultKind.HANG_DOWNLOAD))
    async with downloading(provider.url, timeout=0.2) as it:
        with pytest.raises(ApiError) as late:
            await it.download(url)
    assert late.value.retry_delay is not None


async def test_a_download_that_comes_drop_by_drop_is_given_up_in_time() -> None:
    endless = Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + PNG)
    async with canned(endless) as server, downloading(server.url, timeout=0.3) as it:
        with pytest.raises(ApiError) as late:
            await it.download(f"{server.url}/picture.png")
    assert late.value.retry_delay is not None


@pytest.mark.parametrize(("status", "again"), [(500, True), (503, True), (429, True), (400, False)])
async def test_what_may_pass_is_tried_again(status: int, again: bool) -> None:
    async with canned(response(status=f"{status} Status")) as server, downloading(server.url) as it:
        with pytest.raises(ApiError) as failed:
            await it.download(f"{server.url}/picture.png")
    assert (failed.value.retry_delay is not None) == again


# The guard


async def test_a_redirect_to_an_inner_address_is_not_followed(
    downloader: Downloader, provider: Provider, url: str
) -> None:
    async with canned(response(PNG)) as inner:
        provider.standin.add_fault(Fault(kind=FaultKind.REDIRECT, target=f"{inner.url}/secrets"))
        with pytest.raises(GenerationError) as refused:
            await downloader.download(url)
        assert inner.asked == []
    assert refused.value.retry_delay is None
    assert inner.url not in refused.value.message


async def test_a_redirect_within_the_same_place_is_not_followed_either(provider: Provider, url: str) -> None:
    found = response(b"", "302 Found", {"Location": "/elsewhere"})
    async with canned(found) as server, downloading(server.url) as it:
        with pytest.raises(GenerationError):
            await it.download(f"{server.url}/picture.png")
        assert server.asked == ["/picture.png"]


async def test_another_port_of_this_machine_is_not_asked(downloader: Downloader) -> None:
    async with canned(response(PNG)) as inner:
        with pytest.raises(GenerationError):
            await downloader.download(f"{inner.url}/secrets")
        assert inner.asked == []


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
async def test_a_url_that_must_not_be_fetched_is_refused_without_asking_anybody(url: str) -> None:
    async with downloading("https://api.getimg.ai", allowed_hosts=("getimg.ai", "*.getimg.ai")) as it:

        async def never(url: str) -> bytes:
            raise AssertionError(f"{url} was asked for")

        it._fetch = never  # type: ignore[method-assign]
        with pytest.raises(GenerationError) as refused:
            await it.download(url)
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
    asked = []
    async with downloading("https://api.getimg.ai", allowed_hosts=("getimg.ai", "*.getimg.ai")) as it:

        async def fetch(url: object) -> bytes:
            asked.append(str(url))
            return b"no picture"

        it._fetch = fetch  # type: ignore[assignment,method-assign]
        with pytest.raises(BadPicture):
            await it.download(url)
    assert len(asked) == 1


async def test_plain_http_is_for_this_machine_only() -> None:
    async with downloading("http://api.getimg.example") as it:
        with pytest.raises(GenerationError):
            await it.download("http://api.getimg.example/picture.png")


async def test_too_large_a_picture_is_cut_off_while_it_comes() -> None:
    large = response(PNG + bytes(5_000_000))
    async with canned(large) as server, downloading(server.url, max_bytes=1_000_000) as it:
        with pytest.raises(GenerationError, match="more than 1000000 bytes") as refused:
            await it.download(f"{server.url}/picture.png")
    assert refused.value.retry_delay is None


async def test_a_picture_is_not_unpacked_on_the_way() -> None:
    packed = response(gzip.compress(bytes(100_000_000)), headers={"Content-Encoding": "gzip"})
    async with canned(packed) as server, downloading(server.url, max_bytes=1_000_000) as it:
        with pytest.raises(BadPicture):
            await it.download(f"{server.url}/picture.png")
