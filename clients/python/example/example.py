"""Everything a client needs, once: see ../../README.md for what it prints.

IMAGE_GRPC_TARGET, IMAGE_GRPC_CA_FILE and IMAGE_GRPC_API_KEY_FILE name the server, its certificate authority and a file
with the key.
"""

import hashlib
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import grpc
import protovalidate
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest
from tabletop.image.v1.generation_service_pb2 import (
    CancelGenerationRequest,
    CancelOutcome,
    WaitGenerationRequest,
    WatchGenerationRequest,
    WatchGenerationResponse,
)
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import (
    DeleteImageRequest,
    GetImageRequest,
    ReadImageRequest,
    UploadImageDescription,
    UploadImageRequest,
)
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.types_pb2 import CacheMode, ImageFormat, ImageSubtype, ImageType, Size

from image_grpc_client import call_with_retries, failure_of, open_channel, tls

FINAL = {
    GenerationState.GENERATION_STATE_SUCCEEDED,
    GenerationState.GENERATION_STATE_FAILED,
    GenerationState.GENERATION_STATE_CANCELLED,
}
CHUNK_BYTES = 1 << 20
CALL_SECONDS = 30.0
REPEAT_SECONDS = 120.0
"""How long refused calls are repeated, and pictures are waited for."""

T = TypeVar("T")


def main(out: Path) -> None:
    ca_file, key_file = os.environ.get("IMAGE_GRPC_CA_FILE"), os.environ.get("IMAGE_GRPC_API_KEY_FILE")
    channel = open_channel(
        os.environ.get("IMAGE_GRPC_TARGET", "127.0.0.1:50051"),
        token=Path(key_file).read_text().strip() if key_file else "",
        credentials=tls(Path(ca_file)) if ca_file else None,
        timeout=CALL_SECONDS,
    )
    with channel:
        generations, images = GenerationServiceStub(channel), ImageServiceStub(channel)
        refuse(generations)
        image = generate(generations)
        picture = read(images, image, out)
        retry(images, image)
        cancel_and_watch(generations)
        upload_and_delete(images, picture)


def refuse(generations: GenerationServiceStub) -> None:
    """Find the invalid fields of a request without the server, and read them from the server's error."""
    invalid = GeneratePortraitRequest(theme="Fantasy!", size=Size(width=16, height=16))
    violations = protovalidate.collect_violations(invalid)
    paths = [violation.proto.field.elements for violation in violations if violation.proto.field]
    fields = sorted(".".join(part.field_name for part in path) for path in paths)
    print("checked before sending:", ", ".join(fields))
    try:
        repeat(lambda timeout: generations.GeneratePortrait(invalid, timeout=timeout))
    except grpc.RpcError as error:
        failure = failure_of(error)
        if not failure.violations:
            raise
        fields = sorted(violation.field for violation in failure.violations)
        print(f"refused: {failure.code.name}, {failure.reason}: {', '.join(fields)}")


def repeat(call: Callable[[float], T]) -> T:
    """Make a call until it is not refused: this caller may make only some calls per second."""
    return call_with_retries(call, timeout=REPEAT_SECONDS)


def portrait(cache: CacheMode = CacheMode.CACHE_MODE_USE) -> GeneratePortraitRequest:
    return GeneratePortraitRequest(
        theme="fantasy",
        species="half-elf",
        character_class="ranger",
        size=Size(width=512, height=512),
        format=ImageFormat.IMAGE_FORMAT_WEBP,
        request_id=str(uuid.uuid4()),  # repeating a request with this id has no further effect
        cache=cache,
    )


def generate(generations: GenerationServiceStub) -> Image:
    """Generate a picture, and wait for it."""
    request = portrait()
    request.wait_for.seconds = 10

    generation = repeat(lambda timeout: generations.GeneratePortrait(request, timeout=timeout)).generation
    if generation.state not in FINAL:
        wait = WaitGenerationRequest(generation_id=generation.id)
        generation = repeat(lambda timeout: generations.WaitGeneration(wait, timeout=timeout)).generation
    if generation.state != GenerationState.GENERATION_STATE_SUCCEEDED:
        raise SystemExit(f"{GenerationState.Name(generation.state)}: {generation.error.message}")
    content = generation.image.content
    print(f"generated: {content.size.width} x {content.size.height}, {ImageFormat.Name(content.format)}")
    again = repeat(lambda timeout: generations.GeneratePortrait(request, timeout=timeout)).generation
    print("requested again:", "the same generation" if again.id == generation.id else "another generation")
    return generation.image


