"""Writes docs/settings.md from the fields of Settings.

python tools/settings.py > docs/settings.md
"""

from __future__ import annotations

from image_grpc.config import Settings, variable

HEAD = """# Settings

All settings are environment variables, read once at the start; problems are reported together. `image-grpc config`
shows the effective ones. This page is generated (`make docs`).

| variable | default | meaning |
|---|---|---|"""


def default_of(value: object) -> str:
    """A default as it would be written in the environment."""
    if value is None:
        return ""
    return f"`{','.join(value)}`" if isinstance(value, tuple) else f"`{value}`"


TAIL = """
How an object store `s3://…` is reached is told by the standard variables `AWS_ENDPOINT_URL`, `AWS_REGION`,
`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and their like: see [operations](operations.md)."""


if __name__ == "__main__":
    print(HEAD)
    for name, field in Settings.model_fields.items():
        print(f"| `{variable(name)}` | {default_of(field.default)} | {field.description} |")
    print(TAIL)
