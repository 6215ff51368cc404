"""A real hub in processes of its own, started as the README says, for tests that talk to it over sockets."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from tests.support.command_runner import ROOT, command_runner
from tests.support.journal_order import watch
from tests.support.ports import free_port

# "uvloop" is ASGI on that event loop.
Interface = Literal["asgi", "wsgi", "lambda", "uvloop"]
OWNER_KEY = "ahk_owner-key-of-the-tests-000000000000000000000"
READY_S = 30
GONE_S = 5
_AIHUB = [sys.executable, "-m", "entrypoints.cli"]


class HubProcess:
    """One hub on its own data directory: started, killed and started again at will."""

    def __init__(
        self,
        data_dir: Path,
        interface: Interface = "asgi",
        workers: int = 1,
        billed: bool = True,
        env: dict[str, str] | None = None,
        descriptors: int | None = None,
        program: Sequence[str] = _AIHUB,
    ) -> None:
        self._program = program
        self.data_dir = data_dir
        self._descriptors = descriptors
        self.interface = interface
        self.workers = workers
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = OWNER_KEY
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self.env = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(data_dir),
            "AIHUB_OWNER_KEY": OWNER_KEY,
            "CREDIT_BASED_BILLING_ENABLED": "true" if billed else "false",
            **({"AIHUB_EVENT_LOOP": "uvloop"} if interface == "uvloop" else {}),
            **(env or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str] = ()) -> None:
        """Start serving, or `command` in its place, and return when the hub says it is ready."""
        command = command or self._command()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._limited(), *command],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_until_ready()
        if (self.data_dir / "aikit.db").exists():  # else they are in a database, or in a container
            watch(self.data_dir)

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    def worker_pids(self) -> set[int]:
        """The processes that serve, without the one that watches them."""
        return set(map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()))

    def _command(self) -> list[str]:
        if self.interface == "lambda":
            return [sys.executable, "-m", "tests.support.lambda_url", str(self.port)]
        kind = "asgi" if self.interface == "uvloop" else self.interface
        options = ["--port", str(self.port), "--workers", str(self.workers), "--interface", kind]
        return [*self._program, "serve", *options]

    def _limited(self) -> list[str]:
        """What starts the hub with no more file descriptors than were given."""
        return ["sh", "-c", f'ulimit -n {self._descriptors} && exec "$@"', "sh"] if self._descriptors else []

    def kill(self) -> None:
        """SIGKILL to the process that was started; its workers must follow it by themselves, and at once."""
        if self._process is not None:
            session = self._process.pid
            self._process.kill()
            self._process.wait()
            self._process = None
            _wait_until_gone(session)

    def stop(self) -> None:
        """A graceful stop, and no process left behind whatever happens."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process = None

    def cli(self, *arguments: str, secret: str = "", exit_code: int = 0) -> Any:
        """Run one `aihub` command with `--json` and read what it prints."""
        reported = command_runner().run([*arguments, "--json"], self.env, secret)
        assert reported.exit_code == exit_code, f"aihub {' '.join(arguments)}: {reported}"
        return json.loads(reported.out) if reported.out.strip() else None

    def script(self, *commands: Sequence[str]) -> list[str]:
        """Run many commands, one after another, and give what each printed; `secret=…` first is standard input."""
        said = []
        for words in commands:
            secret = words[0].removeprefix("secret=") if words[0].startswith("secret=") else ""
            reported = command_runner().run(words[1:] if secret else words, self.env, secret)
            assert reported.exit_code == 0, f"aihub {' '.join(words)}: {reported}"
            said.append(reported.out + reported.err)
        return said

    def add_provider(self, name: str, base_url: str, dialect: str = "openai", model: str = "m", **rate: str) -> None:
        """A provider at a stub's URL, with a credential and a rate for one model."""
        self.cli("provider", "add", name, "--dialect", dialect, "--base-url", base_url)
        self.cli("credential", "add", name, secret="sk-provider-secret-1234")
        options = {"input": "1", "output": "2", "context": "128000", "max_output": "4096", **rate}
        flags = [part for k, v in options.items() for part in (f"--{k.replace('_', '-')}", v)]
        self.cli("rate", "set", f"{name}/{model}", *flags)

    def balance(self, user: str = "owner") -> dict[str, Any]:
        """The wallet, as `aihub credit balance` tells it."""
        reported: dict[str, Any] = self.cli("credit", "balance", user)
        return reported

    def calls(self) -> list[dict[str, Any]]:
        """The call log, newest first."""
        reported: Any = self.cli("call", "list", "--limit", "10000")
        return list(reported["calls"] if isinstance(reported, dict) else reported)

    def wait_until_ready(self) -> None:
        """Return when the hub says it is ready."""
        give_up = time.monotonic() + READY_S
        while time.monotonic() < give_up:
            assert self._process is not None
            assert self._process.poll() is None, f"the hub ended:\n{self.log.read_text()}"
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            time.sleep(0.02)
        raise AssertionError(f"the hub was not ready within {READY_S} s:\n{self.log.read_text()}")


def _wait_until_gone(session: int) -> None:
    """Wait until no process of the session runs any more; kill what is left of it and fail if that takes long."""
    give_up = time.monotonic() + GONE_S
    while left := _running_in(session):
        if time.monotonic() > give_up:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"workers of the killed hub were still running after {GONE_S} s")
        time.sleep(0.02)


def _running_in(session: int) -> list[int]:
    """The processes of the session that was started for a hub: its workers are in it, each in its own group."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,sid=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [int(pid) for pid, sid, state in rows if sid == str(session) and not state.startswith("Z")]


@contextlib.contextmanager
def running_hub(
    data_dir: Path,
    interface: Interface = "asgi",
    workers: int = 1,
    billed: bool = True,
    env: dict[str, str] | None = None,
    descriptors: int | None = None,
    program: Sequence[str] = _AIHUB,
) -> Iterator[HubProcess]:
    """A hub that serves for as long as the block runs."""
    hub = HubProcess(data_dir, interface, workers, billed, env, descriptors, program)
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()
