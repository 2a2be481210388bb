"""The examples in docs/hub.md work as shown."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.conftest import Scene
from tests.bridge.plain import recording

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = Path(__file__).parents[2] / "docs" / "hub.md"
EXAMPLE = re.compile(
    r"To the exchange `(?P<exchange>.+?)` with the routing key `(?P<key>.+?)`:\n\n```json\n(?P<body>.+?)```\n"
    r"(\nThe payload of the reply contains:\n\n```json\n(?P<reply>.+?)```)?",
    re.DOTALL,
)


def assert_contains(actual: Any, expected: Any) -> None:
    """Compare the expected fields, ignoring others."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            assert_contains(actual[name], value)
    elif isinstance(expected, list):
        assert len(actual) == len(expected)
        for item, expected_item in zip(actual, expected, strict=True):
            assert_contains(item, expected_item)
    else:
        assert actual == expected


async def test_the_examples_work(scene: Scene) -> None:
    examples = list(EXAMPLE.finditer(PAGE.read_text()))
    assert len(examples) == PAGE.read_text().count("To the exchange")
    async with recording(scene.client, "image.generated") as log:
        for example in examples:
            body = json.loads(example["body"]) | {"id": str(uuid.uuid4())}
            if example["exchange"] == "tabletop.requests":
                method = example["key"].removeprefix("image.rpc.")
                reply = await scene.client.request_message(method, body)
                assert_contains(json.loads(reply.body)["payload"], json.loads(example["reply"]))
            else:
                body["correlation_id"] = str(uuid.uuid4())
                await scene.client.publish_event(example["key"], body)
                if body["type"] == "character_updated":  # about the character of the portrait above
                    await log.wait_for(body["correlation_id"])
    await scene.client.wait_for_depth("image.dead", 0)
