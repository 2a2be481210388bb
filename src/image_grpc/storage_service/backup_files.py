"""The files of a backup: the manifest, streams of length-delimited messages, and blobs."""

import contextlib
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import obstore
from google.protobuf.message import DecodeError, Message
from google.protobuf.proto import parse_length_prefixed, serialize_length_prefixed
from obstore.store import ObjectStore
from tabletop.storage.v1.record_pb2 import BlobReference, Record

from image_grpc.storage_service.object_store import blob_path

M = TypeVar("M", bound=Message)

FORMAT = 2
MANIFEST = "backup.json"
CHUNK_BYTES = 8 * 1024 * 1024


class BackupError(Exception):
    """The backup cannot be created or restored."""


class BlobMissing(Exception):
    """A blob that a record refers to is not in the object store."""


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


def remove_streams(folder: Path, manifest: Manifest) -> None:
    """Remove the records and messages of a backup that failed."""
    for stream in (manifest.records, manifest.messages):
        (folder / stream.file).unlink(missing_ok=True)


def previous_records(folder: Path) -> Iterator[Record]:
    """Yield the records of the folder's backup; none if it has no backup, or a damaged one."""
    with contextlib.suppress(BackupError, DecodeError):
        manifest = read_manifest(folder)
        yield from read_stream(folder / manifest.records.file, Record)


def read_manifest(folder: Path) -> Manifest:
    """Return the folder's manifest if its files are intact. Raises BackupError."""
    try:
        data = json.loads((folder / MANIFEST).read_text())
        if data["format"] != FORMAT:
            raise BackupError(f"{folder / MANIFEST} has format {data['format']}, not {FORMAT}")
        records, messages = Stream(**data["records"]), Stream(**data["messages"])
        for stream in (records, messages):
            if _sha256(folder / stream.file) != stream.sha256:
                raise BackupError(f"{folder / stream.file} is damaged")
        return Manifest(format=FORMAT, time=data["time"], records=records, messages=messages)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{folder} has no complete backup: {error}") from error


def write_stream(file: Path, messages: Iterable[Message]) -> Stream:
    """Write messages into a new file."""
    count = 0
    with file.open("wb") as output:
        for count, message in enumerate(messages, start=1):  # noqa: B007
            serialize_length_prefixed(message, output)  # type: ignore[arg-type]
    return Stream(file=file.name, count=count, sha256=_sha256(file))


def read_stream(file: Path, message: type[M]) -> Iterator[M]:
    """Yield the messages in a file."""
    with file.open("rb") as source:
        while (each := parse_length_prefixed(message, source)) is not None:  # type: ignore[arg-type]
            yield each


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


async def copy_blobs(source: ObjectStore, target: ObjectStore, records: Path) -> None:
    """Copy and verify the blobs of the records in a file that the target lacks. Raises BlobMissing, BackupError."""
    for record in read_stream(records, Record):
        if record.HasField("blob"):
            await _copy_blob(source, target, record.blob)


async def _copy_blob(source: ObjectStore, target: ObjectStore, blob: BlobReference) -> None:
    path = blob_path(blob.sha256)
    with contextlib.suppress(FileNotFoundError):
        if (await obstore.head_async(target, path))["size"] == blob.byte_size:
            return
    try:
        content = await obstore.get_async(source, path)
    except FileNotFoundError as missing:
        raise BlobMissing(f"blob {blob.sha256} is missing") from missing
    await obstore.put_async(target, path, _verified(content, blob.sha256), chunk_size=CHUNK_BYTES)


async def _verified(content: "obstore.GetResult", sha256: str) -> AsyncIterator[Any]:
    """Yield the bytes. An exception at their end keeps the object from being created."""
    digest = hashlib.sha256()
    async for chunk in content.stream(min_chunk_size=CHUNK_BYTES):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise BackupError(f"blob {sha256} is damaged")
