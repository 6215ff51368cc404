"""The common parts of OpenAI's APIs besides chat, the caller's side."""

from typing import Annotated, Any, NoReturn, TypeAlias

import msgspec

from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JsonDecoder
from entrypoints.http.dialects.openai_chat import error, stream_error
from entrypoints.http.dialects.openai_chat.field_errors import bad, unreadable

__all__ = ["Inputs", "Model", "error", "inputs_of", "never_streams", "only_passes", "stream_error"]

Model = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]  # Kept in the call log; an ARN fits.
# One text, several, the tokens of one, or those of several.
Inputs: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)] | list[str | int | list[int]]
# OpenAI accepts at most 2,048 and others fewer; far more are refused here, since each input has its own bound.
INPUTS_MAX = 16_384
_Tokens = Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=2**31)]], msgspec.Meta(min_length=1)]
_TEXTS = JsonDecoder(list[Annotated[str, msgspec.Meta(min_length=1)]])
_TOKENS = JsonDecoder(_Tokens)
_TOKEN_LISTS = JsonDecoder(list[_Tokens])


def inputs_of(field: str, known: Any, raw: msgspec.Raw) -> tuple[str | tuple[int, ...], ...] | BadRequest:
    """The inputs of the field, `known` as `Inputs` and `raw` as it came; all items of a list have one kind."""
    if isinstance(known, str):
        return (known,)
    if not known:
        return bad(field, "The list is empty.")
    if len(known) > INPUTS_MAX:
        return bad(field, f"The list has more than {INPUTS_MAX} inputs.")
    try:
        if isinstance(known[0], str):
            return tuple(_TEXTS.decode(raw))
        if isinstance(known[0], int):
            return (tuple(_TOKENS.decode(raw)),)
        return tuple(map(tuple, _TOKEN_LISTS.decode(raw)))
    except msgspec.ValidationError as problem:
        return unreadable(problem, field)


def only_passes(*_: Any) -> NoReturn:
    """In place of a translation, for a call that only goes to providers of its own dialect."""
    raise AssertionError("this API is only passed through")


def never_streams(*_: Any) -> NoReturn:
    """In place of a streaming renderer, for a dialect without streams."""
    raise AssertionError("this API does not stream across dialects")
