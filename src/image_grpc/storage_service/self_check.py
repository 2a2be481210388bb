"""Whether a replica can write to its database and its object store."""

import asyncio
import uuid

import structlog
from obstore.store import ObjectStore
from sqlalchemy import Connection, delete, insert

from image_grpc.storage_service.database import Database, microseconds
from image_grpc.storage_service.errors import Unavailable
from image_grpc.storage_service.object_store import FAILURES, summary, write_probe
from image_grpc.storage_service.schema import applied_request

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 5.0
TIMEOUT_SECONDS = 10.0


class SelfCheck:
    """Checks periodically by writing."""

    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database, self._store = database, store
        self.problem = ""
        """Why the latest write failed; empty if it succeeded."""

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            problem = await self._check()
            if problem != self.problem:
                log.warning("write check", problem=problem or "recovered")
            self.problem = problem

    async def _check(self) -> str:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._database.write_at_once(_write)
                await write_probe(self._store)
        except TimeoutError:
            return f"a write took longer than {TIMEOUT_SECONDS:g} s"
        except Unavailable as failure:
            return f"the database: {failure}"
        except FAILURES as failure:
            return f"the object store: {summary(failure)}"
        except Exception as bug:  # the check must go on
            log.exception("self-check failed")
            return type(bug).__name__
        return ""


def _write(connection: Connection) -> None:
    """Write a row, and leave none behind."""
    id_ = str(uuid.uuid4())
    row = {"storage_correlation_id": id_, "digest": b"", "response": b"", "expire_time": microseconds()}
    connection.execute(insert(applied_request), row)
    connection.execute(delete(applied_request).where(applied_request.c.storage_correlation_id == id_))
