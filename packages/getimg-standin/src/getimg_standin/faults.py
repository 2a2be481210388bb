"""Faults: what goes wrong on the next generations or downloads, and for how many of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong. The first group befalls generations, the second downloads of pictures."""

    STATUS = "status"
    HANG = "hang"
    CUT = "cut"
    INVALID = "invalid"

    TRUNCATED = "truncated"
    CUT_DOWNLOAD = "cut_download"
    HUGE = "huge"
    HTML = "html"
    REDIRECT = "redirect"
    GONE = "gone"
    HANG_DOWNLOAD = "hang_download"
    WRONG_SIZE = "wrong_size"


GENERATION_FAULTS = frozenset({FaultKind.STATUS, FaultKind.HANG, FaultKind.CUT, FaultKind.INVALID})
DOWNLOAD_FAULTS = frozenset(FaultKind) - GENERATION_FAULTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Raises ValueError when a field is missing for its kind or out of range.
    """

    kind: FaultKind | str

    count: int | None = None
    """The next so many calls fail; None fails all until the faults are cleared."""

    status: int = 500
    """HTTP status of kind `status`."""

    retry_after: float | None = None
    """Seconds in the Retry-After header of kind `status`; None sends no such header."""

    message: str | None = None
    """Message in the error body of kind `status`; None takes one that fits the status."""

    code: str | None = None
    """Code in the error body of kind `status`; None takes one that fits the status."""

    target: str | None = None
    """Where kind `redirect` leads to."""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", FaultKind(self.kind))
        except ValueError:
            known = ", ".join(FaultKind)
            raise ValueError(f"unknown fault kind {str(self.kind)!r}; known are {known}") from None
        if self.count is not None and self.count < 1:
            raise ValueError("count must be at least 1")
        if not 400 <= self.status <= 599:
            raise ValueError("status must be an error status, 400 to 599")
        if self.retry_after is not None and self.retry_after < 0:
            raise ValueError("retry_after must not be negative")
        if self.kind == FaultKind.REDIRECT and not self.target:
            raise ValueError("redirect needs a target")

    def to_json(self) -> dict[str, object]:
        """The fault as JSON values, fields that are None left out."""
        values: dict[str, object] = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


class FaultQueue:
    """Faults in the order in which they were added, each with the calls that it has left."""

    def __init__(self) -> None:
        self._entries: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        self._entries.append((fault, fault.count))

    def clear(self) -> None:
        self._entries.clear()

    def take(self, kinds: frozenset[FaultKind]) -> Fault | None:
        """The first fault of one of `kinds`, using up one of its calls; None when there is none."""
        for index, (fault, left) in enumerate(self._entries):
            if fault.kind not in kinds:
                continue
            if left == 1:
                del self._entries[index]
            elif left is not None:
                self._entries[index] = (fault, left - 1)
            return fault
        return None

    def to_json(self) -> list[dict[str, object]]:
        """The faults that are left, each with `count` = the calls that it has left (absent: for ever)."""
        entries = ((fault, {} if left is None else {"count": left}) for fault, left in self._entries)
        return [{**fault.to_json(), **count} for fault, count in entries]


def parse_fault(text: str) -> Fault:
    """The fault that `text` describes, as written on a command line.

    The first part is the kind, with its main value where it has one, and the rest are settings, for example
    `status=429,retry_after=2,count=3`, `hang`, `truncated,count=1` or `redirect=https://example.org/`.
    A backslash before a comma keeps the comma. Raises ValueError, naming the bad part.
    """
    head, *rest = _split_at_commas(text)
    name, equals, value = (part.strip() for part in head.partition("="))
    values: dict[str, Any] = {"kind": name}
    if equals:
        if name not in _MAIN_SETTING:
            raise ValueError(f"bad fault {text!r}: {name!r} takes no value")
        values |= _setting(text, _MAIN_SETTING[name], value)
    for part in rest:
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ValueError(f"bad fault {text!r}: {part.strip()!r} is not of the form name=value")
        if name in values:
            raise ValueError(f"bad fault {text!r}: {name!r} is given twice")
        values |= _setting(text, name, value)
    try:
        return Fault(**values)
    except ValueError as exc:
        raise ValueError(f"bad fault {text!r}: {exc}") from None


def fault_from_json(value: object) -> Fault:
    """The fault that a JSON object describes. Raises ValueError, naming the bad part."""
    if not isinstance(value, Mapping):
        raise ValueError(f"a fault is an object, not {value!r}")
    for name, field_value in value.items():
        types = _JSON_TYPES.get(name)
        if types is None:
            raise ValueError(f"unknown field {name!r} of a fault; known are {', '.join(_JSON_TYPES)}")
        if isinstance(field_value, bool) or not isinstance(field_value, types):
            raise ValueError(f"{field_value!r} does not fit the field {name!r} of a fault")
    if "kind" not in value:
        raise ValueError("a fault needs a kind")
    return Fault(**value)


_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "kind": (str,),
    "count": (int, type(None)),
    "status": (int,),
    "retry_after": (int, float, type(None)),
    "message": (str, type(None)),
    "code": (str, type(None)),
    "target": (str, type(None)),
}

_MAIN_SETTING: Mapping[str, str] = {"status": "status", "redirect": "target"}

_SETTING_READERS: Mapping[str, Callable[[str], object]] = {
    "count": int,
    "status": int,
    "retry_after": float,
    "message": str,
    "code": str,
    "target": str,
}


def _setting(text: str, name: str, value: str) -> dict[str, object]:
    reader = _SETTING_READERS.get(name)
    if reader is None:
        known = ", ".join(_SETTING_READERS)
        raise ValueError(f"bad fault {text!r}: unknown setting {name!r}; known are {known}")
    try:
        return {name: reader(value)}
    except ValueError:
        raise ValueError(f"bad fault {text!r}: {value!r} is not a number, as {name!r} needs") from None


def _split_at_commas(text: str) -> list[str]:
    parts = [""]
    escaped = False
    for character in text:
        if character == "," and not escaped:
            parts.append("")
        elif character == "\\" and not escaped:
            escaped = True
            continue
        else:
            parts[-1] += character
        escaped = False
    return parts
