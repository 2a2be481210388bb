"""Files with keys and certificates, which operators replace while the service runs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from image_grpc.settings import InvalidSettings

T = TypeVar("T")

CHECK_SECONDS = 1.0
"""A file is looked at this often at most."""

log = structlog.get_logger(__name__)


class ReloadingFile(Generic[T]):
    """What files contain. They are read again when one of them has changed; until they are valid, the former content
    holds."""

    def __init__(self, parse: Callable[..., T], *paths: Path) -> None:
        """`parse` gets the bytes of each file, and raises ValueError. Raises InvalidSettings."""
        self._parse, self._paths = parse, paths
        self._checked = time.monotonic()
        try:
            self._state, self._content = self._read()
        except (OSError, ValueError) as problem:
            raise InvalidSettings(f"{self._names}: {problem}") from problem

    def content(self, *, fresh: bool = False) -> T:
        """Return the content; if `fresh`, with a change of this moment."""
        now = time.monotonic()
        if fresh or now - self._checked >= CHECK_SECONDS:
            self._checked = now
            self._reload()
        return self._content

    def _reload(self) -> None:
        try:
            if self._stat() == self._state:
                return
            self._state, self._content = self._read()
        except (OSError, ValueError) as problem:
            log.error("file not reloaded, its former content holds", file=self._names, problem=str(problem))
        else:
            log.info("file reloaded", file=self._names)

    def _read(self) -> tuple[list[tuple[int, int, int]], T]:
        state = self._stat()  # before reading: a later change is noticed at the next check
        return state, self._parse(*(path.read_bytes() for path in self._paths))

    def _stat(self) -> list[tuple[int, int, int]]:
        stats = (path.stat() for path in self._paths)
        return [(each.st_mtime_ns, each.st_size, each.st_ino) for each in stats]

    @property
    def _names(self) -> str:
        return ", ".join(map(str, self._paths))
