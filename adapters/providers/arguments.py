"""A tool call's arguments, for the dialects whose wire wants an object where OpenAI's wants text."""

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def arguments_object(arguments: str) -> msgspec.Raw | None:
    """The arguments as the JSON object that they must be; None if they are none. No text at all is the empty object."""
    if not arguments.strip():
        return msgspec.Raw(b"{}")
    try:
        _OBJECT.decode(arguments)
    except DECODE_ERRORS:
        return None
    return msgspec.Raw(arguments.encode())


def arguments_text(given: msgspec.Raw) -> str:
    """A tool's whole input as arguments text; the empty input is "{}", however it is spaced."""
    spelled = bytes(given).decode()
    return "{}" if "".join(spelled.split()) == "{}" else spelled
