"""A plain Dramatiq worker that makes pictures: the same call, download, fit and write, without our guarantees.

Run it with `dramatiq benchmarks.peers.dramatiq_worker`. Its environment: PEER_HUB_URL, PEER_DATABASE (a libpq URL),
PEER_GETIMG_URL, PEER_KEY, PEER_FOLDER.
"""

from __future__ import annotations

import os
import threading
import uuid
from pathlib import Path

import dramatiq
import httpx
import psycopg
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from benchmarks.bare_picture import API_PATH, api_request, fit
from benchmarks.peers import ACTOR, QUEUE

dramatiq.set_broker(RabbitmqBroker(url=os.environ["PEER_HUB_URL"]))
_http = httpx.Client(timeout=120, limits=httpx.Limits(max_connections=None))
_local = threading.local()


@dramatiq.actor(queue_name=QUEUE, actor_name=ACTOR)
def make_picture(side: int) -> None:
    """Generate a picture, download it, fit it, write it to a file, and insert a row."""
    headers = {"Authorization": f"Bearer {os.environ['PEER_KEY']}"}
    response = _http.post(os.environ["PEER_GETIMG_URL"] + API_PATH, json=api_request(), headers=headers)
    generated = _http.get(response.json()["data"][0]["url"]).content
    id_ = str(uuid.uuid4())
    path = Path(os.environ["PEER_FOLDER"], f"{id_}.png")
    data = fit(generated, side)
    path.write_bytes(data)
    _connection().execute("INSERT INTO picture (id, path, byte_size) VALUES (%s, %s, %s)", (id_, str(path), len(data)))


def _connection() -> psycopg.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(os.environ["PEER_DATABASE"], autocommit=True)
    connection: psycopg.Connection = _local.connection
    return connection
