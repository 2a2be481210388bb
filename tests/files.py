"""Folders that cannot be written."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from image_grpc_testkit.eventually import eventually


async def replace_by_a_file(folder: Path) -> None:
    """Replace a folder by a file, so that nothing can be written there, even if somebody creates the folder again."""

    def is_a_file() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(FileExistsError):
            folder.touch(exist_ok=False)
        return folder.is_file()

    await eventually(is_a_file, f"{folder.name} is a file")
