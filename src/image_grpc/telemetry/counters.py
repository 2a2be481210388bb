"""The counters that GetStatus reports and the metrics read."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Totals since the process started."""

    images_generated: int = 0
    generations_failed: int = 0
    generations_unfinished: int = 0
    """Jobs that this process has accepted and not finished."""
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


def _share(part: int, total: int) -> float:
    return part / total if total else 0.0
