"""Versions of the programs that the service uses, and their judgment."""

import re

from image_grpc.app.doctor.findings import Finding, ok, warning

RABBITMQ = (3, 12)
"""Earlier brokers apply one consumer timeout to all queues."""
POSTGRESQL = (14,)
"""Earlier servers get no more fixes."""


def judge(subject: str, name: str, version: str, oldest: tuple[int, ...]) -> Finding:
    """Return a finding about the version of a program, for example `3.10.8`."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", version.partition(" ")[0]))
    if numbers and numbers < oldest:
        recommended = ".".join(map(str, oldest))
        text = f"{name} {version} is older than {recommended}"
        return warning(subject, text, f"upgrade to {name} {recommended} or later; see docs/operations.md")
    return ok(subject, f"{name} {version}")
