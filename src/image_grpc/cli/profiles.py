"""Profiles: servers and credentials by name, in a file of the user."""

import os
import tomllib
from pathlib import Path

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from image_grpc.settings import InvalidSettings

FILE_VARIABLE = "IMAGE_GRPC_PROFILES_FILE"
FILE_NAME = "profiles.toml"


class Profile(BaseModel):
    """A table of the file. Keys are in files of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str = Field(min_length=1)
    tls: bool | None = None
    ca_file: Path | None = None
    api_key_file: Path | None = None
    client_certificate_file: Path | None = None
    client_key_file: Path | None = None


def profile_settings(name: str) -> dict[str, object]:
    """Return the settings of a profile. Paths are relative to the file. Raises InvalidSettings."""
    file = Path(os.environ.get(FILE_VARIABLE) or Path(click.get_app_dir("image-grpc")) / FILE_NAME)
    try:
        profiles = tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise InvalidSettings(f"the file of profiles cannot be read: {problem}") from problem
    if name not in profiles:
        raise InvalidSettings(f"{file} has no profile {name!r}; it has {', '.join(profiles) or 'none'}")
    try:
        values = Profile.model_validate(profiles[name]).model_dump(exclude_none=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidSettings(f"{file}: {'.'.join([name, *map(str, first['loc'])])}: {first['msg']}") from error
    paths = {key: file.parent / value.expanduser() for key, value in values.items() if isinstance(value, Path)}
    return {**values, **paths}
