"""How long the hub takes to start: its imports alone, and from a command to the first answer."""

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.hub import BenchedHub, HubError
from bench.lambda_function import first_answer_ms, has_function
from bench.processes import wait

IMPORT = "import entrypoints.asgi"
TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class ColdStart:
    """Medians, in milliseconds."""

    bare_ms: float
    """An interpreter that does nothing."""
    import_ms: float
    """An interpreter that imports the application."""
    ready_ms: float
    """From `aihub serve` to the first 200 on `/readyz`."""
    function_ms: float | None
    """From a Lambda function's process to the first chunk of a streamed answer; None where no function streams."""


def _interpret(hub: BenchedHub, statement: str) -> float:
    """Run one statement in the hub's interpreter and return the milliseconds from start to end."""
    errors = Path(f"{hub.data}.import.log")
    with errors.open("wb") as sink:
        before = time.monotonic()
        argv: list[str | Path] = [hub.command.with_name("python"), "-c", statement]
        process = hub.processes.start(argv, cpus=hub.cpus, env=hub.env(), cwd=hub.data, stderr=sink)
        try:
            wait(process, TIMEOUT_S)
            elapsed_ms = (time.monotonic() - before) * 1000
        finally:
            hub.processes.end(process)
    if process.returncode != 0:
        output = errors.read_text(errors="replace").strip()
        raise HubError(f"python -c {statement!r}: exit {process.returncode}\n{output}")
    return elapsed_ms


def _serve_once(hub: BenchedHub) -> float:
    before = time.monotonic()
    with hub.serving():
        return (time.monotonic() - before) * 1000


def measure(hub: BenchedHub, rounds: int) -> ColdStart:
    """Start everything `rounds` times, in turns, so that a drift of the machine meets all alike."""
    bare: list[float] = []
    full: list[float] = []
    ready: list[float] = []
    function: list[float] = []
    _interpret(hub, IMPORT)  # the first import may write bytecode, and reads from disk
    for _ in range(rounds):
        bare.append(_interpret(hub, "pass"))
        full.append(_interpret(hub, IMPORT))
        ready.append(_serve_once(hub))
        if has_function(hub):
            function.append(first_answer_ms(hub))
    return ColdStart(
        bare_ms=median(bare),
        import_ms=median(full),
        ready_ms=median(ready),
        function_ms=median(function) if function else None,
    )
