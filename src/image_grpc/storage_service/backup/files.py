"""The files of a backup: the manifest and streams of length-delimited messages."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from google.protobuf.message import Message
from google.protobuf.proto import parse_length_prefixed, serialize_length_prefixed

M = TypeVar("M", bound=Message)

FORMAT = 2
MANIFEST = "backup.json"


class BackupError(Exception):
    """The backup cannot be created or restored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """A file of length-delimited messages."""

    file: str
    count: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The content of `backup.json`."""

    format: int
    time: str
    records: Stream
    messages: Stream


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the folder's manifest, once all files are on disk, and remove the files of the previous backup."""
    temporary = folder / f"{MANIFEST}.new"
    temporary.write_text(json.dumps(asdict(manifest), indent=2))
    os.sync()
    temporary.replace(folder / MANIFEST)
    for file in (*folder.glob("records-*.binpb"), *folder.glob("messages-*.binpb")):
        if file.name not in (manifest.records.file, manifest.messages.file):
            file.unlink()


def read_manifest(folder: Path) -> Manifest:
    """Return the folder's manifest if its files are intact. Raises BackupError."""
    try:
        data = json.loads((folder / MANIFEST).read_text())
        if data["format"] != FORMAT:
            raise BackupError(f"{folder / MANIFEST} has format {data['format']}, not {FORMAT}")
        manifest = Manifest(
            format=FORMAT, time=data["time"], records=Stream(**data["records"]), messages=Stream(**data["messages"])
        )
        for stream in (manifest.records, manifest.messages):
            with (folder / stream.file).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != stream.sha256:
                    raise BackupError(f"{folder / stream.file} is damaged")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{folder} has no complete backup: {error}") from error
    return manifest


def write_stream(file: Path, messages: Iterable[Message]) -> Stream:
    """Write messages into a new file."""
    digest, count = hashlib.sha256(), 0
    with file.open("wb") as output:
        for message in messages:
            serialize_length_prefixed(message, _HashingWriter(output, digest))  # type: ignore[arg-type]
            count += 1
    return Stream(file=file.name, count=count, sha256=digest.hexdigest())


def read_stream(file: Path, message: type[M]) -> Iterator[M]:
    """Yield the messages in a file."""
    with file.open("rb") as source:
        while (each := parse_length_prefixed(message, source)) is not None:  # type: ignore[arg-type]
            yield each


class _HashingWriter:
    """Writes to a file and updates a digest."""

    def __init__(self, output: IO[bytes], digest: Any) -> None:
        self._output, self._digest = output, digest

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return self._output.write(data)
