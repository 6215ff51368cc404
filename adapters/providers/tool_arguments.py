"""Arguments of tool calls, for dialects that have an object where OpenAI has a string."""

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from domain.model_api.tools import arguments_of

_EMPTY = "{}"
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def arguments_object(arguments: str) -> msgspec.Raw:
    """Return the arguments as a JSON object, so that a conversation with a call that was cut can go on.

    Nothing is the empty object, an empty object before the arguments is left out, and what is no object becomes the
    text `input` of one, as for a custom tool: `[1]` is `{"input":"[1]"}`.
    """
    text = arguments.strip()
    while len(text) > len(_EMPTY) and text.startswith(_EMPTY):
        text = text.removeprefix(_EMPTY).lstrip()
    if text in ("", "null"):
        return msgspec.Raw(_EMPTY.encode())
    try:
        _OBJECT.decode(text)
    except DECODE_ERRORS:
        return msgspec.Raw(arguments_of(arguments).encode())
    return msgspec.Raw((arguments if text == arguments.strip() else text).encode())


def arguments_text(value: msgspec.Raw) -> str:
    """Return a tool's complete input as arguments text; the empty input is "{}", without its white space."""
    spelled = bytes(value).decode()
    return "{}" if "".join(spelled.split()) == "{}" else spelled
