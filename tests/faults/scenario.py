"""What can be done to a platform."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import grpc

from image_grpc_testkit.proxy import Proxy
from tests.faults.callers import PAUSE_SECONDS, Diary, drawing_now
from tests.faults.platform import Platform, Program

AWAY_SECONDS = 2.0


async def cut_often(proxies: Sequence[Proxy], *, times: int, every: float, choice: random.Random | None = None) -> None:
    """Cuts all connections of the proxies again and again; with `choice`, one of each proxy at a time."""
    for _ in range(times):
        for proxy in proxies:
            if choice is None:
                proxy.cut()
            else:
                proxy.cut_random(choice)
        await asyncio.sleep(every)


async def kill_and_start(platform: Platform, program: Program, diary: Diary) -> None:
    """Kills a process, and starts it anew after a moment."""
    others = [server for server in platform.servers if server.program is not program]
    if len(others) < len(platform.servers):
        # Nothing may move between the look at what is in its hands and its end.
        program.pause()
        while True:
            try:
                diary.in_hand_at_a_kill |= await drawing_now(others[0])
                break
            except grpc.aio.AioRpcError:
                await asyncio.sleep(PAUSE_SECONDS)
    await program.kill()
    await asyncio.sleep(AWAY_SECONDS)
    await program.start_until_ready()
