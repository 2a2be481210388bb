"""Totals that metrics and the status report."""

import time
from dataclasses import dataclass
from decimal import Decimal


@dataclass(slots=True)
class Counters:
    """Totals since the process started."""

    images_generated: int = 0
    generations_failed: int = 0
    generations_unfinished: int = 0
    """Jobs that this process has accepted and not finished."""
    generations_stalled: int = 0
    """Generations of all processes that were queued again because nothing happened, and are still unfinished."""
    generations_requeued: int = 0
    cost: Decimal = Decimal(0)
    """What GetImg.AI charged for the pictures, in USD."""
    oldest_unfinished: float | None = None
    """When the oldest of the generations was created that are unfinished for long, in seconds since 1970."""
    interrupted_calls: int = 0
    """Calls of GetImg.AI that were found interrupted, because their process had ended. They may have been billed."""
    interrupted_cost: Decimal = Decimal(0)
    """Their expected cost, in USD."""
    audit_entries_lost: int = 0
    """Entries of the audit log about failed calls that were too many to store."""
    cache_hits: int = 0
    cache_misses: int = 0

    @property
    def error_rate(self) -> float:
        """Share of the finished generations that failed, 0 to 1."""
        return _share(self.generations_failed, self.generations_failed + self.images_generated)

    @property
    def cache_hit_rate(self) -> float:
        """Share of the reads that the cache served, 0 to 1."""
        return _share(self.cache_hits, self.cache_hits + self.cache_misses)

    @property
    def oldest_unfinished_age(self) -> float:
        """Age of the oldest unfinished generation in seconds; 0 if none is older than those that may be stalled."""
        return time.time() - self.oldest_unfinished if self.oldest_unfinished is not None else 0.0


def _share(part: int, total: int) -> float:
    return part / total if total else 0.0
