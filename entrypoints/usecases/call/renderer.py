"""How a caller hears an answer, as the use case sees it; `entrypoints/http/renderers.py` has the voices."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from domain.billing.plan import Affordable
from domain.failures import Failure
from ports.providers import Answer, Chunk


class AnswerBroken(Exception):
    """An answer broke off that cannot say so, such as a sound: its connection is to break as well."""


class Renderer(Protocol):
    """How the caller hears the answer: one rendering of pieces and of failures, in the caller's dialect."""

    content_type: str

    def piece(self, chunk: Chunk) -> bytes:
        """The bytes of one chunk, terminal bytes included when the chunk has them."""
        ...

    def error_event(self, failure: Failure) -> bytes:
        """The last bytes of an answer that broke after it began; AnswerBroken if it has no words for that."""
        ...


# By who serves the call, and with what answer.
RendererOf: TypeAlias = Callable[[Affordable, Answer], Renderer]
