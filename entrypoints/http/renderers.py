"""Renderers: the provider's own bytes, or the answer's events in the caller's dialect."""

from collections.abc import Callable

from domain.failures import Failure
from entrypoints.http.dialects.dialect import CallerDialect, Rendering
from entrypoints.http.provider_errors import failure_error
from entrypoints.usecases.call.renderer import AnswerBroken
from ports.providers import Chunk

JSON = "application/json"
EVENT_STREAM = "text/event-stream; charset=utf-8"


class PassThrough:
    """Both sides use one dialect: the provider's bytes are the answer, if they have the requested form.

    Otherwise `rendered` renders the events in that form.
    """

    def __init__(
        self,
        dialect: CallerDialect,
        provider: str,
        content_type: str,
        rendered: "Callable[[], RenderedWhole | RenderedStream]",
    ) -> None:
        self.content_type = content_type
        self._dialect = dialect
        self._provider = provider
        self._rendered = rendered
        self._other: RenderedWhole | RenderedStream | None = None

    def piece(self, chunk: Chunk) -> bytes:
        """The provider's own bytes, or its events in the requested form."""
        if chunk.raw is not None:
            return chunk.raw
        if self._other is None:
            self._other = self._rendered()
        return self._other.piece(chunk)

    def error_event(self, failure: Failure) -> bytes:
        """The stream's last event: an error, never an ending. An answer without events is truncated instead."""
        if not self.content_type.startswith("text/event-stream"):
            raise AnswerBroken(failure.message)
        return self._dialect.stream_error(failure_error(failure, self._provider))


class RenderedWhole:
    """Another dialect, answered as one JSON body."""

    content_type = JSON

    def __init__(self, dialect: CallerDialect, rendering: Rendering) -> None:
        self._dialect = dialect
        self._rendering = rendering

    def piece(self, chunk: Chunk) -> bytes:
        """The whole answer; its one chunk has all events."""
        return self._dialect.whole(chunk.events, self._rendering)

    def error_event(self, failure: Failure) -> bytes:
        """A whole answer that failed was never begun."""
        raise AssertionError(f"a whole answer cannot fail half-way: {failure.message}")


class RenderedStream:
    """Another dialect, answered event by event: a fold over the provider's events."""

    content_type = EVENT_STREAM

    def __init__(self, dialect: CallerDialect, rendering: Rendering, provider: str) -> None:
        self._dialect = dialect
        self._provider = provider
        self._state = dialect.start(rendering)

    def piece(self, chunk: Chunk) -> bytes:
        """The events of the chunk as the caller's dialect writes them."""
        rendered = b""
        for event in chunk.events:
            self._state, piece = self._dialect.render(self._state, event)
            rendered += piece
        return rendered

    def error_event(self, failure: Failure) -> bytes:
        """The stream's last event: an error, never an ending."""
        error = failure_error(failure, self._provider)
        if self._dialect.stream_failed is not None:
            return self._dialect.stream_failed(self._state, error)
        return self._dialect.stream_error(error)
