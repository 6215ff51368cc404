"""Which receivers a process has: OpenTelemetry only with an endpoint, and a hub without the extra serves without it."""

import subprocess
import sys

import pytest

from adapters.telemetry.observers import observers
from entrypoints.usecases.call.latencies import Latencies

pytestmark = pytest.mark.anyio

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
WITHOUT_THE_EXTRA = """
import asyncio, sys
sys.modules["opentelemetry"] = None
from adapters.telemetry.observers import observers
from entrypoints.usecases.call.latencies import Latencies

async def main():
    async with observers(Latencies(), "text", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) as (_, tracing):
        print(tracing)

asyncio.run(main())
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    "environment", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, ENDPOINT | {"OTEL_SDK_DISABLED": "true"}]
)
async def test_without_an_endpoint_or_when_disabled_nothing_is_traced(environment: dict[str, str]) -> None:
    async with observers(Latencies(), "text", environment) as (_, tracing):
        assert tracing is None


def test_an_endpoint_without_the_extra_is_a_warning() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_EXTRA], capture_output=True, text=True, timeout=60, check=False
    )

    assert ("None\n", True) == (ran.stdout, "install aihub[otel]" in ran.stderr), ran.stderr
