"""How settings are read and reported."""

import ipaddress
import os
from collections.abc import Container
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


def _with_valid_port(address: str) -> str:
    if int(address.rpartition(":")[2]) > 65_535:
        raise ValueError("the port must be 0 to 65535")
    return address


Address = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5}$"), AfterValidator(_with_valid_port)]
"""An address to listen on, `host:port` or `[IPv6]:port`."""
Seconds = Annotated[float, Field(gt=0, le=86_400 * 366)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Bytes = Annotated[int, Field(ge=1_000_000)]
PictureBytes = Annotated[Bytes, Field(le=256 * 1024 * 1024)]


class InvalidSettings(Exception):
    """One or more settings are missing or invalid; the message names each with its problem."""


class Secret:
    """Marks a field that may also be read from the file that its variable with the suffix `_FILE` names."""


class EnvironmentSettings(BaseSettings):
    """Frozen settings, each read from the environment variable `IMAGE_GRPC_` plus the field name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="IMAGE_GRPC_", frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read from overrides, environment variables, and the files of secrets, in this order."""
        return init_settings, env_settings, _SecretFiles(settings_cls, overridden=init_settings())


class _SecretFiles(PydanticBaseSettingsSource):
    """The files that variables with the suffix `_FILE` name."""

    def __init__(self, settings_cls: type[BaseSettings], overridden: Container[str]) -> None:
        super().__init__(settings_cls)
        self._overridden = overridden

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = f"{variable(field_name)}_FILE"
        path = os.environ.get(name) if is_secret(field) and field_name not in self._overridden else None
        if not path:
            return None, field_name, False
        if os.environ.get(variable(field_name)):
            raise InvalidSettings(f"invalid settings:\n  {name}: {variable(field_name)} is set as well")
        try:
            return Path(path).read_text().strip(), field_name, False
        except (OSError, UnicodeDecodeError) as problem:
            raise InvalidSettings(f"invalid settings:\n  {name}: {problem}") from problem

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


S = TypeVar("S", bound=EnvironmentSettings)


def load(settings_class: type[S], **overrides: object) -> S:
    """Return settings from the environment. `overrides` that are not None take precedence.

    Raises InvalidSettings with every problem, each under the name of its environment variable.
    """
    values = {name: value for name, value in overrides.items() if value is not None}
    try:
        return settings_class(**values)
    except ValidationError as error:
        problems = ((problem["loc"], problem["msg"].removeprefix("Value error, ")) for problem in error.errors())
        lines = [f"  {variable(str(place[0]))}: {text}" if place else f"  {text}" for place, text in problems]
        raise InvalidSettings("invalid settings:\n" + "\n".join(lines)) from error


def is_secret(field: FieldInfo) -> bool:
    """Whether a field contains a secret."""
    return any(each is Secret for each in field.metadata)


def variable(field: str) -> str:
    """Return the name of the environment variable of a field."""
    return "GETIMG_API_KEY" if field.upper() == "GETIMG_API_KEY" else f"IMAGE_GRPC_{field.upper()}"


def valid_in_a_header(secret: SecretStr | None) -> SecretStr | None:
    """Return a key without the whitespace around it, and None for an empty one. Raises ValueError."""
    key = secret.get_secret_value().strip() if secret else ""
    if not all("!" <= character <= "~" for character in key):
        raise ValueError("must consist of printable ASCII characters without spaces")
    return SecretStr(key) if key else None


def is_loopback(host: str | None) -> bool:
    """Whether a URL's host is `localhost` or a loopback address. Other names are not resolved."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
