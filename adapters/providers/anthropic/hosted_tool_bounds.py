"""Limit the uses of Anthropic's own tools where the caller did not.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool
"""

import msgspec

_BOUNDABLE = (b'"web_search_', b'"web_fetch_')
_TOOLS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_NOTHING = msgspec.Raw(b"null")
_ENCODE = msgspec.json.encode


def bounded_tools(tools: msgspec.Raw, uses: int) -> msgspec.Raw:
    """Return the tools with `max_uses` added to each that supports it and has none."""
    bounded = [
        tool | {"max_uses": msgspec.Raw(_ENCODE(uses))}
        if bytes(tool.get("type", _NOTHING)).startswith(_BOUNDABLE) and bytes(tool.get("max_uses", _NOTHING)) == b"null"
        else tool
        for tool in _TOOLS.decode(tools)
    ]
    return msgspec.Raw(_ENCODE(bounded))
