"""Process-wide settings of libvips."""

import pyvips


def configure() -> None:
    """Turn off the operation cache: it would keep decoded pictures, and none is decoded twice. Idempotent."""
    pyvips.cache_set_max(0)
