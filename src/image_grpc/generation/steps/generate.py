"""The *generate* step: calls GetImg.AI for a generation, once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1.types_pb2 import Priority

from image_grpc import errors
from image_grpc.errors import GenerationError, QuotaExceeded, ServiceError, StorageServiceError, VersionConflict
from image_grpc.generation import jobs, states
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.requests import complete_request, kind_in, picture_in
from image_grpc.generation.steps.references import ReferenceLoader, layout_url
from image_grpc.getimg import CallNotSent, GetimgClient, ProviderRequest, expected_cost
from image_grpc.hub import Ack, Hub, Outcome, Retry, Settlement
from image_grpc.quotas import LimitsFile, budgets
from image_grpc.retry import MAX_INTERRUPTED_CALLS, PEER_UNAVAILABLE_SECONDS, GenerationLimits, delay_before_next_call
from image_grpc.weighted_fair_semaphore import WeightedFairSemaphore

log = structlog.get_logger(__name__)

LEASE_FACTOR = 1.5
"""Duration of a lease in terms of the provider's timeout: publishing the result takes time as well."""
LEASE_POLL_SECONDS = 5.0
"""Longest delay before a job that another process holds is checked again."""
PUBLISH_SECONDS = 5.0
"""Timeout of one attempt to publish a store job."""
PUBLISH_ATTEMPTS = 3
HOLD_SECONDS = 1.0
"""Delay before a result that neither the Storage Service nor the hub accepted is offered to them again."""
NOT_CONFIGURED_SECONDS = 30.0
"""Delay of accepted jobs while there is no API key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratePolicy:
    """How a process works on generations."""

    owner: str
    """The id of the process, for leases."""
    lease_seconds: float
    """How long the process owns a generation before others may take it over."""
    limits: GenerationLimits
    caller_limits: LimitsFile
    """The budgets of callers, for calls that are repeated."""


@dataclass(frozen=True, slots=True)
class Generated:
    """A generation whose record has the result of GetImg.AI. Its picture is to be stored next."""

    record: GenerationRecord


class GenerateStep:
    """Takes a generation from QUEUED to STORING."""

    def __init__(
        self,
        generations: GenerationRepository,
        provider: GetimgClient,
        references: ReferenceLoader,
        semaphore: WeightedFairSemaphore[Priority],
        hub: Hub,
        policy: GeneratePolicy,
    ) -> None:
        self._generations, self._provider, self._references = generations, provider, references
        self._semaphore, self._hub, self._policy = semaphore, hub, policy
        self._leased_without_call: dict[str, int] = {}

    async def __call__(self, record: GenerationRecord, priority: Priority) -> Settlement | Generated:
        """Generate the picture, which is to be stored at once. Raises Closed when the process stops."""
        if record.HasField("provider_result"):  # generated already, but maybe not stored
            if await self._publish(record, record.provider_result):
                return Ack()
            return Retry(PEER_UNAVAILABLE_SECONDS, "the hub did not accept the store job")
        record = self._without_unused_lease(record)
        if (wait := self._foreign_lease_seconds(record)) > 0:
            # Not the whole wait: the retry ladder would round it up to its next, much longer step.
            return Retry(min(wait, LEASE_POLL_SECONDS), f"{record.lease.owner} holds the lease")
        if record.generation.attempts >= MAX_INTERRUPTED_CALLS and record.HasField("lease"):
            failure = GenerationError("the process ended during each call to GetImg.AI")
            return await self._give_up(record, failure, maybe_billed=True)
        if not self._provider.configured:
            return Retry(NOT_CONFIGURED_SECONDS, "there is no GetImg.AI API key")
        async with self._semaphore.slot(priority):
            return await self._generate(record)

    async def _count_interrupted_call(self, record: GenerationRecord) -> None:
        """Account for a call whose process ended meanwhile: GetImg.AI may have billed it."""
        try:
            model = await self._provider.model(record.generation.model)
        except ServiceError:  # the catalog is unavailable; the count matters more than the price
            model = None
        cost = expected_cost(model, picture_in(complete_request(record)).size) if model is not None else None
        self._generations.count_interrupted_call(record, cost)

    async def _generate(self, record: GenerationRecord) -> Settlement | Generated:
        previous = record
        try:
            request = await self._request(record)
            async with self._provider.call_slot() as call:
                # Stored before the call, so that no other delivery calls GetImg.AI at the same time.
                owner, lease_seconds = self._policy.owner, self._policy.lease_seconds
                leased = states.generating(record, owner=owner, lease_seconds=lease_seconds)
                record = await self._lease(leased, previous)
                if previous.HasField("lease"):
                    await self._count_interrupted_call(previous)
                result = await self._call(call, request)
        except (errors.ApiError, GenerationError, errors.GetimgNotConfigured) as failure:
            return await self._after_failure(record, failure, previous)
        except QuotaExceeded as exceeded:
            return await self._give_up(previous, exceeded, maybe_billed=previous.HasField("lease"))
        return await self._hand_over(record, result)

    async def _request(self, record: GenerationRecord) -> ProviderRequest:
        complete, model = complete_request(record), record.generation.model
        picture = picture_in(complete)
        urls = await self._references.urls(record)
        kind = kind_in(complete)
        wants_layout = kind.has_layout(picture) and (
            kind.must_follow(picture) or await self._provider.accepts_references(model, len(urls) + 1)
        )
        if wants_layout:
            ratio = await self._provider.ratio(model, picture.size)
            urls.insert(0, await layout_url(complete, ratio))
        return ProviderRequest(
            prompt=record.prompt, model=model, size=picture.size, format=picture.format, reference_urls=urls
        )

    async def _lease(self, leased: GenerationRecord, previous: GenerationRecord) -> GenerationRecord:
        """Store a lease. If it is not known whether it was stored, remember that no call followed.

        Raises QuotaExceeded if an earlier call was billed, or may have been, and there is no money for another one.
        """
        unit = self._generations.unit_for_update(leased)
        budgets.reserve_again(unit, leased, self._policy.caller_limits, interrupted=previous.HasField("lease"))
        try:
            with budgets.translated(leased.reservation.caller):
                return await self._generations.commit(unit)
        except StorageServiceError:
            self._leased_without_call[leased.generation.id] = leased.generation.attempts
            raise

    def _without_unused_lease(self, record: GenerationRecord) -> GenerationRecord:
        """Return the record without a lease of this process that no call followed."""
        attempts = self._leased_without_call.pop(record.generation.id, None)
        own = record.HasField("lease") and record.lease.owner == self._policy.owner
        return states.released_before_call(record) if own and record.generation.attempts == attempts else record

    async def _call(
        self, call: Callable[[ProviderRequest], Awaitable[ProviderResult]], request: ProviderRequest
    ) -> ProviderResult:
        """Call GetImg.AI. An unexpected exception ends the generation: the call may have been billed."""
        try:
            return await call(request)
        except ServiceError:
            raise
        except Exception as error:
            log.exception("unexpected error during a call to GetImg.AI", model=request.model)
            raise GenerationError("internal error; the logs have the details") from error

    async def _hand_over(self, record: GenerationRecord, result: ProviderResult) -> Settlement | Generated:
        """Make a billed result durable: in the record or, if that is impossible, in the job that stores the picture.

        While neither is possible the job stays unacknowledged: if it were returned, the picture would be billed again.
        """
        while True:
            try:
                return Generated(await self._generations.update(states.storing(record, result)))
            except (StorageServiceError, VersionConflict) as problem:
                log.warning("provider result not stored in its record", problem=problem.message)
            if await self._publish(record, result):
                return Ack()
            await asyncio.sleep(HOLD_SECONDS)

    async def _publish(self, record: GenerationRecord, result: ProviderResult) -> bool:
        """Publish the store job of a result, and return whether the hub accepted it."""
        job = jobs.store_job(record, result)
        for _ in range(PUBLISH_ATTEMPTS):
            if await self._hub.publish(job, timeout=PUBLISH_SECONDS) is Outcome.CONFIRMED:
                return True
        log.warning("store job not accepted by the hub", generation_id=record.generation.id)
        return False

    async def _after_failure(
        self, record: GenerationRecord, failure: ServiceError, previous: GenerationRecord
    ) -> Settlement | Generated:
        sent, generation = not isinstance(failure, CallNotSent), record.generation
        # GetImg.AI bills no call that it refused. A lease that is not ours is that of an interrupted call.
        refused = not sent or bool(failure.metadata) or isinstance(failure, errors.GetimgNotConfigured)
        maybe_billed = record.HasField("lease") if record is previous else not refused
        started = generation.start_time.ToMilliseconds() / 1000 if generation.HasField("start_time") else None
        elapsed = time.time() - started if started is not None else None
        delay = delay_before_next_call(
            failure,
            sent=sent,
            attempts=generation.attempts - len(record.tries),
            elapsed=elapsed,
            limits=self._policy.limits,
        )
        if delay is None:
            # Without a lease of its own, another process may be calling GetImg.AI.
            return await self._give_up(record, failure, if_unchanged=record is previous, maybe_billed=maybe_billed)
        if record is not previous:  # else the lease is that of an interrupted call, which may have been billed
            release = states.released_after_call if sent else states.released_before_call
            await self._generations.update(release(record))
        return Retry(delay, failure.message)

    async def _give_up(
        self, record: GenerationRecord, failure: ServiceError, *, if_unchanged: bool = False, maybe_billed: bool
    ) -> Settlement | Generated:
        """Keep the best picture that there is, although another one was wanted; without any, fail."""
        if record.tries:
            log.warning("no better picture", generation_id=record.generation.id, problem=failure.message)
            return Generated(await self._generations.update(states.settled(record, maybe_billed=maybe_billed)))
        await self._generations.fail(record, failure, if_unchanged=if_unchanged, maybe_billed=maybe_billed)
        return Ack()

    def _foreign_lease_seconds(self, record: GenerationRecord) -> float:
        """Return how long another process holds the lease, or 0 if none does."""
        if not record.HasField("lease") or record.lease.owner == self._policy.owner:
            return 0.0
        return max(0.0, record.lease.expire_time.ToMilliseconds() / 1000 - time.time())
