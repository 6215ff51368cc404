"""A tool's arguments as an object, for callers' dialects that do not have them as text."""

import msgspec

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def arguments_object(arguments: str) -> object:
    """The arguments as an object.

    A model may write arguments that are no object, or that are truncated; the text is kept under Anthropic's field:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
    """
    if not arguments.strip():
        return {}
    try:
        _OBJECT.decode(arguments)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {"INVALID_JSON": arguments}
    return msgspec.Raw(arguments.encode())
