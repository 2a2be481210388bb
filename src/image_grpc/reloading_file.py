"""Files with keys and certificates, which operators replace while the service runs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from image_grpc.settings import InvalidSettings

T = TypeVar("T")

CHECK_SECONDS = 1.0
"""Minimum interval between checks of a file."""

log = structlog.get_logger(__name__)

State = list[tuple[int, int, int]]
"""Time of the last change, size and inode of each file."""


class ReloadingFile(Generic[T]):
    """The parsed content of files, which are read again after a change. While they are invalid, the previous content
    is kept."""

    def __init__(self, parse: Callable[..., T], *paths: Path) -> None:
        """`parse` gets the bytes of each file, and raises ValueError. Raises InvalidSettings."""
        self._parse, self._paths = parse, paths
        self._checked = time.monotonic()
        try:
            self._state: State | None = self._current_state()
            self._content = self._read()
        except (OSError, ValueError) as problem:
            raise InvalidSettings(f"{self._names}: {problem}") from problem

    def content(self, *, fresh: bool = False) -> T:
        """Return the content; if `fresh`, check for changes now."""
        now = time.monotonic()
        if fresh or now - self._checked >= CHECK_SECONDS:
            self._checked = now
            self._reload()
        return self._content

    def _reload(self) -> None:
        """Read the files if they have changed since the last attempt."""
        try:
            state: State | None = self._current_state()  # before reading, so that a later change is noticed
        except OSError:
            state = None
        if state == self._state:
            return
        self._state = state
        try:
            self._content = self._read()
        except (OSError, ValueError) as problem:
            log.error("file not reloaded, keeping the previous content", file=self._names, problem=str(problem))
        else:
            log.info("file reloaded", file=self._names)

    def _current_state(self) -> State:
        stats = (path.stat() for path in self._paths)
        return [(each.st_mtime_ns, each.st_size, each.st_ino) for each in stats]

    def _read(self) -> T:
        return self._parse(*(path.read_bytes() for path in self._paths))

    @property
    def _names(self) -> str:
        return ", ".join(map(str, self._paths))