def read(images: ImageServiceStub, image: Image, out: Path) -> bytes:
    """Read the picture, and compare its SHA-256."""
    request = ReadImageRequest(image_id=image.id)
    first, *parts = repeat(lambda timeout: list(images.ReadImage(request, timeout=timeout)))
    picture = b"".join(part.data for part in parts)
    if hashlib.sha256(picture).hexdigest() != first.content.sha256:
        raise SystemExit("the picture is damaged")
    out.write_bytes(picture)
    print(f"read: {len(picture)} bytes, SHA-256 {first.content.sha256}")
    return picture


def retry(images: ImageServiceStub, image: Image) -> None:
    """Make more calls at once than the caller may make in a second."""
    request = GetImageRequest(image_id=image.id)

    def get(_: int) -> bool:
        return repeat(lambda timeout: images.GetImage(request, timeout=timeout)).image.id == image.id

    with ThreadPoolExecutor(20) as pool:
        print(f"retried: {sum(pool.map(get, range(20)))} of 20 calls succeeded")
    missing = GetImageRequest(image_id=str(uuid.UUID(int=0)))
    try:
        repeat(lambda timeout: images.GetImage(missing, timeout=timeout))
    except grpc.RpcError as error:
        failure = failure_of(error)
        if failure.code is not grpc.StatusCode.NOT_FOUND:
            raise
        print(f"refused: {failure.code.name}, {failure.reason}")


def cancel_and_watch(generations: GenerationServiceStub) -> None:
    """Cancel one of two generations, and watch the other one, with a new stream after the first response."""

    def submit() -> Generation:
        request = portrait(CacheMode.CACHE_MODE_BYPASS)
        return repeat(lambda timeout: generations.GeneratePortrait(request, timeout=timeout)).generation

    watched, cancelled = submit(), submit()
    cancel = CancelGenerationRequest(generation_id=cancelled.id)
    response = repeat(lambda timeout: generations.CancelGeneration(cancel, timeout=timeout))
    print("cancelled:", CancelOutcome.Name(response.outcome))
    cursor, state = "", watched.state
    while state not in FINAL:
        watch = WatchGenerationRequest(generation_id=watched.id, cursor=cursor)

        def next_change(timeout: float, watch: WatchGenerationRequest = watch) -> WatchGenerationResponse | None:
            stream = generations.WatchGeneration(watch, timeout=timeout)
            change = next((response for response in stream if response.HasField("generation")), None)  # no heartbeat
            stream.cancel()  # a client would read on; here, a new stream continues after the cursor
            return change

        if change := repeat(next_change):  # None: the server stops
            cursor, state = change.cursor, change.generation.state
    print("watched:", GenerationState.Name(state))


def upload_and_delete(images: ImageServiceStub, picture: bytes) -> None:
    """Store the picture as that of another character."""
    sha256 = hashlib.sha256(picture).hexdigest()
    description = UploadImageDescription(
        type=ImageType.IMAGE_TYPE_CHARACTER,
        subtype=ImageSubtype.IMAGE_SUBTYPE_PORTRAIT,
        theme="fantasy",
        sha256=sha256,
        request_id=str(uuid.uuid4()),
    )

    def parts() -> Iterator[UploadImageRequest]:
        yield UploadImageRequest(description=description)
        for start in range(0, len(picture), CHUNK_BYTES):
            yield UploadImageRequest(data=picture[start : start + CHUNK_BYTES])

    image = repeat(lambda timeout: images.UploadImage(parts(), timeout=timeout)).image
    print("uploaded:", "the same bytes" if image.content.sha256 == sha256 else "other bytes")
    delete = DeleteImageRequest(image_id=image.id, version=image.version, request_id=str(uuid.uuid4()))
    repeat(lambda timeout: images.DeleteImage(delete, timeout=timeout))
    print("deleted")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else "portrait.webp"))
    except grpc.RpcError as error:
        failure = failure_of(error)
        raise SystemExit(f"{failure.code.name}: {failure.message}") from error
