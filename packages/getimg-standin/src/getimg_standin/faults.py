"""Faults: how the next generations or downloads fail, and how many of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """How a call fails. The first group affects generations, the second downloads.

    UNRELATED succeeds, with a picture that ignores all references.
    """

    STATUS = "status"
    HANG = "hang"
    CUT = "cut"
    INVALID = "invalid"
    UNRELATED = "unrelated"

    TRUNCATED = "truncated"
    CUT_DOWNLOAD = "cut_download"
    HUGE = "huge"
    HTML = "html"
    REDIRECT = "redirect"
    GONE = "gone"
    HANG_DOWNLOAD = "hang_download"
    WRONG_SIZE = "wrong_size"


GENERATION_FAULTS = frozenset({FaultKind.STATUS, FaultKind.HANG, FaultKind.CUT, FaultKind.INVALID, FaultKind.UNRELATED})
DOWNLOAD_FAULTS = frozenset(FaultKind) - GENERATION_FAULTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One way to fail.

    Raises ValueError if a field that its kind requires is missing or a value is out of range.
    """

    kind: FaultKind | str

    count: int | None = None
    """Number of calls that fail; None means all until the faults are cleared."""

    status: int = 500
    """HTTP status of kind `status`."""

    retry_after: float | None = None
    """Seconds in the Retry-After header of kind `status`; None omits the header."""

    message: str | None = None
    """Message in the error body of kind `status`; None uses the default for the status."""

    code: str | None = None
    """Code in the error body of kind `status`; None uses the default for the status."""

    target: str | None = None
    """URL of kind `redirect`."""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", FaultKind(self.kind))
        except ValueError:
            allowed = ", ".join(FaultKind)
            raise ValueError(f"unknown fault kind {str(self.kind)!r}; allowed are {allowed}") from None
        if self.count is not None and self.count < 1:
            raise ValueError("count must be at least 1")
        if not 400 <= self.status <= 599:
            raise ValueError("status must be between 400 and 599")
        if self.retry_after is not None and self.retry_after < 0:
            raise ValueError("retry_after must not be negative")
        if self.kind == FaultKind.REDIRECT and not self.target:
            raise ValueError("redirect requires a target")

    def to_json(self) -> dict[str, object]:
        """Return the fault as JSON values, without fields that are None."""
        values: dict[str, object] = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


class FaultQueue:
    """Faults in the order of their addition, each with its remaining number of calls."""

    def __init__(self) -> None:
        self._entries: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        self._entries.append((fault, fault.count))

    def clear(self) -> None:
        self._entries.clear()

    def take(self, kinds: frozenset[FaultKind]) -> Fault | None:
        """Return the first fault of one of `kinds` and count a call against it; None if there is none."""
        for index, (fault, remaining) in enumerate(self._entries):
            if fault.kind not in kinds:
                continue
            if remaining == 1:
                del self._entries[index]
            elif remaining is not None:
                self._entries[index] = (fault, remaining - 1)
            return fault
        return None

    def to_json(self) -> list[dict[str, object]]:
        """Return the active faults as JSON; `count` is the remaining number of calls, absent if unlimited."""
        entries = ((fault, {} if remaining is None else {"count": remaining}) for fault, remaining in self._entries)
        return [{**fault.to_json(), **count} for fault, count in entries]


def parse_fault(text: str) -> Fault:
    """Parse a fault from its command-line form.

    The first part is the kind with its main value, if it has one; the others are settings, for example
    `status=429,retry_after=2,count=3`, `hang`, `truncated,count=1` or `redirect=https://example.org/`.
    A backslash escapes a comma. Raises ValueError with the invalid part.
    """
    head, *rest = _split_at_commas(text)
    name, equals, value = (part.strip() for part in head.partition("="))
    values: dict[str, Any] = {"kind": name}
    if equals:
        if name not in _MAIN_SETTING:
            raise ValueError(f"invalid fault {text!r}: {name!r} takes no value")
        values |= _setting(text, _MAIN_SETTING[name], value)
    for part in rest:
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ValueError(f"invalid fault {text!r}: {part.strip()!r} is not of the form name=value")
        if name in values:
            raise ValueError(f"invalid fault {text!r}: duplicate setting {name!r}")
        values |= _setting(text, name, value)
    try:
        return Fault(**values)
    except ValueError as exc:
        raise ValueError(f"invalid fault {text!r}: {exc}") from None


def fault_from_json(value: object) -> Fault:
    """Parse a fault from a JSON object. Raises ValueError with the invalid part."""
    if not isinstance(value, Mapping):
        raise ValueError(f"a fault must be an object, not {value!r}")
    for name, field_value in value.items():
        types = _JSON_TYPES.get(name)
        if types is None:
            raise ValueError(f"unknown field {name!r} of a fault; allowed are {', '.join(_JSON_TYPES)}")
        if isinstance(field_value, bool) or not isinstance(field_value, types):
            raise ValueError(f"invalid value {field_value!r} of the fault field {name!r}")
    if "kind" not in value:
        raise ValueError("a fault requires a kind")
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

_SETTING_PARSERS: Mapping[str, Callable[[str], object]] = {
    "count": int,
    "status": int,
    "retry_after": float,
    "message": str,
    "code": str,
    "target": str,
}


def _setting(text: str, name: str, value: str) -> dict[str, object]:
    parser = _SETTING_PARSERS.get(name)
    if parser is None:
        allowed = ", ".join(_SETTING_PARSERS)
        raise ValueError(f"invalid fault {text!r}: unknown setting {name!r}; allowed are {allowed}")
    try:
        return {name: parser(value)}
    except ValueError:
        raise ValueError(f"invalid fault {text!r}: {name!r} must be a number, not {value!r}") from None


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
