"""What docs/hub.md shows is what happens."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.conftest import Scene
from tests.bridge.plain import hearing

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = Path(__file__).parents[2] / "docs" / "hub.md"
EXAMPLE = re.compile(
    r"To the exchange `(?P<exchange>.+?)` with the routing key `(?P<key>.+?)`:\n\n```json\n(?P<body>.+?)```\n"
    r"(\nThe payload of the answer has, among others:\n\n```json\n(?P<answer>.+?)```)?",
    re.DOTALL,
)


def assert_has(actual: Any, shown: Any) -> None:
    """Whether what is shown is there, whatever else is."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert_has(actual[name], value)
    elif isinstance(shown, list):
        assert len(actual) == len(shown)
        for one, other in zip(actual, shown, strict=True):
            assert_has(one, other)
    else:
        assert actual == shown


async def test_the_examples_do_what_the_page_says(scene: Scene) -> None:
    examples = list(EXAMPLE.finditer(PAGE.read_text()))
    assert len(examples) == PAGE.read_text().count("To the exchange")
    async with hearing(scene.client, "image.generated") as ear:
        for example in examples:
            body = json.loads(example["body"]) | {"id": str(uuid.uuid4())}
            if example["exchange"] == "tabletop.requests":
                method = example["key"].removeprefix("image.rpc.")
                reply = await scene.client.ask_for_message(method, body)
                assert_has(json.loads(reply.body)["payload"], json.loads(example["answer"]))
            else:
                body["correlation_id"] = str(uuid.uuid4())
                await scene.client.tell(example["key"], body)
                if body["type"] == "character_updated":  # of the character whose portrait was asked for above
                    await ear.hears(body["correlation_id"])
    await scene.client.holds("image.dead", 0)
