"""A runner of commands: it carries out `aihub` commands, each in a process of its own, as a shell would.

An interpreter that starts and imports costs many times what a command does. So one that has imported everything stands
by for all hubs of a test run, and every command is a fork of it: with an environment, standard streams and an end of its
own, and nothing left of the command before.

    reported = command_runner().run(["user", "add", "ann"], env={"DATA_DIR": ...})
"""

import atexit
import functools
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60
OF_EVERY_COMMAND = (
    "adapters.price_book.shipped",
    "adapters.storage.sqlite.storage",
    "adapters.system",
    "adapters.vault",
    "entrypoints.cli.run",
    "entrypoints.wiring",
)


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended, and what it printed."""

    exit_code: int
    out: str
    err: str


class CommandRunner:
    """The process that stands by; commands are carried out one after another."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.command_runner"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # an interrupt from the terminal is for the tests
        )

    def run(self, words: Sequence[str], env: Mapping[str, str], secret: str = "") -> Reported:
        """Carry out one command; `secret` is what it reads from standard input."""
        wanted = json.dumps({"words": list(words), "env": dict(env), "secret": secret}).encode()
        requested, said = self._process.stdin, self._process.stdout
        assert requested is not None
        assert said is not None
        with self._turn:
            requested.write(wanted + b"\n")
            requested.flush()
            answer = said.readline()
        assert answer, "the command runner has ended; standard error has its last output"
        return msgspec.json.decode(answer, type=Reported)

    def close(self) -> None:
        """Let the process end, as it does when nobody can ask it any more."""
        self._process.communicate()


@functools.cache
def command_runner() -> CommandRunner:
    """The command runner of this test run."""
    made = CommandRunner()
    atexit.register(made.close)
    return made


def _stand_by() -> None:
    for module in OF_EVERY_COMMAND:
        importlib.import_module(module)
    for line in sys.stdin.buffer:
        with tempfile.TemporaryFile() as requested, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            wanted = json.loads(line)
            requested.write(wanted["secret"].encode())
            requested.seek(0)
            exit_code = _carried_out(wanted["words"], wanted["env"], (requested, out, err))
            reported = Reported(exit_code=exit_code, out=_read(out), err=_read(err))
        sys.stdout.buffer.write(msgspec.json.encode(reported) + b"\n")
        sys.stdout.buffer.flush()


def _carried_out(words: list[str], env: dict[str, str], streams: tuple[IO[bytes], ...]) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
    os.environ.clear()
    os.environ.update(env)
    signal.alarm(TIMEOUT_S)  # which ends the process
    os._exit(_exit_code(words))


def _exit_code(words: list[str]) -> int:
    from entrypoints.cli import main

    try:
        code: Any = main(words)
    except SystemExit as left:
        code = left.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def _read(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()


if __name__ == "__main__":
    _stand_by()
