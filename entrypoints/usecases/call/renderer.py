"""How an answer is rendered for its caller; the renderers are in `entrypoints/http/renderers.py`."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from domain.billing.plan import Affordable
from domain.failures import Failure
from ports.providers import Answer, Chunk


class AnswerBroken(Exception):
    """An answer broke off in a form that has no error event, such as audio: its connection must break as well."""


class Renderer(Protocol):
    """Renders the chunks and the failures of an answer in the caller's dialect."""

    content_type: str

    def piece(self, chunk: Chunk) -> bytes:
        """The bytes of one chunk, terminal bytes included when the chunk has them."""
        ...

    def error_event(self, failure: Failure) -> bytes:
        """The last bytes of an answer that broke after it began; AnswerBroken if its form has no error event."""
        ...


# Makes the renderer from the entry that serves the call and the provider's answer.
RendererOf: TypeAlias = Callable[[Affordable, Answer], Renderer]
