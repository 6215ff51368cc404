"""A function's process, started as Lambda starts it: `bootstrap` with the path of an interpreter, or Lambda's own
runtime for the buffered function. It talks to a `RuntimeApiDouble`."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.simulation.auditor import Books, audit
from tests.support.command_runner import ROOT
from tests.support.hub import HubProcess
from tests.support.journal_order import watch
from tests.support.runtime_api import RuntimeApiDouble, url_event
from tests.system.raw_client import chat
from tests.system.scripted_answers import Script

BOOTSTRAP = ROOT / "entrypoints" / "aws_lambda" / "bootstrap"
STREAMING = [str(BOOTSTRAP), sys.executable, "/var/runtime/bootstrap.py"]
BUFFERED = [sys.executable, "-m", "awslambdaric", "entrypoints.aws_lambda.buffered.handler"]
ENDED_S = 20


class Function:
    """One environment of the function: its process, and the books in its data directory."""

    def __init__(self, hub: HubProcess, address: str, command: list[str], environment: dict[str, str]) -> None:
        self.hub = hub
        self._environment = {
            **hub.env,
            "AWS_LAMBDA_RUNTIME_API": address,
            "LAMBDA_TASK_ROOT": str(ROOT),
            "AWS_LAMBDA_FUNCTION_NAME": "hub",
            **environment,
        }
        self._command = command
        self.log = hub.data_dir.parent / "function.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._environment["LAMBDA_TASK_ROOT"],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the process at once, also one that is stopped."""
        self.signal(signal.SIGKILL)
        self.ended()

    def ended(self) -> int:
        """The exit code, once the process has ended."""
        assert self._process is not None
        code = self._process.wait(ENDED_S)
        self._process = None
        return code

    def audit(self) -> Books:
        """What the books say, read past the process; whatever it does, they add up."""
        return audit(self.hub.data_dir)

    def close(self) -> None:
        if self._process is not None:
            self.kill()


@contextlib.contextmanager
def function(
    data_dir: Path,
    api: RuntimeApiDouble,
    provider_url: str = "",
    command: list[str] = STREAMING,
    **environment: str,
) -> Iterator[Function]:
    """A running function, with a provider `stub` that has the model `m`, and credit for the owner."""
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    hub = HubProcess(data_dir, env=environment)
    if provider_url:
        hub.add_provider("stub", provider_url)
        hub.cli("credit", "grant", "owner", "1000")
        if "DATABASE_URL" not in environment:
            watch(data_dir)
    made = Function(hub, api.address, command, environment)
    made.start()
    try:
        yield made
    finally:
        made.close()


def requested(hub: HubProcess, script: Script, stream: bool = True) -> dict[str, Any]:
    """The event of a call that the provider answers by the script."""
    headers = {"authorization": f"Bearer {hub.key}", "content-type": "application/json"}
    return url_event("POST", "/v1/chat/completions", chat(script, stream=stream), headers)
