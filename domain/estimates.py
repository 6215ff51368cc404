"""How many tokens a request comes to, where nobody counts them: by its texts, at four bytes a token.

What is estimated here is only told, never charged.
"""

import msgspec

from domain.chat import Audio, ChatRequest, Document, Image, Part, Reasoning, Text, ToolCall, ToolResult
from domain.metering import BYTES_PER_TOKEN

# A picture of 1,092 by 1,092 pixels at Anthropic, the largest that it does not scale down; others are near
# (https://platform.claude.com/docs/en/build-with-claude/vision#calculate-image-costs).
TOKENS_PER_IMAGE = 1_590
# Each message and each tool has a few tokens around it.
_BYTES_AROUND = 4 * BYTES_PER_TOKEN


def estimated_input(request: ChatRequest) -> int:
    """The tokens of the input, a picture at 1,590, a file at its bytes: "Hello" in one message is 6."""
    images = sum(_images(part) for message in request.messages for part in message.parts)
    size = sum(_BYTES_AROUND + sum(map(_bytes, message.parts)) for message in request.messages)
    for tool in request.tools:
        size += _BYTES_AROUND + len(f"{tool.name}{tool.description or ''}".encode()) + len(tool.parameters or b"")
    return -(-size // BYTES_PER_TOKEN) + images * TOKENS_PER_IMAGE


def _bytes(part: Part) -> int:
    match part:
        case Text() | Reasoning():
            return len(part.text.encode())
        case Document():
            # Base64 is a third longer than what it says.
            return len((part.text or part.name or "").encode()) + len(part.data or "") * 3 // 4
        case Audio():
            return len(part.data) * 3 // 4
        case ToolCall():
            return len(f"{part.name}{part.arguments}".encode())
        case ToolResult():
            return sum(map(_bytes, part.parts))
        case Image():
            return 0
        case _:
            return len(msgspec.json.encode(part))


def _images(part: Part) -> int:
    if isinstance(part, ToolResult):
        return sum(map(_images, part.parts))
    return int(isinstance(part, Image))
