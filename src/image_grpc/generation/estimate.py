"""When a queued generation will probably be finished: from how long the last ones took."""

from __future__ import annotations

from tabletop.image.v1.types_pb2 import Priority
from tabletop.storage.v1.record_pb2 import GenerationRecord

from image_grpc import records
from image_grpc.errors import HubError
from image_grpc.generation import kinds
from image_grpc.generation.gate import WeightedGate
from image_grpc.hub import Hub, topology

FIRST_GUESS_SECONDS = 8.0
WEIGHT = 0.1
"""How much the newest generation counts."""


class Estimator:
    """Learns from the generations of this process."""

    def __init__(self, hub: Hub, gate: WeightedGate[Priority]) -> None:
        self._hub, self._gate = hub, gate
        self._seconds = FIRST_GUESS_SECONDS

    def learn(self, seconds: float) -> None:
        """A generation took this long from its beginning to its end."""
        self._seconds += WEIGHT * (seconds - self._seconds)

    async def estimate(self, record: GenerationRecord) -> None:
        """Sets the place in the queue and the expected finish of a generation that is about to be queued, if
        the hub tells how many are before it."""
        generation = record.generation
        queue = topology.GENERATE_QUEUES[kinds.drawn(record).priority]
        try:
            position = await self._hub.depth(queue) + self._gate.waiting
        except HubError:
            return
        generation.queue_position = position
        seconds = self._seconds * (1 + position / self._gate.capacity)
        generation.expect_finish_time.FromMilliseconds(int(records.now().ToMilliseconds() + seconds * 1000))
