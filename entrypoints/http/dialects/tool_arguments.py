"""A tool's arguments as an object, for the callers' dialects that have no text in its place."""

import msgspec

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def arguments_object(arguments: str) -> object:
    """The arguments as the object that they must be.

    A model may write arguments that are no object, or be cut off in them; they are kept under Anthropic's name for it:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
    """
    if not arguments.strip():
        return {}
    try:
        _OBJECT.decode(arguments)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {"INVALID_JSON": arguments}
    return msgspec.Raw(arguments.encode())
