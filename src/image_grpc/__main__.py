"""`python -m image_grpc` is the `image-grpc` command."""

import atexit
import contextlib
import gc
import os
import sys

GC_ALLOCATIONS = 10_000
"""Objects that are allocated between two garbage collections.

Python's default of 700 is a few calls, whose objects are freed without a collection.
"""


def run() -> None:
    """Run the command, and end the process with its exit code."""
    gc.set_threshold(GC_ALLOCATIONS)
    from image_grpc.cli import main  # after that, because importing allocates much

    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        # Without finalizing the interpreter: on Python 3.11, a thread of a native library that asks for the interpreter
        # meanwhile aborts the process, seen as exit code -6 of a command that had succeeded.
        atexit._run_exitfuncs()
        with contextlib.suppress(OSError):  # nobody reads the output any more
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    run()
