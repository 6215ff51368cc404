"""Answers that are jobs: the provider takes the request on, is asked how far it is, and gives what came of it at last.

House rule: however often it is asked, a job is one attempt with one answer. Once it was taken on the provider works and
may charge, so a question that gets no answer is asked again, and what ends without one may have cost something.
"""

from typing import Protocol, Self

import anyio
import httpx2
import msgspec

from adapters.providers.dialect import PollStep
from adapters.providers.endpoints import Line, address
from adapters.providers.whole_body import read_whole, scrubbed
from domain.failures import MAY_HAVE_COST, Failure
from domain.model_api.call import Attempt
from domain.model_api.events import Broken, Event
from domain.model_api.requests import ModelRequest
from ports.providers import Chunk

CONNECT_S_MAX = 10.0
# What may pass; of so many in a row none will.
_PASSING = frozenset(("unreachable", "timed_out", "overloaded", "unavailable", "truncated"))
_LOST_MAX = 10
_RETRY_AFTER_MAX_MS = 60_000
# A job is asked after soon at first, for it may be a small one, and then twice as late each time.
_FIRST_MS, _DOUBLINGS_MAX = 250, 16
_REDIRECTS_MAX = 3


class Exchange(Protocol):
    """One attempt, as far as a job needs it: it asks, and reads the answer to what was asked last."""

    async def ask(self, request: httpx2.Request) -> httpx2.Response | Failure:
        """Send a further request; what was there of the answer before is closed."""
        ...

    async def read(self) -> bytes | Failure | None:
        """The next bytes of the body, None at its end, or why there are no more."""
        ...

    async def rejection(self, response: httpx2.Response) -> Failure:
        """What a status other than 2xx means."""
        ...


class JobChunks:
    """For each question a chunk that says nothing, so that deadlines are looked at; the last is the answer."""

    __slots__ = (
        *(
            "_asked",
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

    ended = False  # There is nothing to linger for: every body is read to its end.

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
        self._asked = self._lost = 0
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
            self._poll_step, self._wait_ms = step, pause_ms(self._asked, self._poll_ms) if step.waits else 0
            self._asked += 1
            return Chunk(b"", ())
        self._over = True
        return Chunk(b"", scrubbed(tuple(map(_final_if_nonsense, step)), self._line.provider))

    def _failed(self, failure: Failure) -> Chunk:
        """Ask again, as long as that may help; then it is over, nobody knows what it cost, and it is not made again."""
        self._lost += 1
        if self._poll_step is not None and failure.kind in _PASSING and self._lost < _LOST_MAX:
            self._wait_ms = min(max(self._poll_ms, failure.retry_after_ms or 0), _RETRY_AFTER_MAX_MS)
            return Chunk(b"", ())
        self._over = True
        kind = failure.kind if failure.kind in MAY_HAVE_COST else "unavailable"
        message = f"the job was taken on and then lost: {failure.message}"
        return Chunk(b"", (Broken(failure=Failure(kind=kind, message=message, is_final=True)),))

    async def _run(self, poll_step: PollStep) -> bytes | Failure:
        """The whole body of the answer to an poll step, wherever the provider's server has it, or why there is none."""
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
                return await self._exchange.rejection(response)
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


def pause_ms(asked: int, poll_ms: int) -> int:
    """How long to wait before a job is asked after that was asked after so often: 250 ms, 500 ms, and so on."""
    return min(poll_ms, _FIRST_MS << min(asked, _DOUBLINGS_MAX))


def _final_if_nonsense(event: Event) -> Event:
    """Nobody knows whether a job is behind an answer that is not understood; one that says it failed is over."""
    if isinstance(event, Broken) and event.failure.kind == "malformed":
        return Broken(failure=msgspec.structs.replace(event.failure, is_final=True))
    return event


def _elsewhere(response: httpx2.Response, url: httpx2.URL) -> httpx2.URL | None:
    """Where else the same server has what was asked for; None if it does not say, or sends us to another one.

    Google's downloads move within its own host (https://ai.google.dev/gemini-api/docs/video gets them with `curl -L`).
    """
    if not 300 <= response.status_code < 400:
        return None
    try:
        other = url.join(response.headers.get("location", ""))
    except httpx2.InvalidURL:
        return None
    return other if (other.scheme, other.netloc) == (url.scheme, url.netloc) and other != url else None
