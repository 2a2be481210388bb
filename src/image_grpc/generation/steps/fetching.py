"""Generated pictures: downloaded, fitted to their request, signed."""

from functools import partial
from typing import NamedTuple

from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1.image_pb2 import Image

from image_grpc import pictures
from image_grpc.generation.kinds import PictureRequest
from image_grpc.getimg import Downloader
from image_grpc.pictures.claims import generated_claim, try_to_sign
from image_grpc.pictures.credentials import PictureSigner
from image_grpc.pictures.provenance import statements
from image_grpc.workers import RENDERING


class Fitted(NamedTuple):
    """A picture as it was downloaded, and fitted to its request."""

    downloaded: bytes
    data: bytes


class PictureFetcher:
    """Gets the pictures that GetImg.AI generated."""

    def __init__(self, downloader: Downloader, signer: PictureSigner) -> None:
        self._downloader, self._signer = downloader, signer

    async def fetch(self, result: ProviderResult, picture: PictureRequest, image: Image) -> Fitted:
        """Return the picture of a result, fitted to the request. Raises ApiError, GenerationError."""
        downloaded = await self._downloader.download(result.url)
        return Fitted(downloaded, await pictures.fit(downloaded, picture.size, picture.format, statements(image)))

    async def sign(self, fitted: Fitted, image: Image) -> bytes:
        """Return a picture as it is stored: unsigned if it cannot be signed, since it has been paid for."""

        def claim_and_sign() -> bytes:
            claim = partial(generated_claim, image, fitted.downloaded)
            return try_to_sign(self._signer, fitted.data, claim) or fitted.data

        return await RENDERING.run(claim_and_sign)
