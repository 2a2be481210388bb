"""Failed calls that cannot be stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from tabletop.image.v1.audit_pb2 import AuditedCall, AuditEntry
from tabletop.storage.v1.storage_pb2 import Put

from image_grpc.audit import FailedCalls, failures
from image_grpc.errors import InvalidArgument, StorageServiceError
from image_grpc.telemetry_counters import Counters
from image_grpc_testkit.eventually import eventually

CALL = AuditedCall(caller="walter", method="ImageService.DeleteImage")


class Log:
    """An audit log that raises what `failure` returns, if that is not None."""

    def __init__(self, failure: Callable[[], Exception | None]) -> None:
        self._failure = failure
        self.ids: list[str] = []
        self.stored: list[Put] = []

    def put(self, entry: AuditEntry) -> Put:
        return Put()

    async def append(self, puts: Iterable[Put], *, storage_correlation_id: str) -> None:
        self.ids.append(storage_correlation_id)
        if (failure := self._failure()) is not None:
            raise failure
        self.stored += puts


class Storage:
    """Storage with nothing but an audit log."""

    def __init__(self, failure: Callable[[], Exception | None]) -> None:
        self.audit_log = Log(failure)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "INTERVAL_SECONDS", 0.01)


def failed_calls(storage: Any) -> tuple[FailedCalls, Counters]:
    counters = Counters()
    return FailedCalls(storage, counters), counters


async def test_while_a_dependency_fails_the_same_batch_is_stored_again() -> None:
    broken = True
    storage = Storage(lambda: StorageServiceError("no reply") if broken else None)
    calls, counters = failed_calls(storage)
    calls.add(CALL, "IMAGE_NOT_FOUND", "")
    running = asyncio.create_task(calls.run())
    await eventually(lambda: len(storage.audit_log.ids) == 3, "three attempts")
    calls.add(CALL, "PERMISSION_DENIED", "")
    broken = False
    await eventually(lambda: len(storage.audit_log.stored) == 2, "both are stored")
    assert len(set(storage.audit_log.ids)) == 2
    assert counters.audit_entries_lost == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_the_storage_service_refuses_is_lost_and_does_not_hold_up_the_rest() -> None:
    refused = [InvalidArgument("no")]
    storage = Storage(lambda: refused.pop() if refused else None)
    calls, counters = failed_calls(storage)
    calls.add(CALL, "IMAGE_NOT_FOUND", "")
    running = asyncio.create_task(calls.run())
    await eventually(lambda: counters.audit_entries_lost == 1, "the loss is counted")
    calls.add(CALL, "IMAGE_NOT_FOUND", "")
    await eventually(lambda: len(storage.audit_log.stored) == 1, "the next one is stored")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_process_that_stops_tries_for_a_moment_and_counts_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "INTERVAL_SECONDS", 3600.0)
    monkeypatch.setattr(failures, "LAST_SECONDS", 0.3)
    storage = Storage(lambda: StorageServiceError("no reply"))
    calls, counters = failed_calls(storage)
    running = asyncio.create_task(calls.run())
    await asyncio.sleep(0)
    calls.add(CALL, "IMAGE_NOT_FOUND", "")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert counters.audit_entries_lost == 1
    assert 1 <= len(storage.audit_log.ids) <= 4
