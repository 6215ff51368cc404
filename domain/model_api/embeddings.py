"""Texts as vectors, in no vendor's dialect: what is asked, and the event that carries one vector.

No number of a vector is ever read here: it stays the text that the provider wrote, JSON or base64, so that nothing is
rounded on its way; whoever renders it converts what must be converted.
"""

from typing import TypeAlias

import msgspec

Tokens: TypeAlias = tuple[int, ...]


class EmbeddingsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One vector is asked for each of the `inputs`, texts or the tokens of texts.

    `base64` is how the caller wants to read the vectors. `task` is what they are for, in Google's words, such as
    RETRIEVAL_QUERY, and `title` that of the one document: both tune the vectors where the provider has a word for them,
    and are left out elsewhere. `extra` holds what only some providers have a word for, such
    as `input_type`, as JSON.
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
