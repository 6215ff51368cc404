"""Answers that are jobs: the provider accepts the request, is polled, and finally returns the result.

House rule: a job is one attempt with one answer, however often it is polled. Once accepted, the provider works and may
charge, so a failed poll is repeated, and a job that ends without an answer may have cost something.
"""

from typing import Protocol, Self

import anyio
import httpx2
import msgspec

from adapters.providers.dialect import PollStep
from adapters.providers.provider_lines import Line, address
from adapters.providers.whole_body import read_whole, scrubbed
from domain.failures import MAY_HAVE_COST, Failure
from domain.model_api.call import Attempt
from domain.model_api.events import Broken, Event
from domain.model_api.requests import ModelRequest
from ports.providers import Chunk

CONNECT_S_MAX = 10.0
# Temporary failures; the hub gives up after this many in a row.
_PASSING = frozenset(("unreachable", "timed_out", "overloaded", "unavailable", "truncated"))
_LOST_MAX = 10
_RETRY_AFTER_MAX_MS = 60_000
# The first poll is early, because the job may be small; each further pause is twice as long.
_FIRST_MS, _DOUBLINGS_MAX = 250, 16
_REDIRECTS_MAX = 3


class Exchange(Protocol):
    """One attempt, as a job uses it: it sends requests and reads the latest answer."""

    async def ask(self, request: httpx2.Request) -> httpx2.Response | Failure:
        """Send a further request; the rest of the earlier answer is closed."""
        ...

    async def read(self) -> bytes | Failure | None:
        """Return the next bytes of the body, None at its end, or the failure that ended it."""
        ...

    async def rejection(self, status: int, headers: dict[str, str]) -> Failure:
        """Return the failure for a status other than 2xx; the headers' names are in lower case."""
        ...


class JobChunks:
    """An empty chunk for each poll, so that deadlines are checked; the last chunk is the answer."""

    __slots__ = (
        *(
            "_polls",
            "_attempt",
            "_poll_step",
            "_exchange",
            "_line",
            "_lost",
            "_over",
            "_poll_ms",
            "_request",
            "_wait_ms",
        ),
    )

    ended = False  # Every body is read to its end, so nothing lingers.

    def __init__(
        self, exchange: Exchange, line: Line, attempt: Attempt, request: ModelRequest | None, poll_ms: int
    ) -> None:
        self._exchange = exchange
        self._line = line
        self._attempt = attempt
        self._request = request
        self._poll_ms = poll_ms
        self._poll_step: PollStep | None = None
        self._wait_ms = 0
        self._polls = self._lost = 0
        self._over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        if self._over:
            raise StopAsyncIteration
        poll_step = self._poll_step
        if poll_step is not None:
            await anyio.sleep(self._wait_ms / 1000)
        body = await (
            read_whole(self._exchange.read, self._line.provider) if poll_step is None else self._run(poll_step)
        )
        if isinstance(body, Failure):
            return self._failed(body)
        self._lost = 0
        assert self._line.dialect.job is not None
        step = self._line.dialect.job(self._request, self._attempt, body) if poll_step is None else poll_step.then(body)
        if isinstance(step, PollStep):
            self._poll_step, self._wait_ms = step, pause_ms(self._polls, self._poll_ms) if step.waits else 0
            self._polls += 1
            return Chunk(b"", ())
        self._over = True
        return Chunk(b"", scrubbed(tuple(map(_final_if_malformed, step)), self._line.provider))

    def _failed(self, failure: Failure) -> Chunk:
        """Repeat the poll as long as that may help.

        After that the attempt fails, its cost is unknown, and it is not retried.
        """
        self._lost += 1
        if self._poll_step is not None and failure.kind in _PASSING and self._lost < _LOST_MAX:
            self._wait_ms = min(max(self._poll_ms, failure.retry_after_ms or 0), _RETRY_AFTER_MAX_MS)
            return Chunk(b"", ())
        self._over = True
        kind = failure.kind if failure.kind in MAY_HAVE_COST else "unavailable"
        message = f"the job was taken on and then lost: {failure.message}"
        return Chunk(b"", (Broken(failure=Failure(kind=kind, message=message, is_final=True)),))

    async def _run(self, poll_step: PollStep) -> bytes | Failure:
        """Return the complete body of a poll step's answer, following the server's redirect, or the failure."""
        url = address(self._attempt.target, poll_step.path)
        redirects = 0
        while not isinstance(url, Failure):
            request = self._asking(poll_step, url)
            response = request if isinstance(request, Failure) else await self._exchange.ask(request)
            if isinstance(response, Failure):
                return self._line.provider.failure(response)
            elsewhere = _elsewhere(response, url)
            if elsewhere is not None and redirects < _REDIRECTS_MAX:
                url, redirects = elsewhere, redirects + 1
            elif 200 <= response.status_code < 300:
                return await read_whole(self._exchange.read, self._line.provider)
            else:
                return await self._exchange.rejection(response.status_code, dict(response.headers))
        return url

    def _asking(self, poll_step: PollStep, url: httpx2.URL) -> httpx2.Request | Failure:
        line, timeout_s = self._line, self._attempt.timeout_ms / 1000
        connect_s = min(timeout_s, CONNECT_S_MAX)
        signed = line.dialect.sign(line.provider.secret, str(url), poll_step.body) if line.dialect.sign else ()
        if isinstance(signed, Failure):
            return signed
        request = httpx2.Request(
            "POST" if poll_step.body else "GET",
            url,
            headers=httpx2.Headers([*line.headers.multi_items(), *signed]),
            stream=httpx2.ByteStream(poll_step.body),
            extensions={"timeout": {"connect": connect_s, "read": timeout_s, "write": timeout_s, "pool": connect_s}},
        )
        request.headers["accept"] = "*/*"
        request.headers["content-length"] = str(len(poll_step.body))
        if not poll_step.body:
            del request.headers["content-type"]
        return request


def pause_ms(polls: int, poll_ms: int) -> int:
    """Return the pause before the next poll: 250 ms, 500 ms, and so on."""
    return min(poll_ms, _FIRST_MS << min(polls, _DOUBLINGS_MAX))


def _final_if_malformed(event: Event) -> Event:
    """Turn an unreadable answer into a final failure, because a job may exist; a reported failure is final anyway."""
    if isinstance(event, Broken) and event.failure.kind == "malformed":
        return Broken(failure=msgspec.structs.replace(event.failure, is_final=True))
    return event


def _elsewhere(response: httpx2.Response, url: httpx2.URL) -> httpx2.URL | None:
    """Return the URL of a redirect within the same server; None if there is none or it leaves the server.

    Google's downloads redirect within its own host (https://ai.google.dev/gemini-api/docs/video uses `curl -L`).
    """
    if not 300 <= response.status_code < 400:
        return None
    try:
        other = url.join(response.headers.get("location", ""))
    except httpx2.InvalidURL:
        return None
    return other if (other.scheme, other.netloc) == (url.scheme, url.netloc) and other != url else None
