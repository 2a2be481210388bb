"""Names and properties of all exchanges and queues, and the types of messages."""

import re
from dataclasses import dataclass

from tabletop.image.v1.types_pb2 import Priority

EVENTS = "tabletop.events"
CHANGES = "tabletop.changes"
"""Of the Storage Service, for this service alone. The events for others are on EVENTS."""
REQUESTS = "tabletop.requests"
EXCHANGES = (EVENTS, CHANGES, REQUESTS)
DEFAULT_EXCHANGE = ""
"""Routes by queue name."""

STORAGE_QUEUE = "image.storage"
STORE_QUEUE = "image.store"
REASON, ORIGIN, ROUTING_KEY = "reason", "origin", "routing_key"
"""Headers of dead letters: why, the queue that they were in, and the routing key with which they were published."""
DEAD_QUEUE = "image.dead"
BRIDGE_REQUESTS_QUEUE = "image.bridge.requests"
BRIDGE_EVENTS_QUEUE = "image.bridge.events"
GENERATE_QUEUES = {
    Priority.PRIORITY_HIGH: "image.generate.high",
    Priority.PRIORITY_NORMAL: "image.generate.normal",
    Priority.PRIORITY_LOW: "image.generate.low",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """A durable queue that is declared once."""

    name: str
    quorum: bool = True
    """Replicated; otherwise classic, for requests whose senders give up when a broker restarts."""
    bindings: tuple[tuple[str, str], ...] = ()
    """Pairs of topic exchange and routing key pattern."""
    ordered: bool = False
    """Only one consumer at a time receives messages, and may hold them for long; others stand by."""


# Message types. The type of a request is its routing key.
STORE = "image.storage.store"
RETRIEVE = "image.storage.retrieve"
DELETE = "image.storage.delete"
LIST = "image.storage.list"
RPC = "image.rpc."
"""Prefix of a method, for example `image.rpc.ImageService.GetImage`."""
RPC_COMPLETED = "image.rpc.completed"
RPC_FAILED = "image.rpc.failed"
ERROR = "error"
UNDECODABLE = "undecodable"
"""A dead letter that was not an envelope; the payload is its body."""
STORAGE_CHANGED = "image.storage.changed"
IMAGE_GENERATED = "image_generated"
OVERLAY_UPDATED = "overlay_updated"
MAP_UPDATED = "map_updated"
THEME_APPLIED = "theme_applied"
CHARACTER_UPDATED = "character_updated"
CAMPAIGN_THEME_CHANGED = "campaign_theme_changed"
MAP_STATE_CHANGED = "map_state_changed"
GENERATE_JOB = "image.generate"
STORE_JOB = "image.store"


def event_exchange(routing_key: str) -> str:
    """Return the exchange of the events with a routing key."""
    return CHANGES if routing_key == STORAGE_CHANGED else EVENTS


def event_routing_key(event: str) -> str:
    """Return the routing key of an event: its name with the first underscore replaced by a dot."""
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
        ordered=True,
    ),
)


def is_ordered(queue: str) -> bool:
    """Whether the messages of a queue must be handled in order."""
    return any(declared.name == queue and declared.ordered for declared in QUEUES)


def matches(pattern: str, routing_key: str) -> bool:
    """Whether a routing key matches a topic exchange's pattern: `*` is one word, `#` any number of words."""
    words = {"*": r"[^.]*\.", "#": r"(?:[^.]*\.)*"}
    expression = "".join(words.get(word, re.escape(f"{word}.")) for word in pattern.split("."))
    return re.fullmatch(expression, f"{routing_key}.") is not None
