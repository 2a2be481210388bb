"""The catalog of image models that GetImg.AI offers, cached."""

import time
from collections.abc import Callable, Mapping

from tabletop.image.v1.model_pb2 import Model

from image_grpc.errors import ApiError
from image_grpc.getimg.connection import Connection
from image_grpc.getimg.errors import as_unbilled
from image_grpc.getimg.payloads import read_model
from image_grpc.single_flight import SingleFlight

MAX_AGE_SECONDS = 600
"""An older catalog is read again."""


class Catalog:
    """The image models by id, in the order of GetImg.AI. If a refresh fails, the previous catalog stays in use."""

    def __init__(self, connection: Connection, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock = connection, clock
        self._refreshes: SingleFlight[None, None] = SingleFlight()
        self._models: Mapping[str, Model] = {}
        self._read_at = float("-inf")

    async def models(self) -> Mapping[str, Model]:
        """Return the catalog. Raises ApiError if it was never read, GetimgNotConfigured."""
        if self._clock() - self._read_at > MAX_AGE_SECONDS:
            await self._refreshes.run(None, self._refresh)
        return self._models

    async def _refresh(self) -> None:
        try:
            async with self._connection.call() as sdk:
                items = await sdk.models.list(type="image")
        except ApiError as failure:
            if not self._models:
                raise as_unbilled(failure) from failure
            return
        self._models = {item.id: read_model(item) for item in items if item.type == "image"}
        self._read_at = self._clock()
