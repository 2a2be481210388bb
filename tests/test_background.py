"""Background tasks end when their block does."""

from __future__ import annotations

import asyncio

from image_grpc.background import background, end_tasks


async def test_work_runs_until_its_block_ends() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with background(work(), name="work"):
        await started.wait()
        assert not ended.is_set()
    assert ended.is_set()


async def test_a_task_ends_although_it_survives_a_cancellation() -> None:
    """aiormq turns the cancellation of a call into a connection error, which a loop handles like any other."""
    started = asyncio.Event()

    async def call_of_aiormq() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError as cancelled:
            raise ConnectionError from cancelled

    async def work() -> None:
        try:
            await call_of_aiormq()
        except ConnectionError:
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    await end_tasks([task])
    assert task.cancelled()


async def test_all_tasks_have_ended() -> None:
    tasks = [asyncio.create_task(asyncio.Event().wait()) for _ in range(3)]
    await end_tasks([])
    await end_tasks(tasks)
    assert all(task.cancelled() for task in tasks)
