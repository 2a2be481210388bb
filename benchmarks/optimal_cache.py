"""The best possible cache of a size: it knows the future.

L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", 1966. It keeps what is used soonest,
and does not take in what is used later than all that it keeps. This is exact for entries of the same size.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

NEVER = 1 << 60


def hits(keys: Sequence[int], capacity: int, *, start: int) -> int:
    """Return how many reads from position `start` on such a cache of `capacity` entries serves."""
    next_uses = _next_uses(keys)
    cached: dict[int, int] = {}
    """The next use of each entry."""
    latest: list[tuple[int, int]] = []
    """A heap of entries by their next use, latest first; entries whose next use has changed are in it twice."""
    count = 0
    for position, (key, next_use) in enumerate(zip(keys, next_uses, strict=True)):
        if key in cached:
            count += position >= start
        elif len(cached) == capacity:
            while cached.get(latest[0][1]) != -latest[0][0]:
                heapq.heappop(latest)
            if next_use >= -latest[0][0]:
                continue
            del cached[heapq.heappop(latest)[1]]
        cached[key] = next_use
        heapq.heappush(latest, (-next_use, key))
    return count


def _next_uses(keys: Sequence[int]) -> list[int]:
    """Return for each position the next one with the same key."""
    result = [NEVER] * len(keys)
    following: dict[int, int] = {}
    for position in range(len(keys) - 1, -1, -1):
        result[position] = following.get(keys[position], NEVER)
        following[keys[position]] = position
    return result
