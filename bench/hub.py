"""Sets up a hub in a folder of its own, serves it, and checks its books afterwards."""

import http.client
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Processes, has_ended
from bench.traffic import Server

READY_TIMEOUT_S = 60.0
COMMAND_TIMEOUT_S = 60.0
CREDIT = 1_000_000
OWNER = "owner"


class HubError(Exception):
    """A command of the hub failed; the message contains its output."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A stub provider with its name in the hub."""

    name: str
    port: int


@dataclass(kw_only=True)
class BenchedHub:
    """One installation: a command, a data folder, an owner key, and the settings of this benchmark."""

    processes: Processes
    command: Path
    data: Path
    cpus: frozenset[int]
    billing: bool = True
    interface: str = "asgi"
    workers: int = 1
    owner_key: str = ""
    database: str = ""
    """DATABASE_URL; SQLite in the data folder without one."""

    def __post_init__(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self.owner_key = self.owner_key or f"bench-{secrets.token_urlsafe(32)}"

    def env(self) -> Mapping[str, str]:
        """Only what the hub needs, so that nothing of the caller's own set-up changes the figures."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.data),
            "DATA_DIR": str(self.data),
            "AIHUB_OWNER_KEY": self.owner_key,
            "CREDIT_BASED_BILLING_ENABLED": "true" if self.billing else "false",
            **({"DATABASE_URL": self.database} if self.database else {}),
        }

    def headers(self) -> tuple[str, ...]:
        """The headers that authenticate a request as the owner's."""
        return (f"authorization: Bearer {self.owner_key}",)

    def command_output(self, *argv: str, given: str | None = None) -> str:
        """Run one `aihub` command, with `given` on its standard input, and return its output."""
        try:
            done = subprocess.run(
                [self.command, *argv],
                env=dict(self.env()),
                cwd=self.data,
                input=given,
                stdin=subprocess.DEVNULL if given is None else None,
                capture_output=True,
                text=True,
                timeout=COMMAND_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HubError(f"aihub {' '.join(argv)}: not done within {COMMAND_TIMEOUT_S:g} s") from None
        if done.returncode != 0:
            output = (done.stdout + done.stderr).strip()
            raise HubError(f"aihub {' '.join(argv)}: exit {done.returncode}\n{output}")
        return done.stdout

    def set_up(self, *providers: Provider) -> None:
        """Register the stub providers, price their model, and give the owner credit to spend."""
        for provider in providers:
            url = f"http://127.0.0.1:{provider.port}/v1"
            self.command_output("provider", "add", provider.name, "--dialect", "openai", "--base-url", url)
            self.command_output("credential", "add", provider.name, given="secret\n")
            limits = ("--context", "128000", "--max-output", "4096")
            self.command_output("rate", "set", f"{provider.name}/bench", "--input", "1", "--output", "2", *limits)
        if self.billing:
            self.command_output("credit", "grant", OWNER, str(CREDIT))

    def verify(self) -> None:
        """Let the hub prove its own books; raises HubError when they do not add up."""
        self.command_output("ledger", "verify")

    @contextmanager
    def serving(self) -> Iterator[Server]:
        """Serve until the context ends; entered once `/readyz` has answered 200."""
        port = free_port()
        argv: list[str | Path] = [self.command, "serve", "--host", "127.0.0.1", "--port", str(port)]
        argv += ["--workers", str(self.workers), "--interface", self.interface]
        log = self.data.with_name(f"{self.data.name}.log")
        with log.open("wb") as sink:
            process = self.processes.start(
                argv, cpus=self.cpus, env=self.env(), cwd=self.data, stdout=sink, stderr=sink
            )
        try:
            wait_until_ready(port, process, log)
            yield Server(port=port, pid=process.pid, headers=self.headers())
            if has_ended(process):
                raise HubError(f"aihub serve ended by itself\n{tail(log)}")
        finally:
            self.processes.end(process)


def free_port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path, lines: int = 25) -> str:
    """The end of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def is_ready(port: int) -> bool:
    """Whether `/readyz` answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return as soon as the hub is ready, looking every 2 ms."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not is_ready(port):
        if has_ended(process):
            raise HubError(f"aihub serve ended by itself\n{tail(log)}")
        if time.monotonic() > deadline:
            raise HubError(f"aihub serve: not ready within {READY_TIMEOUT_S:g} s\n{tail(log)}")
        time.sleep(0.002)
