"""Types of options that several commands have."""

import re

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
