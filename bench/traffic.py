"""Drives the C programs: starts stub providers, puts load on a port, reads what the load generator measured."""

import json
import select
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench import cpu_and_memory
from bench.build import Programs
from bench.processes import Processes

OPENAI = "/v1/chat/completions"
ANTHROPIC = "/v1/messages"
CONNECTIONS = 64
STREAM_EVENTS = 200
STREAM_RATE = 200
START_TIMEOUT_S = 10.0
DRAIN_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run of the load generator against one server; times in microseconds unless the name states another unit."""

    requests: int
    bad: int
    """Answers that were not 2xx, were cut short, or carried an error."""
    rps: float
    cpu_us: float
    """CPU time of the server's processes per request, or per event where events were read."""
    latency_p50: float = 0.0
    latency_p99: float = 0.0
    first_byte_p50: float = 0.0
    first_byte_p99: float = 0.0
    events_per_s: float = 0.0
    lag_p50: float = 0.0
    lag_p99: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Server:
    """Something that answers chat completions on a port of this machine."""

    port: int
    pid: int
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The load to put on a server."""

    seconds: float
    model: str = "bench"
    rate: float | None = None
    stream: bool = False
    connections: int = CONNECTIONS
    path: str = OPENAI
    ramp_s: float = 1.0
    """Streams begin within this time, so that they do not beat in step."""


def body(shape: Shape) -> str:
    """A small chat request, the same in both dialects except for `include_usage`, which OpenAI's needs."""
    request: dict[str, object] = {
        "model": shape.model,
        "messages": [{"role": "user", "content": "Say the same thing that you always say, in twenty tokens."}],
        "max_tokens": 64,
    }
    if shape.stream:
        request["stream"] = True
        if shape.path == OPENAI:
            request["stream_options"] = {"include_usage": True}
    return json.dumps(request)


@dataclass(kw_only=True)
class Traffic:
    """Stub providers and load, both on the CPUs kept for the tools."""

    processes: Processes
    programs: Programs
    cpus: frozenset[int]
    trouble: list[str] = field(default_factory=list)
    """One line for each run with a bad answer: the benchmark fails for it."""
    remarks: list[str] = field(default_factory=list)
    """Remarks for a reader of the figures."""

    def stub(self, *options: str) -> Server:
        """Start a stub provider on a free port."""
        argv: list[str | Path] = [
            self.programs.stub,
            "--events",
            str(STREAM_EVENTS),
            "--rate",
            str(STREAM_RATE),
            *options,
        ]
        process = self.processes.start(argv, cpus=self.cpus, stdout=subprocess.PIPE)
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
        line = process.stdout.readline() if ready else b""
        if not line:
            raise RuntimeError("the stub provider did not start")
        return Server(port=json.loads(line)["port"], pid=process.pid)

    def measure(self, name: str, server: Server, shape: Shape, *, cpus: Iterable[int] | None = None) -> Measured:
        """Put load of `shape` on `server` and return the figures; note trouble under `name`."""
        cpu_before = cpu_and_memory.cpu_seconds(server.pid)
        result, complaint = self._load(server, shape, self.cpus if cpus is None else cpus)
        cpu_s = cpu_and_memory.cpu_seconds(server.pid) - cpu_before
        requests, events = int(result["requests"]), int(result.get("events", 0))
        bad = requests - int(result["ok"])
        unsent = int(result.get("unsent", 0))
        if bad:
            self.trouble.append(f"{name}: {bad} of {requests} answers were bad: {complaint}")
        if not requests:
            self.trouble.append(f"{name}: no answer at all. {complaint}")
        if unsent > shape.connections:
            self.remarks.append(f"{name}: {unsent} requests fell due that no connection was free for")
        return Measured(
            requests=requests,
            bad=bad,
            rps=result["rps"],
            cpu_us=cpu_s * 1e6 / max(1, events if shape.stream else requests),
            latency_p50=result.get("latency_p50_us", 0.0),
            latency_p99=result.get("latency_p99_us", 0.0),
            first_byte_p50=result.get("first_byte_p50_us", 0.0),
            first_byte_p99=result.get("first_byte_p99_us", 0.0),
            events_per_s=result.get("events_per_second", 0.0),
            lag_p50=result.get("lag_p50_us", 0.0),
            lag_p99=result.get("lag_p99_us", 0.0),
        )

    def _load(self, server: Server, shape: Shape, cpus: Iterable[int]) -> tuple[dict[str, float], str]:
        argv: list[str | Path] = [self.programs.load, "--port", str(server.port), "--path", shape.path]
        argv += ["--connections", str(shape.connections), "--seconds", str(shape.seconds)]
        argv += ["--body", body(shape)]
        for header in server.headers:
            argv += ["--header", header]
        if shape.rate is not None:
            argv += ["--rate", str(shape.rate)]
        if shape.stream:
            argv += ["--stream", "--ramp-ms", f"{shape.ramp_s * 1e3:g}", "--drain-seconds", f"{DRAIN_S:g}"]
        timeout_s = shape.seconds + shape.ramp_s + 2 * DRAIN_S
        code, printed = self.processes.run(argv, cpus=cpus, timeout_s=timeout_s, stderr=subprocess.STDOUT)
        *complaints, last = printed.decode(errors="replace").strip().splitlines() or [""]
        if code != 0:
            raise RuntimeError(f"the load generator failed ({code}): {last}")
        return json.loads(last), " ".join(complaints)
