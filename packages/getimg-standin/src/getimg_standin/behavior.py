"""The settings of a stand-in, apart from its faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Behavior:
    """How a stand-in behaves without faults."""

    latency: float = 0.0
    """Seconds added to each generation."""

    url_lifetime: float = 3600.0
    """Seconds until a picture URL expires; 0 or less produces URLs that have already expired."""

    requests_per_minute: int | None = None
    """Generations allowed per minute, rejected ones included; None means no limit."""

    max_in_flight: int | None = None
    """Concurrent generations allowed; None means no limit."""

    balance: Decimal = Decimal("10000")
    """USD to spend from now on."""

    variety: int | None = None
    """Number of different pictures per size and format, which are then reused; None means no limit."""

    layout_shift_x: float = 0.0
    """Shift of a painting to the right against its layout, as a share of the picture's width."""

    layout_shift_y: float = 0.0
    """Shift down, as a share of its height."""

    layout_scale: float = 1.0
    """Enlargement of a painting against its layout, around the middle."""

    layout_missing: tuple[float, float, float, float] | None = None
    """Left, top, right and bottom of the part of a layout whose walls are left out, as shares of its sides."""

    def __post_init__(self) -> None:
        if self.latency < 0:
            raise ValueError("latency must not be negative")
        if self.requests_per_minute is not None and self.requests_per_minute < 0:
            raise ValueError("requests_per_minute must not be negative")
        if self.max_in_flight is not None and self.max_in_flight < 0:
            raise ValueError("max_in_flight must not be negative")
        if self.variety is not None and self.variety < 1:
            raise ValueError("variety must be at least 1")
        if not 0.1 <= self.layout_scale <= 10:
            raise ValueError("layout_scale must be from 0.1 to 10")

    def to_json(self) -> dict[str, object]:
        """Return the settings as JSON values; the balance is a decimal string, as in the API."""
        values: dict[str, object] = {field.name: getattr(self, field.name) for field in fields(self)}
        values["balance"] = str(self.balance)
        return values


def apply_changes(behavior: Behavior, changes: Mapping[str, object]) -> Behavior:
    """Return a copy of `behavior` with JSON `changes` applied.

    Raises ValueError with the name of the setting if it is unknown or its value is invalid.
    """
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in _PARSERS:
            raise ValueError(f"unknown setting {name!r}; allowed are {', '.join(_PARSERS)}")
        try:
            values[name] = _PARSERS[name](value)
        except ValueError as exc:
            raise ValueError(f"{name}: {exc}") from None
    return replace(behavior, **values)


def _parse_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _parse_optional_count(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is neither an integer nor null")
    return value


def _parse_part(value: object) -> tuple[float, float, float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError(f"{value!r} is neither a list of four numbers nor null")
    left, top, right, bottom = map(_parse_number, value)
    return left, top, right, bottom


def _parse_amount(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is not an amount")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not an amount") from None
    if not amount.is_finite():
        raise ValueError(f"{value!r} is not an amount")
    return amount


_PARSERS: Mapping[str, Callable[[object], object]] = {
    "latency": _parse_number,
    "url_lifetime": _parse_number,
    "requests_per_minute": _parse_optional_count,
    "max_in_flight": _parse_optional_count,
    "balance": _parse_amount,
    "variety": _parse_optional_count,
    "layout_shift_x": _parse_number,
    "layout_shift_y": _parse_number,
    "layout_scale": _parse_number,
    "layout_missing": _parse_part,
}
