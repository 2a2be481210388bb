"""Write docs/settings.md from the fields of the settings classes.

python tools/settings.py > docs/settings.md
"""

from __future__ import annotations

from image_grpc.settings import (
    BridgeSettings,
    ClientSettings,
    EmbeddedSettings,
    ServerSettings,
    StorageServiceSettings,
    is_secret,
    variable,
)

PROGRAMS = {
    "`serve`": ServerSettings,
    "`bridge`": BridgeSettings,
    "`storage`": StorageServiceSettings,
    "`up`": EmbeddedSettings,
    "client commands, `bridge`": ClientSettings,
}

HEAD = """# Settings

Settings are environment variables. Each program reads its own once at startup and reports all problems together.
`image-grpc config` shows the effective values. A secret can also be the content of a file, which the variable with the
suffix `_FILE` names. This page is generated (`make docs`).

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
    return "all programs" if len(names) == len(PROGRAMS) - 1 else ", ".join(names)


if __name__ == "__main__":
    print(HEAD)
    for name, field in (EmbeddedSettings.model_fields | ClientSettings.model_fields).items():
        names = f"`{variable(name)}`" + (f", `{variable(name)}_FILE`" if is_secret(field) else "")
        print(f"| {names} | {default_of(field.default)} | {readers(name)} | {field.description} |")
    print(TAIL)
