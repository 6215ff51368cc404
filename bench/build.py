"""Compiles the two C programs, `stub.c` and `load.c`, into a folder of the caller's."""

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parent


class BuildError(Exception):
    """The programs cannot be built; the message contains the reason and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Programs:
    """The paths of the built programs."""

    stub: Path
    load: Path


def compiler() -> list[str]:
    """The C compiler of this machine: `$CC`, else `cc`."""
    command = shlex.split(os.environ.get("CC", "cc"))
    if not command or shutil.which(command[0]) is None:
        raise BuildError(
            f"No C compiler: {' '.join(command) or 'CC'!r} is not on the PATH. The stub provider and the load "
            "generator are C programs; install one (Debian: apt-get install gcc libc6-dev) or name it: CC=clang."
        )
    return command


def build(folder: Path) -> Programs:
    """Compile both programs into `folder`."""
    command = compiler()
    for name in ("stub", "load"):
        source = SOURCES / f"{name}.c"
        argv = [*command, "-O2", "-Wall", "-Wextra", "-o", str(folder / name), str(source)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise BuildError(f"{' '.join(argv)} failed (the programs need Linux):\n{done.stderr.strip()}")
    return Programs(stub=folder / "stub", load=folder / "load")
