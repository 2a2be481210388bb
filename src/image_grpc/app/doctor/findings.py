"""What the doctor reports."""

import enum
from dataclasses import dataclass


class Level(enum.Enum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found out about one thing."""

    subject: str
    level: Level
    text: str
    remedy: str = ""


def ok(subject: str, text: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(subject=subject, level=Level.OK, text=text)


def warning(subject: str, text: str, remedy: str) -> Finding:
    """Return a finding with which the service works, in some way."""
    return Finding(subject=subject, level=Level.WARNING, text=text, remedy=remedy)


def error(subject: str, text: str, remedy: str) -> Finding:
    """Return a finding with which the service does not work, or loses data."""
    return Finding(subject=subject, level=Level.ERROR, text=text, remedy=remedy)
