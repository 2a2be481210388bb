"""The limits of callers, and the file that has them, one JSON object per line."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from image_grpc.json_lines import parse_lines
from image_grpc.reloading_file import ReloadingFile
from image_grpc.scoped import scoped

EVERYBODY = "*"
"""Name of the limits that apply to each caller without limits of its own."""

Limit = Annotated[int, Field(ge=0, le=2**31)]


class Limits(BaseModel):
    """A line of the file: the limits of a caller. A limit that is not set does not exist."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    caller: Annotated[str, Field(min_length=1, max_length=1000)]
    calls_per_second: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    concurrent_calls: Limit | None = None
    """Unary calls."""
    concurrent_streams: Limit | None = None
    pictures_per_day: Limit | None = None
    """Generations that call GetImg.AI; a day is one in UTC."""
    cost_per_day: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=6)] | None = None
    """In the currency of GetImg.AI's prices."""

    @property
    def daily(self) -> bool:
        """Return whether pictures or their cost are limited."""
        return self.pictures_per_day is not None or self.cost_per_day is not None


@dataclass(frozen=True, slots=True)
class LimitedCaller:
    """A caller with limits."""

    name: str
    limits: Limits


class LimitsFile:
    """The limits in a file, which may change."""

    def __init__(self, path: Path | None) -> None:
        """Without a path, nobody has limits. Raises InvalidSettings."""
        self._file = ReloadingFile(parse, path) if path is not None else None

    def of(self, caller: str) -> LimitedCaller | None:
        """Return a caller with its limits, or None if it has none."""
        if self._file is None:
            return None
        limits = self._file.content()
        own = limits.get(caller) or limits.get(EVERYBODY)
        return LimitedCaller(caller, own) if own is not None else None


def parse(data: bytes) -> Mapping[str, Limits]:
    """Return the limits in a file by caller. Raises ValueError, which names the line."""
    limits: dict[str, Limits] = {}
    for number, entry in parse_lines(data, Limits, _problem):
        if entry.caller in limits:
            raise ValueError(f"line {number}: {entry.caller} has limits already")
        limits[entry.caller] = entry
    return limits


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    return ": ".join([*map(str, first["loc"]), first["msg"]])


_current: ContextVar[LimitedCaller | None] = ContextVar("limited caller", default=None)


def limited(caller: LimitedCaller | None) -> AbstractContextManager[None]:
    """Do the work within the block for a caller."""
    return scoped(_current, caller)


def current_caller() -> LimitedCaller | None:
    """Return the current caller if it has limits."""
    return _current.get()
