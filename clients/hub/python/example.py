"""A service that uses images over RabbitMQ alone: see ../README.md for what it prints.

HUB_URL names the broker. Exchanges, routing keys and payloads are those of docs/hub.md.
"""

import asyncio
import json
import os
import uuid
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

REQUEST_SECONDS = 120


class RequestFailed(Exception):
    """The reply to a request is an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: str = error["code"]
        self.field: str = error["details"]["field"]


class Hub:
    """Requests and events on one channel."""

    def __init__(self, channel: AbstractChannel, replies: AbstractQueue, events: AbstractQueue) -> None:
        self._channel, self._replies, self._events = channel, replies, events
        self._pending: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @classmethod
    async def open(cls, channel: AbstractChannel, *routing_keys: str) -> "Hub":
        """Return a hub that receives the events with these routing keys."""
        replies = await channel.declare_queue(exclusive=True)
        events = await channel.declare_queue(exclusive=True)
        for key in routing_keys:
            await events.bind("tabletop.events", key)
        hub = cls(channel, replies, events)
        await replies.consume(hub._on_reply, no_ack=True)
        await events.consume(hub._on_event, no_ack=True)
        return hub

    async def request(self, method: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Return the payload of the reply. Raises RequestFailed."""
        id_ = str(uuid.uuid4())
        reply = self._pending[id_] = asyncio.get_running_loop().create_future()
        properties = {"reply_to": self._replies.name, "correlation_id": id_}
        await self._publish("tabletop.requests", f"image.rpc.{method}", f"image.rpc.{method}", payload, id_, properties)
        async with asyncio.timeout(REQUEST_SECONDS):
            envelope = await reply
        if envelope["type"] == "error":
            raise RequestFailed(envelope["payload"]["error"])
        result: dict[str, Any] = envelope["payload"]
        return result

    async def publish(self, event: str, payload: dict[str, Any]) -> None:
        """Publish an event, such as `map_state_changed`."""
        await self._publish("tabletop.events", event.replace("_", ".", 1), event, payload, str(uuid.uuid4()), {})

    async def event(self, type_: str, field: str, value: str) -> dict[str, Any]:
        """Return the payload of the next event of a type about an image, a character or a map."""
        async with asyncio.timeout(REQUEST_SECONDS):
            while True:
                envelope = await self._received.get()
                payload: dict[str, Any] = envelope["payload"]
                if envelope["type"] == type_ and payload[field] == value:
                    return payload

    async def _publish(
        self, exchange: str, key: str, type_: str, payload: dict[str, Any], id_: str, properties: dict[str, Any]
    ) -> None:
        envelope = {
            "id": id_,
            "correlation_id": id_,
            "source_service": "campaign-service",
            "type": type_,
            "version": 1,
            "payload": payload,
        }
        body = json.dumps(envelope).encode()
        message = aio_pika.Message(body, content_type="application/json", message_id=id_, **properties)
        await (await self._channel.get_exchange(exchange)).publish(message, key)

    async def _on_reply(self, message: AbstractIncomingMessage) -> None:
        if pending := self._pending.pop(message.correlation_id or "", None):
            pending.set_result(json.loads(message.body))

    async def _on_event(self, message: AbstractIncomingMessage) -> None:
        self._received.put_nowait(json.loads(message.body))


async def main() -> None:
    url = os.environ.get("HUB_URL", "amqp://guest:guest@127.0.0.1:5672/")
    async with await aio_pika.connect(url) as connection:
        hub = await Hub.open(await connection.channel(), "image.generated", "overlay.updated")
        await refuse(hub)
        await show_a_character(hub, str(uuid.uuid4()))
        await follow_a_map(hub)


async def refuse(hub: Hub) -> None:
    """Send a request with an invalid field."""
    try:
        await hub.request(
            "GenerationService.GeneratePortrait", {"theme": "fantasy", "size": {"width": 5, "height": 64}}
        )
    except RequestFailed as error:
        print(f"refused: {error.code}, {error.field}")


async def show_a_character(hub: Hub, character: str) -> None:
    """Generate a portrait, receive its event, and list the gallery of the character."""
    request = {
        "theme": "fantasy",
        "species": "half-elf",
        "character_class": "ranger",
        "character_id": character,
        "size": {"width": 256, "height": 256},
        "wait_for": "60s",
    }
    generation = (await hub.request("GenerationService.GeneratePortrait", request))["generation"]
    size = generation["image"]["content"]["size"]
    print(f"generated: {generation['state']}, {size['width']} x {size['height']}")
    event = await hub.event("image_generated", "source_id", character)
    print("event: image_generated,", "the same image" if event["image_id"] == generation["image"]["id"] else "another")
    gallery = await hub.request("ImageService.ListImages", {"source_id": character})
    print(f"gallery: {len(gallery['images'])} image")


async def follow_a_map(hub: Hub) -> None:
    """Put a creature on a map, move it with an event, and receive the change."""
    request = {"theme": "fantasy", "size": {"width": 560, "height": 420}, "wait_for": "60s"}
    image = (await hub.request("GenerationService.GenerateTacticalMap", request))["generation"]["image"]
    ogre = {
        "id": "ogre",
        "position": {"x": 1.5, "y": 1.5, "unit": "COORDINATE_UNIT_CELLS"},
        "token": {"kind": "TOKEN_KIND_MONSTER"},
    }
    overlay = (await hub.request("OverlayService.CreateTacticalOverlay", {"map_id": image["id"], "elements": [ogre]}))[
        "overlay"
    ]
    await hub.event("overlay_updated", "map_id", image["id"])  # of the creation
    moved = ogre | {"position": {"x": 3.5, "y": 2.5, "unit": "COORDINATE_UNIT_CELLS"}}
    update = {"overlay_id": overlay["id"], "changes": {"put_tactical_elements": [moved]}}
    await hub.publish("map_state_changed", {"map_id": image["id"], "overlay_updates": [update]})
    event = await hub.event("overlay_updated", "map_id", image["id"])
    [element] = event["changes"]["put_tactical_elements"]
    print(f"event: overlay_updated, {element['id']} at {element['position']['x']}, {element['position']['y']}")


if __name__ == "__main__":
    asyncio.run(main())
