"""What callers were promised, against what exists at the end."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ListImagesRequest, ReadImageRequest

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from tests.faults.callers import CALL_SECONDS, Callers, Diary
from tests.faults.platform import LEDGER, Platform, Server

READS_AT_ONCE = 8
QUIET_SECONDS = 120.0
"""The outbox takes over what another process has left behind well within this time."""


@dataclass(kw_only=True, slots=True)
class Verdict:
    """The four classes. Each entry is a sentence."""

    kept: int = 0
    """Promises that were kept."""
    billed: int = 0
    lost: list[str] = field(default_factory=list)
    """Promised, and not there, or not whole."""
    duplicated: list[str] = field(default_factory=list)
    """There more than once in a way that is allowed."""
    recovered: list[str] = field(default_factory=list)
    """Promises that were open while a fault went on, and were kept."""
    unexpected: list[str] = field(default_factory=list)
    """What should not be."""

    def report(self, diary: Diary) -> str:
        """All of it, to be read."""
        lines = [
            f"promised {len(diary.promised)}, kept {self.kept}, billed {self.billed}",
            f"lost {len(self.lost)}",
            *(f"  {each}" for each in self.lost[:20]),
            f"duplicated {len(self.duplicated)} (allowed)",
            *(f"  {each}: {count}" for each, count in Counter(self.duplicated).items()),
            f"recovered {len(self.recovered)}",
            *(f"  open during {each}: {count}" for each, count in Counter(self.recovered).items()),
            f"unexpected {len(self.unexpected)}",
            *(f"  {each}" for each in self.unexpected[:20]),
            "callers were told: " + (", ".join(f"{k} {v}" for k, v in diary.refusals.most_common()) or "nothing"),
        ]
        return "\n".join(lines)


async def check(platform: Platform, callers: Callers, diary: Diary, *, patience: float) -> Verdict:
    """Waits until all promises are kept, at most `patience` seconds, and compares."""
    verdict = Verdict()
    ended = await _outcomes(callers, diary, verdict, patience)
    slots = asyncio.Semaphore(READS_AT_ONCE)

    async def whole(generation: Generation) -> None:
        async with slots:
            problem = await _problem_of_bytes(callers, generation.image)
        if problem:
            verdict.lost.append(f"generation {generation.id}: {problem}")
        else:
            verdict.kept += 1
            _note_recovery(generation, diary, verdict)

    async with asyncio.TaskGroup() as group:
        for generation in ended.values():
            group.create_task(whole(generation))
    await _check_what_is_there(callers, diary, ended, verdict)
    await _check_events(platform, diary, {each.image.id for each in ended.values()}, verdict)
    await _check_bill(platform, diary, ended, verdict)
    await _check_dead_letters(platform, verdict)
    verdict.unexpected += diary.wrong_refusals
    return verdict


async def _outcomes(callers: Callers, diary: Diary, verdict: Verdict, patience: float) -> dict[str, Generation]:
    """The generations that have succeeded, by id."""
    waiting = {id_: asyncio.create_task(callers.outcome(id_)) for id_ in diary.promised}
    if waiting:
        await asyncio.wait(waiting.values(), timeout=patience)
    found = {}
    for id_, task in waiting.items():
        if not task.done():
            task.cancel()
            verdict.lost.append(f"generation {id_} has not ended")
        elif task.result().state != GenerationState.GENERATION_STATE_SUCCEEDED:
            failed = task.result()
            state = GenerationState.Name(failed.state)
            verdict.lost.append(f"generation {id_} is {state}: {failed.error.reason} {failed.error.message}")
        else:
            found[id_] = task.result()
    return found


async def _problem_of_bytes(callers: Callers, image: Image) -> str:
    """What is wrong with a stored picture; empty: nothing."""

    async def read(server: Server) -> bytes:
        parts = server.images.ReadImage(ReadImageRequest(image_id=image.id), timeout=CALL_SECONDS)
        return b"".join([part.data async for part in parts])

    data = await callers.until_answered(read)
    if hashlib.sha256(data).hexdigest() != image.content.sha256:
        return f"image {image.id}: its {len(data)} bytes are not those of its SHA-256"
    return ""


def _note_recovery(generation: Generation, diary: Diary, verdict: Verdict) -> None:
    begin, end = generation.create_time.ToMilliseconds(), generation.finish_time.ToMilliseconds()
    for fault in diary.faults:
        if begin <= fault.end and fault.begin <= end:
            verdict.recovered.append(fault.name)
            return


async def _check_what_is_there(callers: Callers, diary: Diary, ended: dict[str, Generation], verdict: Verdict) -> None:
    """Nothing is there that nobody was promised, and everything once."""
    async for generation in _all(callers, "ListGenerations", ListGenerationsRequest(page_size=100)):
        if generation.id not in diary.promised:
            verdict.unexpected.append(f"generation {generation.id}, which nobody was promised")
    images = [each.id async for each in _all(callers, "ListImages", ListImagesRequest(page_size=100))]
    promised = Counter(each.image.id for each in ended.values())
    verdict.unexpected += [f"image {id_} answers {n} generations" for id_, n in promised.items() if n > 1]
    verdict.unexpected += [f"image {id_}, which nobody was promised" for id_ in set(images) - set(promised)]
    verdict.lost += [f"image {id_} is not listed" for id_ in set(promised) - set(images)]


async def _all(callers: Callers, method: str, request: Any) -> Any:
    while True:

        async def page(server: Server) -> Any:
            stub = server.images if method == "ListImages" else server.generations
            return await getattr(stub, method)(request, timeout=CALL_SECONDS)

        answer = await callers.until_answered(page)
        for each in answer.images if method == "ListImages" else answer.generations:
            yield each
        request.page_token = answer.next_page_token
        if not request.page_token:
            return


async def _check_events(platform: Platform, diary: Diary, images: set[str], verdict: Verdict) -> None:
    """Exactly one event for each image; the same one may have come more than once."""
    heard = diary.events
    async with platform.channel() as channel:
        queue = await channel.get_queue(LEDGER)
        quiet_at = asyncio.get_running_loop().time() + QUIET_SECONDS
        while asyncio.get_running_loop().time() < quiet_at and not images <= heard.keys():
            while message := await queue.get(no_ack=True, fail=False):
                event = envelopes.decode(message.body, message.content_type or "")
                heard[str(event.payload["image_id"])][event.id] += 1
            await asyncio.sleep(0.2)
    verdict.lost += [f"the event of image {id_}" for id_ in images - heard.keys()]
    verdict.unexpected += [f"event of image {id_}, which nobody was promised" for id_ in heard.keys() - images]
    for image, events in heard.items():
        if len(events) > 1:
            verdict.unexpected.append(f"image {image} has {len(events)} different events")
        verdict.duplicated += ["image_generated, the same event again"] * (events.total() - len(events))


async def _check_bill(platform: Platform, diary: Diary, ended: dict[str, Generation], verdict: Verdict) -> None:
    """GetImg.AI was paid once for each picture, and once more at most for those in its hands at a kill."""
    verdict.billed = int((await platform.standin_report())["billed"])
    again = verdict.billed - len(ended)
    allowed = [id_ for id_ in diary.in_hand_at_a_kill if id_ in ended and ended[id_].attempts > 1]
    verdict.duplicated += ["paid again, was in flight at a kill"] * max(0, min(again, len(allowed)))
    verdict.unexpected += ["paid again, was not in flight at a kill"] * max(0, again - len(allowed))


async def _check_dead_letters(platform: Platform, verdict: Verdict) -> None:
    async with platform.channel() as channel:
        queue = await channel.get_queue(topology.DEAD_QUEUE)
        while message := await queue.get(no_ack=True, fail=False):
            headers = message.headers
            verdict.unexpected.append(f"dead letter from {headers.get('origin')!s}: {headers.get('reason')!s}")
