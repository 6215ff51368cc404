"""How late the chunks of a streamed answer reach Lambda: from the provider's write to their arrival at the Runtime API.

    python -m bench.function_stream [--calls 20]

A stub provider sends one event after the other; the function runs in a process of its own, and the tests' double of
Lambda's Runtime API takes what it sends. All three are on this machine. The first call, which a cold function serves,
is left out. The bytes of every answer are compared with those that the provider sent.
"""

import argparse
import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from tests.support.runtime_api import Invoked, RuntimeApiDouble
from tests.system.lambda_function import function, requested
from tests.system.scripted_answers import Script, streamed

EVENTS, PAUSE_S = 20, 0.01
FIRST_MS = 10
_WORD = re.compile(rb"word(\d+) ")
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


class StubProvider:
    """Sends the same stream to everybody. `sent_s` is when each word of the last one was written."""

    def __init__(self) -> None:
        self.events = streamed(Script(id="bench", words=EVENTS), "openai")
        self.sent_s: dict[int, float] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length.group(1)) if length else 0)
        writer.write(_HEAD)
        for event in self.events:
            if word := _WORD.search(event):
                self.sent_s[int(word.group(1))] = time.perf_counter()
            writer.write(event)
            await writer.drain()
            await asyncio.sleep(PAUSE_S)
        writer.close()


async def delays_of(invoked: Invoked, provider: StubProvider) -> list[float]:
    """How late each word of one answer arrived, in milliseconds; AssertionError if the bytes are not the provider's."""
    arrived_s: dict[int, float] = {}
    while (chunk := await invoked.chunk()) is not None:
        now_s = time.perf_counter()
        arrived_s |= {int(word): now_s for word in _WORD.findall(chunk)}
    assert [*arrived_s] == [*range(EVENTS)], "a word is missing, or out of order"
    answer = b"".join(event for event in provider.events if b'"usage"' not in event)
    assert invoked.payload == answer, "the bytes are not those that the provider sent"
    return [(arrived_s[n] - provider.sent_s[n]) * 1_000 for n in range(EVENTS)]


@asynccontextmanager
async def stub_provider() -> AsyncIterator[tuple[StubProvider, str]]:
    """The provider, and its base URL."""
    provider = StubProvider()
    async with await asyncio.start_server(provider.serve, "127.0.0.1", 0) as listening:
        yield provider, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def measured(calls: int) -> list[list[float]]:
    """The delays of so many answers of a warm function."""
    with TemporaryDirectory() as folder:
        async with stub_provider() as (provider, url), RuntimeApiDouble() as api:
            with function(Path(folder) / "data", api, url) as made:
                answers = []
                for _ in range(calls + 1):
                    invoked = await api.invoke(requested(made.hub, Script(id="bench")))
                    answers.append(await delays_of(invoked, provider))
                return answers[1:]


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20)
    answers = asyncio.run(measured(parser.parse_args().calls))
    first, others = [each[0] for each in answers], [delay for each in answers for delay in each[1:]]
    for name, delays in (("first word", first), ("every other word", others)):
        p99 = quantiles(delays, n=100)[98]
        print(f"{name:<18} p50 {median(delays):6.2f} ms   p99 {p99:6.2f} ms   most {max(delays):6.2f} ms")
    print(f"the first within {FIRST_MS} ms: {sum(delay <= FIRST_MS for delay in first)} of {len(first)}")


if __name__ == "__main__":
    main()
