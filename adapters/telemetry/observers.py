"""The receivers of a process, as its settings and its environment ask for them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from adapters.telemetry.call_log_lines import LoggedCalls
from adapters.telemetry.receivers import Receivers
from ports.telemetry import Telemetry

if TYPE_CHECKING:
    from adapters.telemetry.otel import OtelTelemetry

# Each of these switches OpenTelemetry on.
_ENDPOINTS = tuple(f"OTEL_EXPORTER_OTLP_{which}ENDPOINT" for which in ("", "TRACES_", "METRICS_"))

_log = logging.getLogger("aihub")


@asynccontextmanager
async def observers(
    latencies: Telemetry, log: str, environment: Mapping[str, str]
) -> AsyncIterator[tuple[Receivers, "OtelTelemetry | None"]]:
    """The receivers as one, and what follows traces, if any; open it in the process that serves, after any fork.

    `log` is AIHUB_LOG. At the end what is left is sent.
    """
    otel = _otel(environment)
    logged = (LoggedCalls(),) if log == "json" else ()
    try:
        yield Receivers((latencies, *logged, *((otel,) if otel is not None else ()))), otel
    finally:
        if otel is not None:
            await asyncio.to_thread(otel.close)


def _otel(environment: Mapping[str, str]) -> "OtelTelemetry | None":
    """OpenTelemetry, if there is an endpoint for it and it is installed."""
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if disabled or not any(environment.get(name, "").strip() for name in _ENDPOINTS):
        return None
    try:
        from adapters.telemetry.otel import OtelTelemetry
    except ImportError:
        _log.warning("there is an endpoint for OpenTelemetry, which is not installed: install aihub[otel]")
        return None
    return OtelTelemetry(environment)
