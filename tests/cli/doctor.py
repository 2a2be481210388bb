"""Runs `image-grpc doctor`."""

from __future__ import annotations

import json

from tests.cli.processes import run

Findings = dict[str, tuple[str, str]]
"""Level and text by subject."""


async def findings(*options: str, **environment: str) -> tuple[int, Findings]:
    """Return the exit code and the findings. Each problem must have a remedy."""
    code, out, error = await run("doctor", "--json", *options, **environment)
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines, error
    assert all(bool(line["remedy"]) == (line["level"] != "ok") for line in lines)
    return code, {line["subject"]: (line["level"], line["text"]) for line in lines}
