"""The file of callers: who has which API key or client certificate, one JSON object per line."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from image_grpc.access.caller import MAX_SERVICE, Caller, is_usable_name
from image_grpc.access.roles import role_of
from image_grpc.json_lines import parse_lines
from image_grpc.reloading_file import ReloadingFile

PREFIX = "igk_"
"""Begins every API key, so that scanners for secrets recognize one."""
RANDOM_BYTES = 32


def _usable_name(name: str) -> str:
    if not is_usable_name(name):
        raise ValueError("must consist of printable characters, and not be bridge")
    return name


def _known_role(label: str) -> str:
    role_of(label)
    return label


class Entry(BaseModel):
    """A line of the file: a caller, and its credential."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_usable_name)]
    role: Annotated[str, AfterValidator(_known_role)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """Of an API key, in hexadecimal digits."""
    certificate: Annotated[str, Field(min_length=1)] | None = None
    """A subject alternative name of a client certificate, or the common name of one that has none."""
    expires: AwareDatetime | None = None
    service: Annotated[str, Field(min_length=1, max_length=MAX_SERVICE)] = ""
    """Binds the caller to the pictures of this service."""

    @model_validator(mode="after")
    def _one_credential(self) -> "Entry":
        if (self.sha256 is None) == (self.certificate is None):
            raise ValueError("needs either sha256 or certificate")
        return self

    @property
    def has_expired(self) -> bool:
        return self.expires is not None and self.expires <= datetime.now(UTC)

    def caller(self) -> Caller:
        """Return the caller of this entry."""
        return Caller(name=self.name, role=role_of(self.role), service=self.service)


@dataclass(frozen=True, slots=True)
class Match:
    """The caller with a credential."""

    caller: Caller
    has_expired: bool


class Callers:
    """The callers of a file, which may change."""

    def __init__(self, path: Path) -> None:
        """Raises InvalidSettings."""
        self._file = ReloadingFile(parse, path)

    def with_key(self, key: str) -> Match | None:
        """Return who has an API key."""
        digest = _digest(key)
        return self._match(lambda entry: entry.sha256 is not None and hmac.compare_digest(entry.sha256, digest))

    def with_certificate(self, names: Iterable[str]) -> Match | None:
        """Return who has a client certificate with one of these names."""
        present = set(names)
        return self._match(lambda entry: entry.certificate in present)

    def _match(self, has_credential: Callable[[Entry], bool]) -> Match | None:
        # All entries are compared, so that the time reveals nothing about the keys.
        entries = [entry for entry in self._file.content() if has_credential(entry)]
        entries = entries or [entry for entry in self._file.content(fresh=True) if has_credential(entry)]
        if not entries:
            return None
        best = next((entry for entry in entries if not entry.has_expired), entries[0])
        return Match(best.caller(), best.has_expired)


def parse(data: bytes) -> Sequence[Entry]:
    """Return the entries of a file. Raises ValueError, which names the line."""
    return [entry for _, entry in parse_lines(data, Entry, _problem)]


def _problem(error: ValidationError) -> str:
    """Return the first problem of a line, without what the line contains: that may be a key in the wrong place."""
    first = error.errors()[0]
    if first["type"] == "extra_forbidden":
        return f"has a field other than {', '.join(Entry.model_fields)}"
    return ": ".join([*map(str, first["loc"]), first["msg"].removeprefix("Value error, ")])


def create_key(path: Path, *, name: str, role: str, service: str = "", expires: datetime | None = None) -> str:
    """Append a new API key to a file, which need not exist, and return the key. Raises ValueError, OSError."""
    key = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    bound = {"service": service} if service else {}
    entry = Entry(name=name, role=role, sha256=_digest(key), expires=expires, **bound)
    existing = path.read_bytes() if path.exists() else b""
    parse(existing)
    separator = "" if not existing or existing.endswith(b"\n") else "\n"
    with path.open("a") as file:
        file.write(f"{separator}{entry.model_dump_json(exclude_defaults=True)}\n")
    return key


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
