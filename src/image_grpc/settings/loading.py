"""Loading settings from the environment, with all problems in one report."""

from typing import TypeVar

from pydantic import ValidationError

from image_grpc.settings.base import EnvironmentSettings

S = TypeVar("S", bound=EnvironmentSettings)


class InvalidSettings(Exception):
    """One or more settings are missing or invalid; the message names each with its problem."""


def load(settings_class: type[S], **overrides: object) -> S:
    """Return settings from the environment. `overrides` that are not None take precedence.

    Raises InvalidSettings with every problem, each under the name of its environment variable.
    """
    values = {name: value for name, value in overrides.items() if value is not None}
    try:
        return settings_class(**values)
    except ValidationError as error:
        lines = [f"  {variable(str(problem['loc'][0]))}: {problem['msg']}" for problem in error.errors()]
        raise InvalidSettings("invalid settings:\n" + "\n".join(lines)) from error


def variable(field: str) -> str:
    """Return the name of the environment variable of a field."""
    return "GETIMG_API_KEY" if field.upper() == "GETIMG_API_KEY" else f"IMAGE_GRPC_{field.upper()}"
