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

from image_grpc.access.caller import Caller
from image_grpc.access.reloading_file import ReloadingFile
from image_grpc.access.roles import role_of

PREFIX = "igk_"
"""Begins every API key, so that scanners for secrets recognize one."""
RANDOM_BYTES = 32


def _known_role(label: str) -> str:
    role_of(label)
    return label


class Entry(BaseModel):
    """A line of the file: a caller, and how it proves who it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[str, Field(min_length=1, max_length=100)]
    role: Annotated[str, AfterValidator(_known_role)]
    service: Annotated[str, Field(max_length=100)] = ""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """Of an API key, in hexadecimal digits."""
    certificate: Annotated[str, Field(min_length=1)] | None = None
    """A subject alternative name, or else the common name, of a client certificate."""
    expires: AwareDatetime | None = None

    @model_validator(mode="after")
    def _one_proof(self) -> "Entry":
        if (self.sha256 is None) == (self.certificate is None):
            raise ValueError("needs either sha256 or certificate")
        return self

    @property
    def valid(self) -> bool:
        """Whether the entry has not expired."""
        return self.expires is None or datetime.now(UTC) < self.expires

    def caller(self) -> Caller:
        """Return whom the entry is about."""
        return Caller(name=self.name, role=role_of(self.role), service=self.service)


@dataclass(frozen=True, slots=True)
class Match:
    """The entry for a credential."""

    caller: Caller
    expired: bool


class ApiKeys:
    """The callers of a file, which may change."""

    def __init__(self, path: Path) -> None:
        """Raises InvalidSettings."""
        self._file = ReloadingFile(parse, path)

    def with_key(self, key: str) -> Match | None:
        """Return who has an API key."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        return self._match(lambda entry: entry.sha256 is not None and hmac.compare_digest(entry.sha256, digest))

    def with_certificate(self, names: Iterable[str]) -> Match | None:
        """Return who has a client certificate with one of these names."""
        present = set(names)
        return self._match(lambda entry: entry.certificate in present)

    def _match(self, fits: Callable[[Entry], bool]) -> Match | None:
        # Every entry is compared, so that the time tells nothing about the keys.
        matches = [entry for entry in self._file.content() if fits(entry)]
        matches = matches or [entry for entry in self._file.content(fresh=True) if fits(entry)]
        best = next((entry for entry in matches if entry.valid), matches[0] if matches else None)
        return Match(best.caller(), expired=not best.valid) if best is not None else None


def parse(data: bytes) -> Sequence[Entry]:
    """Return the entries of a file. Raises ValueError, which names the line."""
    entries = []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(b"#"):
            continue
        try:
            entries.append(Entry.model_validate_json(line))
        except ValidationError as error:
            problem = error.errors()[0]
            place = ".".join(map(str, problem["loc"]))
            raise ValueError(f"line {number}: {place}{': ' if place else ''}{problem['msg']}") from error
    return entries


def create_key(path: Path, *, name: str, role: str, service: str, expires: datetime | None) -> str:
    """Append a new API key to a file, which need not exist, and return the key. Raises ValueError, OSError."""
    key = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    digest = hashlib.sha256(key.encode()).hexdigest()
    entry = Entry(name=name, role=role, service=service, sha256=digest, expires=expires)
    existing = path.read_bytes() if path.exists() else b""
    parse(existing)
    separator = "" if not existing or existing.endswith(b"\n") else "\n"
    with path.open("a") as file:
        file.write(f"{separator}{entry.model_dump_json(exclude_defaults=True)}\n")
    return key
