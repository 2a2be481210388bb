"""Concurrent requests share a transaction, and do not notice it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from tabletop.storage.v1.storage_pb2 import Batch, StorageChanged, StoreRequest

from image_grpc.errors import RequestIdReused, ServiceError, VersionConflict
from image_grpc.hub import Delivery, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.storage import ImageStorageClient
from image_grpc.storage_service import changes, records
from image_grpc.storage_service.changes import ChangeExecutor
from image_grpc.storage_service.group_commit import GroupCommit
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.collections import store_one
from image_grpc_testkit.contracts.records import an_image, new_id
from image_grpc_testkit.contracts.storage_testkit import StartStorage, matching, subscribed
from image_grpc_testkit.eventually import eventually


class Commits:
    """Groups as they are committed. Requests that are negative fail."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may_commit = asyncio.Event()

    async def commit(self, requests: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(requests))
        await self.may_commit.wait()
        return [ValueError(str(request)) if request < 0 else request * 2 for request in requests]

    def group_commit(self, **limits: int) -> GroupCommit[int, int]:
        return GroupCommit(self.commit, **{"max_requests": 10, "max_bytes": 10_000} | limits, size=abs)


async def test_requests_that_arrive_during_a_commit_share_the_next_one() -> None:
    commits = Commits()
    group = commits.group_commit()
    results = [asyncio.create_task(group.submit(number)) for number in range(5)]
    await eventually(lambda: bool(commits.groups), "the first commit begins")
    results += [asyncio.create_task(group.submit(number)) for number in range(5, 8)]
    await asyncio.sleep(0)
    commits.may_commit.set()
    assert await asyncio.gather(*results) == [number * 2 for number in range(8)]
    assert commits.groups == [[0, 1, 2, 3, 4], [5, 6, 7]]


@given(sizes=st.lists(st.integers(1, 20), max_size=30), max_requests=st.integers(1, 5), max_bytes=st.integers(1, 40))
def test_groups_keep_the_order_and_the_limits(sizes: list[int], max_requests: int, max_bytes: int) -> None:
    commits = Commits()

    async def submit_all() -> list[int]:
        commits.may_commit.set()
        group = commits.group_commit(max_requests=max_requests, max_bytes=max_bytes)
        return await asyncio.gather(*(group.submit(size) for size in sizes))

    assert asyncio.run(submit_all()) == [size * 2 for size in sizes]
    assert [size for group in commits.groups for size in group] == sizes
    for group in commits.groups:
        assert len(group) <= max_requests
        assert sum(group) <= max_bytes or len(group) == 1


async def test_a_failure_and_a_cancelled_caller_concern_only_their_own_request() -> None:
    commits = Commits()
    group = commits.group_commit()
    fine, failing, cancelled = (asyncio.create_task(group.submit(number)) for number in (1, -1, 2))
    await eventually(lambda: bool(commits.groups), "the commit begins")
    cancelled.cancel()
    commits.may_commit.set()
    assert await fine == 2
    with pytest.raises(ValueError, match="-1"):
        await failing
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert await group.submit(3) == 6


async def test_stopping_cancels_the_callers_without_a_result() -> None:
    commits = Commits()
    group = commits.group_commit(max_requests=1)
    running, waiting = (asyncio.create_task(group.submit(number)) for number in (1, 2))
    await eventually(lambda: bool(commits.groups), "the commit begins")
    assert group.unfinished == 2
    await group.stop()
    for submitted in (running, waiting):
        with pytest.raises(asyncio.CancelledError):
            await submitted
    assert group.unfinished == 0


