"""Faults that several scenarios inject."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import grpc

from image_grpc_testkit.proxy import Proxy
from tests.faults.callers import PAUSE_SECONDS, History, generating_ids
from tests.faults.platform import Platform, Program

DOWN_SECONDS = 2.0


async def cut_repeatedly(
    proxies: Sequence[Proxy], *, times: int, interval: float, rng: random.Random | None = None
) -> None:
    """Cut the connections of the proxies `times` times, every `interval` seconds.

    With `rng`, cut only one random connection of each proxy at a time.
    """
    for _ in range(times):
        for proxy in proxies:
            if rng is None:
                proxy.cut()
            else:
                proxy.cut_random(rng)
        await asyncio.sleep(interval)


async def kill_and_restart(platform: Platform, program: Program, history: History) -> None:
    """Kill a process and restart it after DOWN_SECONDS.

    Before a server is killed, the generations that it may be calling GetImg.AI for are recorded in the history.
    """
    others = [server for server in platform.servers if server.program is not program]
    if len(others) < len(platform.servers):
        # Paused, so that the set of calls in flight cannot change between reading it and the kill.
        program.pause()
        while True:
            try:
                history.in_flight_at_kill |= await generating_ids(others[0])
                break
            except grpc.aio.AioRpcError:
                await asyncio.sleep(PAUSE_SECONDS)
    await program.kill()
    await asyncio.sleep(DOWN_SECONDS)
    await program.start_until_ready()
