"""Names and properties of all exchanges and queues, and nothing else has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tabletop.image.v1.types_pb2 import Priority

EVENTS = "tabletop.events"
REQUESTS = "tabletop.requests"
DEFAULT_EXCHANGE = ""
"""Routes by queue name."""

TOPIC_EXCHANGES = (EVENTS, REQUESTS)

STORAGE_QUEUE = "image.storage"
STORE_QUEUE = "image.store"
DEAD_QUEUE = "image.dead"
BRIDGE_REQUESTS_QUEUE = "image.bridge.requests"
BRIDGE_EVENTS_QUEUE = "image.bridge.events"
GENERATE_QUEUES = {
    Priority.PRIORITY_HIGH: "image.generate.high",
    Priority.PRIORITY_NORMAL: "image.generate.normal",
    Priority.PRIORITY_LOW: "image.generate.low",
}

MAX_DELIVERIES = 100
"""Deliveries of a message that was never settled, before it is put among the dead letters: each time, its consumer
or the connection to it died."""

RETRY_STEPS = (1, 5, 30, 120, 600)
"""Seconds of the retry ladder's steps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """A queue that is declared once, durable."""

    name: str
    quorum: bool = True
    """Replicated, or classic: for requests that nobody waits for any more when a broker restarts."""
    bindings: tuple[tuple[str, str], ...] = ()
    """Topic exchange and routing key pattern each."""
    one_consumer: bool = False
    """Only one consumer at a time gets messages, others stand by: what must keep its order needs that. It may hold
    them for long."""


# Types of requests and events; routing keys of requests are their types.
STORE = "image.storage.store"
RETRIEVE = "image.storage.retrieve"
DELETE = "image.storage.delete"
LIST = "image.storage.list"
RPC = "image.rpc."
"""And the method: `image.rpc.ImageService.GetImage`."""
RPC_COMPLETED = "image.rpc.completed"
RPC_FAILED = "image.rpc.failed"
ERROR = "error"
UNDECODABLE = "undecodable"
"""A dead letter that came as something else than an envelope; the payload is its body."""
STORAGE_CHANGED = "image.storage.changed"
IMAGE_GENERATED = "image_generated"
OVERLAY_UPDATED = "overlay_updated"
THEME_APPLIED = "theme_applied"
CHARACTER_UPDATED = "character_updated"
CAMPAIGN_THEME_CHANGED = "campaign_theme_changed"
MAP_STATE_CHANGED = "map_state_changed"
GENERATE_JOB = "image.generate"
STORE_JOB = "image.store"


def event_routing_key(event: str) -> str:
    """The routing key of an event: its name with the first underscore as a dot."""
    return event.replace("_", ".", 1)


CONSUMED_EVENTS = (CHARACTER_UPDATED, CAMPAIGN_THEME_CHANGED, MAP_STATE_CHANGED)

QUEUES = (
    Queue(name=STORAGE_QUEUE, quorum=False, bindings=((REQUESTS, "image.storage.*"),)),
    *(Queue(name=name) for name in GENERATE_QUEUES.values()),
    Queue(name=STORE_QUEUE),
    Queue(name=DEAD_QUEUE),
    Queue(name=BRIDGE_REQUESTS_QUEUE, bindings=((REQUESTS, f"{RPC}#"),)),
    Queue(
        name=BRIDGE_EVENTS_QUEUE,
        bindings=tuple((EVENTS, event_routing_key(event)) for event in CONSUMED_EVENTS),
        one_consumer=True,
    ),
)


def is_ordered(queue: str) -> bool:
    """Whether a queue of the topology has one consumer at a time, since its messages must keep their order."""
    return any(each.name == queue and each.one_consumer for each in QUEUES)


def retry_step(delay: float, steps: Sequence[float] = RETRY_STEPS) -> float:
    """The shortest step of the retry ladder that is at least `delay` seconds, or the longest step."""
    return next((step for step in steps if step >= delay), steps[-1])


def retry_step_of(attempt: int) -> float:
    """The step of the retry ladder after the attempt, counted from 1; the longest after those that have none."""
    return RETRY_STEPS[min(attempt, len(RETRY_STEPS)) - 1]


def retry_step_within(delay: float) -> float:
    """The longest step of the retry ladder that is at most `delay` seconds, or the shortest step."""
    return next((step for step in reversed(RETRY_STEPS) if step <= delay), RETRY_STEPS[0])


def matches(pattern: str, routing_key: str) -> bool:
    """Whether a topic exchange routes the key by the pattern: `*` is one word, `#` any number of them."""
    return _match(pattern.split("."), routing_key.split("."))


def _match(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return _match(pattern[1:], words) or (bool(words) and _match(pattern, words[1:]))
    return bool(words) and pattern[0] in ("*", words[0]) and _match(pattern[1:], words[1:])
