"""Write docs/settings.md from the fields of the settings classes.

python tools/settings.py > docs/settings.md
"""

from __future__ import annotations

from image_grpc.settings import BridgeSettings, EmbeddedSettings, ServerSettings, StorageServiceSettings, variable

PROGRAMS = {
    "serve": ServerSettings,
    "bridge": BridgeSettings,
    "storage": StorageServiceSettings,
    "up": EmbeddedSettings,
}

HEAD = """# Settings

Settings are environment variables. Each program reads its own once at startup and reports all problems together.
`image-grpc config` shows the effective values. This page is generated (`make docs`).

`serve` also reads the settings of `bridge` (with `--bridge`) and those of `storage` (with the hub `memory:`).

| variable | default | read by | meaning |
|---|---|---|---|"""

TAIL = """
The standard variables `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and so on
configure access to an object store `s3://…`: see [operations](operations.md)."""


def default_of(value: object) -> str:
    """Return a default as it is written in the environment."""
    if value is None:
        return ""
    return f"`{','.join(value)}`" if isinstance(value, tuple) else f"`{value}`"


def readers(field: str) -> str:
    """Return the programs that read a field."""
    names = [name for name, settings in PROGRAMS.items() if field in settings.model_fields]
    return "all" if len(names) == len(PROGRAMS) else ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    print(HEAD)
    for name, field in EmbeddedSettings.model_fields.items():
        print(f"| `{variable(name)}` | {default_of(field.default)} | {readers(name)} | {field.description} |")
    print(TAIL)
