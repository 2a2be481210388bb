"""Clocks of other hosts."""

from image_grpc.app.doctor.findings import Finding, ok, warning

MAX_SKEW_SECONDS = 2.0


def judge_clock(host: str, skew: float) -> Finding:
    """Return a finding about a clock that is ahead of this host's by `skew` seconds."""
    subject = f"clock of {host}"
    if abs(skew) <= MAX_SKEW_SECONDS:
        return ok(subject, "agrees with this host's")
    return warning(subject, f"is {skew:+.1f} s off that of this host", "check NTP on both hosts")
