"""Texts as vectors, in no vendor's dialect: the request, and the event that carries one vector.

No number of a vector is parsed here: it stays the text that the provider wrote, JSON or base64, so that nothing is
rounded; the renderer converts if necessary.
"""

from typing import TypeAlias

import msgspec

Tokens: TypeAlias = tuple[int, ...]


class EmbeddingsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for one vector for each of the `inputs`, texts or the tokens of texts.

    `base64` is the caller's preferred form. `task` is the purpose in Google's terms, such as RETRIEVAL_QUERY, and
    `title` the title of the one document: both tune the vectors if the provider has a field for them, and are left out
    otherwise. `extra` holds fields of some providers, such as `input_type`, as JSON.
    """

    model: str
    inputs: tuple[str | Tokens, ...]
    dimensions: int | None = None
    base64: bool = False
    task: str | None = None
    title: str | None = None
    extra: dict[str, msgspec.Raw] = {}


class Embedded(msgspec.Struct, frozen=True, kw_only=True, tag="embedded"):
    """The vector of input `index`: a JSON list of numbers, or base64 of 32-bit floats, the lowest byte first."""

    index: int
    numbers: msgspec.Raw | None = None
    base64: str | None = None
