"""Estimates of when a queued generation will finish, from how long recent ones took."""

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.types_pb2 import Priority

from image_grpc.errors import HubError
from image_grpc.generation.requests import complete_request, picture_in
from image_grpc.hub import Hub, topology
from image_grpc.messages import now
from image_grpc.weighted_fair_semaphore import WeightedFairSemaphore

INITIAL_SECONDS = 8.0
"""Assumed duration of a generation before any has finished."""
WEIGHT = 0.1
"""Weight of the latest generation in the moving average."""


class Estimator:
    """Keeps a moving average of the durations of this process's generations."""

    def __init__(self, hub: Hub, semaphore: WeightedFairSemaphore[Priority]) -> None:
        self._hub, self._semaphore = hub, semaphore
        self._seconds = INITIAL_SECONDS

    def record_duration(self, seconds: float) -> None:
        """Take the duration of a generation, from its first call to its end, into account."""
        self._seconds += WEIGHT * (seconds - self._seconds)

    async def set_estimate(self, record: GenerationRecord) -> None:
        """Set the queue position and the expected finish time of a generation that is about to be queued.

        Nothing is set while the hub cannot report the length of the queue.
        """
        queue = topology.GENERATE_QUEUES[picture_in(complete_request(record)).priority]
        try:
            position = await self._hub.depth(queue) + self._semaphore.waiting
        except HubError:
            return
        generation = record.generation
        generation.queue_position = position
        seconds = self._seconds * (1 + position / self._semaphore.capacity)
        generation.expect_finish_time.FromMilliseconds(int(now().ToMilliseconds() + seconds * 1000))
