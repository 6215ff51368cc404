"""Calls of OpenAI's own tools that the caller runs, and their results, as calls of functions of the same name.

House rule: at OpenAI the items go back unchanged. A model of another vendor reads what was called and what came of it;
it is offered no such tool. https://developers.openai.com/api/docs/guides/tools-local-shell
"""

from typing import Any

import msgspec

from domain.model_api.requests import Image, Text, ToolCall, ToolResult
from entrypoints.http.dialects.openai_chat.turns import Wrong, image_of
from entrypoints.http.dialects.openai_responses.wire import Item

_TOOLS = ("local_shell", "shell", "apply_patch", "computer")
_LABELS = frozenset(
    ("type", "id", "call_id", "status", "output", "acknowledged_safety_checks", "pending_safety_checks")
)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OUTPUT = msgspec.json.Decoder()


def own_call(item: Item, raw: msgspec.Raw) -> ToolCall | ToolResult | None:
    """The item as a call or a result; None if it is neither."""
    name = item.type.removesuffix("_output").removesuffix("_call")
    if name not in _TOOLS or not item.call_id:
        return None
    fields = _FIELDS.decode(raw)
    if item.type.endswith("_output"):
        return ToolResult(call_id=item.call_id, parts=(_output(fields.get("output", msgspec.Raw(b'""'))),))
    arguments = {key: value for key, value in fields.items() if key not in _LABELS}
    return ToolCall(id=item.call_id, name=name, arguments=msgspec.json.encode(arguments).decode())


def _output(raw: msgspec.Raw) -> Text | Image:
    output: Any = _OUTPUT.decode(raw)
    if isinstance(output, str):
        return Text(text=output)
    if isinstance(output, dict) and isinstance(url := output.get("image_url"), str):
        try:
            return image_of(url, None, "output.image_url")
        except Wrong:
            pass
    return Text(text=bytes(raw).decode())
