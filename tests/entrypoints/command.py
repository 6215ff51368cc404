"""The command `aihub` as a process of its own, with nothing of the caller's environment."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AIHUB = [sys.executable, "-m", "entrypoints.cli"]


def environment(data_dir: Path, **env: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), **env}


def process(data_dir: Path, *words: str, stdin: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*AIHUB, *words],
        input=stdin,
        env=environment(data_dir, **env),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
