"""Values of JSON documents that somebody else wrote, of the types that they should have."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

MAX_VALUES = 500_000
"""Most values of a document: what reads them takes memory for each."""
MAX_NUMBER = 1e6
"""Largest number that is a coordinate or a size in any unit."""
MAX_TEXT = 2000
MAX_ITEMS = 20_000
"""Most items of a list."""
Document = Mapping[str, Any]


class BadFile(Exception):
    """The file is not what it should be."""


def parse(data: bytes) -> Document:
    """Return a JSON object. Raises BadFile."""
    if sum(data.count(mark) for mark in (b"[", b"{", b",")) > MAX_VALUES:
        raise BadFile(f"must have at most {MAX_VALUES} values")
    try:
        document = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise BadFile(f"must be JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadFile("must be a JSON object")
    return document


def number(value: object, path: str) -> float:
    """Return a number. Raises BadFile."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadFile(f"{path} must be a number")
    if abs(value) > MAX_NUMBER:
        raise BadFile(f"{path} must be at most {MAX_NUMBER:g}")
    return float(value)


def whole(value: object, path: str) -> int:
    """Return a whole number. Raises BadFile."""
    result = number(value, path)
    if not result.is_integer():
        raise BadFile(f"{path} must be a whole number")
    return int(result)


def point(value: object, path: str) -> tuple[float, float]:
    """Return the coordinates of an object with x and y. Raises BadFile."""
    fields = mapping(value, path)
    return number(fields.get("x"), f"{path}.x"), number(fields.get("y"), f"{path}.y")


def mapping(value: object, path: str) -> Document:
    """Return an object. Raises BadFile."""
    if not isinstance(value, dict):
        raise BadFile(f"{path} must be an object")
    return value


def text(value: object) -> str:
    """Return the first MAX_TEXT characters of a text, without those that cannot be stored; none of anything else."""
    if not isinstance(value, str):
        return ""
    return "".join(each if each.isprintable() else " " for each in value[:MAX_TEXT]).strip()


def items(document: Document, key: str) -> list[Any]:
    """Return a list; an empty one if it is missing. Raises BadFile, also for one that is too long."""
    value = document.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadFile(f"{key} must be a list")
    if len(value) > MAX_ITEMS:
        raise BadFile(f"{key} must have at most {MAX_ITEMS} items")
    return value


def objects(document: Document, key: str) -> Iterator[tuple[Document, str]]:
    """Yield the objects in a list and their paths. Raises BadFile."""
    for index, value in enumerate(items(document, key)):
        if value is not None:  # donjon numbers its rooms from 1
            yield mapping(value, f"{key}[{index}]"), f"{key}[{index}]"
