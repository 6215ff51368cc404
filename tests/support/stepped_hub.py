"""The hub on a machine whose clock somebody steps: `python -m tests.support.stepped_hub serve …`.

The system's clock cannot be set for one program, so `time.time` and `time.time_ns` are those of the machine plus the
milliseconds that the file named by STEPPED_CLOCK contains. The monotonic clock goes on as ever.
"""

import mmap
import os
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

ENVIRONMENT = "STEPPED_CLOCK"
_FORM = struct.Struct("q")


def step(file: Path, offset_ms: int) -> None:
    """Set the clocks of all hubs that were started with this file so far from the machine's."""
    new = file.with_suffix(".new")
    if file.exists():
        with file.open("r+b") as there:
            there.write(_FORM.pack(offset_ms))
        return
    new.write_bytes(_FORM.pack(offset_ms))
    new.rename(file)


def _use(file: Path) -> None:
    with file.open("rb") as there:
        shown = mmap.mmap(there.fileno(), _FORM.size, access=mmap.ACCESS_READ)
    real: Callable[[], int] = time.time_ns

    def time_ns() -> int:
        (offset_ms,) = _FORM.unpack(shown[:])
        return real() + int(offset_ms) * 1_000_000

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 10**9


if __name__ == "__main__":
    _use(Path(os.environ[ENVIRONMENT]))
    from entrypoints.cli import main

    sys.exit(main())
