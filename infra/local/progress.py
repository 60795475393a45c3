"""What `make run` says: one line per step with its seconds."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 58


def say(text: str = "") -> None:
    print(text, flush=True)  # noqa: T201  the program's voice


def complain(text: str) -> None:
    print(f"\nmake run: {text}", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what begins, then how long it took."""
    print(f"  {what} ".ljust(WIDTH, "."), end="", flush=True)  # noqa: T201
    begun = time.monotonic()
    try:
        yield
    except BaseException:
        print(" failed", flush=True)  # noqa: T201
        raise
    print(f"{time.monotonic() - begun:6.1f} s", flush=True)  # noqa: T201
