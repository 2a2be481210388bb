"""Types of options that several commands have."""

import re
from datetime import UTC, datetime, timedelta

import click

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class _Age(click.ParamType[float]):
    """A time such as `90s`, `10m`, `2h` or `1d`, in seconds."""

    name = "AGE"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> float:
        match = re.fullmatch(r"(\d{1,9})([smhd])", value)
        if match is None:
            self.fail("must be for example 90s, 10m, 2h or 1d", param, context)
        return float(match[1]) * _SECONDS[match[2]]


AGE = _Age()
VERSION = click.IntRange(0, 2**63 - 1)
INTEGER = click.IntRange(-(2**31), 2**31 - 1)


class _Moment(click.ParamType[datetime]):
    """A time in ISO 8601, in UTC if it names no zone, or an age before now."""

    name = "TIME"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> datetime:
        if value[-1:] in _SECONDS and value[:-1].isdigit():
            try:
                return datetime.now(UTC) - timedelta(seconds=AGE.convert(value, param, context))
            except OverflowError:
                self.fail("is too long ago", param, context)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail("must be for example 2h, 7d, 2026-11-27 or 2026-11-27T15:00:00+01:00", param, context)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


MOMENT = _Moment()


class _Size(click.ParamType[dict[str, int]]):
    """A width and a height, such as `1024x768`."""

    name = "WIDTHxHEIGHT"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> dict[str, int]:
        match = re.fullmatch(r"(\d{1,9})x(\d{1,9})", value)
        if match is None:
            self.fail(f"{value!r} is not of the form 1024x768", param, context)
        return {"width": int(match[1]), "height": int(match[2])}


SIZE = _Size()
