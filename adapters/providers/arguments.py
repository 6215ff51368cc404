"""Arguments of tool calls, for dialects that have an object where OpenAI has a string."""

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def arguments_object(arguments: str) -> msgspec.Raw | None:
    """Return the arguments as a JSON object; None if they are invalid. An empty string is the empty object."""
    if not arguments.strip():
        return msgspec.Raw(b"{}")
    try:
        _OBJECT.decode(arguments)
    except DECODE_ERRORS:
        return None
    return msgspec.Raw(arguments.encode())


def arguments_text(value: msgspec.Raw) -> str:
    """Return a tool's complete input as arguments text; the empty input is "{}", without its white space."""
    spelled = bytes(value).decode()
    return "{}" if "".join(spelled.split()) == "{}" else spelled