async def test_a_commit_that_raises_fails_its_requests_and_no_others() -> None:
    calls = 0

    async def commit(requests: Sequence[int]) -> list[int | Exception]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("the disk is full")
        return list(requests)

    group = GroupCommit[int, int](commit, max_requests=1, max_bytes=1, size=lambda _: 1)
    failed, fine = await asyncio.gather(group.submit(1), group.submit(2), return_exceptions=True)
    assert isinstance(failed, OSError)
    assert fine == 2


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the groups of puts that share a transaction."""
    sizes, put = list[int](), ChangeExecutor._put

    def counted(self: ChangeExecutor, connection: Connection, requests: Any) -> Any:
        sizes.append(len(requests))
        return put(self, connection, requests)

    monkeypatch.setattr(ChangeExecutor, "_put", counted)
    return sizes


async def test_concurrent_puts_share_transactions(start_storage: StartStorage, groups: list[int]) -> None:
    storage = await start_storage()
    images = [an_image() for _ in range(30)]
    stored = await asyncio.gather(*(storage.store_image(image) for image in images))
    assert [each.id for each in stored] == [image.id for image in images]
    assert {each.version for each in stored} == {1}
    assert sum(groups) == 30
    assert len(groups) < 15
    assert await storage.client.images.retrieve(images[7].id) == stored[7]


async def test_changes_that_share_a_transaction_share_an_event(start_storage: StartStorage, groups: list[int]) -> None:
    storage = await start_storage()
    images = [an_image() for _ in range(30)]
    async with subscribed(storage, topology.STORAGE_CHANGED) as events:
        await asyncio.gather(*(storage.store_image(image) for image in images))
        await eventually(lambda: len(changed_ids(events)) == 30, "all changes are reported")
    assert sorted(changed_ids(events)) == sorted(image.id for image in images)
    assert len(events) == len(groups)
    for event in events:
        reported = envelopes.payload(event.envelope, StorageChanged)
        assert event.envelope.correlation_id == reported.storage_correlation_id
        assert (reported.storage_correlation_id == "") == (len(reported.changes) > 1)


async def test_an_event_has_a_limit_and_all_changes_of_an_operation(
    start_storage: StartStorage, groups: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MAX_EVENT_BYTES", 1)
    storage = await start_storage()
    puts = [[storage.client.images.put(an_image()) for _ in range(2)] for _ in range(10)]
    async with subscribed(storage, topology.STORAGE_CHANGED) as events:
        await asyncio.gather(*(storage.client.store(pair) for pair in puts))
        await eventually(lambda: len(changed_ids(events)) == 20, "all changes are reported")
    assert max(groups) > 1
    assert {tuple(changed_ids([event])) for event in events} == {
        tuple(put.record.key.id for put in pair) for pair in puts
    }


def changed_ids(events: Sequence[Delivery]) -> list[str]:
    reported = (envelopes.payload(event.envelope, StorageChanged) for event in events)
    return [change.key.id for event in reported for change in event.changes]


async def test_a_request_without_effect_leaves_the_others_of_its_group_alone(
    start_storage: StartStorage, groups: list[int]
) -> None:
    storage = await start_storage()
    client = storage.client.images
    existing = await storage.store_image(an_image())
    images = [an_image() for _ in range(8)]
    puts = [client.put(image) for image in images]
    conflicting_id = new_id()

    async def conflict() -> None:
        # Its first put is possible, and must have no effect either.
        both = [client.put(an_image()), client.put_if_absent(existing)]
        with pytest.raises(VersionConflict):
            await storage.client.store(both, storage_correlation_id=conflicting_id)

    around = [store_one(client, put) for put in puts]
    await asyncio.gather(*around[:4], conflict(), *around[4:])
    assert max(groups) > 1
    assert await client.count(matching()) == 9
    # Its id was not used up.
    [stored] = await storage.client.store([client.put(an_image())], storage_correlation_id=conflicting_id)
    assert stored.key.version == 1


async def test_requests_of_a_group_see_each_other(start_storage: StartStorage, groups: list[int]) -> None:
    storage = await start_storage()
    client = storage.client.images
    image = await storage.store_image(an_image())
    outcomes = await asyncio.gather(
        *(store_one(client, client.put_at_version(image, version)) for version in (1, 2, 3, 3, 4)),
        return_exceptions=True,
    )
    assert max(groups) > 1
    assert [each.version if not isinstance(each, BaseException) else type(each) for each in outcomes] == [
        *(2, 3, 4),
        VersionConflict,
        5,
    ]


async def test_equal_requests_of_a_group_have_one_effect(start_storage: StartStorage) -> None:
    storage = await start_storage()
    client, id_ = storage.client.images, new_id()
    put, other = client.put(an_image()), client.put(an_image())
    same = [storage.client.store([put], storage_correlation_id=id_) for _ in range(3)]
    reused = storage.client.store([other], storage_correlation_id=id_)
    *responses, failure = await asyncio.gather(*same, reused, return_exceptions=True)
    assert responses[0] == responses[1] == responses[2]
    assert isinstance(failure, RequestIdReused)
    assert await client.count(matching()) == 1


@pytest.mark.parametrize("failure", [IntegrityError("INSERT", {}, Exception("refused")), KeyError("a bug")], ids=repr)
async def test_a_request_that_cannot_be_applied_does_not_fail_the_others(
    start_storage: StartStorage, groups: list[int], monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    storage = await start_storage()
    images = [an_image() for _ in range(5)]
    write = records.Puts.write

    def refuse_one(self: records.Puts) -> None:
        if any(row["id"] == images[2].id for row in self._versions):
            raise failure
        write(self)

    monkeypatch.setattr(records.Puts, "write", refuse_one)
    # A request that triggers a bug has no reply. Only its client gives up soon: the others may wait on a slow machine.
    impatient = ImageStorageClient(storage.hub, Telemetry(), timeout=1.0)
    clients = [impatient if image is images[2] else storage.client for image in images]
    puts = (store_one(client.images, client.images.put(image)) for client, image in zip(clients, images, strict=True))
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    assert max(groups) > 1
    assert [isinstance(each, ServiceError) for each in outcomes] == [False, False, True, False, False]
    assert await storage.client.images.count(matching()) == 4


async def test_too_many_waiting_requests_are_refused_for_the_moment(
    start_storage: StartStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MAX_UNFINISHED", 0)
    storage = await start_storage()
    batch = Batch(puts=[storage.client.images.put(an_image())])
    request = StoreRequest(storage_correlation_id=new_id(), batch=batch)
    error = await storage.request_error(topology.STORE, request)
    assert (error.code, error.details.retryable) == ("STORAGE_SERVICE_ERROR", True)
