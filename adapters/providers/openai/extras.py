"""What answers in OpenAI's dialect may have beside text, thinking and calls of functions, as events."""

from typing import Any

import msgspec

from adapters.providers.openai.failure import NAME
from adapters.providers.openai.tool_calls import CustomTool, Piece
from domain.model_api.events import AudioDelta, Event, ProviderBlock, TextDelta


def heard(audio: dict[str, Any], choice: int) -> list[Event]:
    """What was spoken: other dialects can say its words.

    https://developers.openai.com/api/docs/guides/audio
    """
    events: list[Event] = []
    words, data = audio.get("transcript"), audio.get("data")
    if isinstance(words, str) and words:
        events.append(TextDelta(text=words, choice=choice))
    if isinstance(data, str) and data:
        events.append(AudioDelta(byte_count=len(data) // 4 * 3))
    return events


def asides(name: str, told: Any, choice: int) -> list[Event]:
    """OpenRouter's images, and what Groq's compound models ran: neither is counted as text."""
    blocks = [msgspec.Raw(msgspec.json.encode(each)) for each in told] if isinstance(told, list) else []
    return [ProviderBlock(dialect=NAME, name=name, block=block, choice=choice, generated=False) for block in blocks]


def custom_call(choice: int, piece: Piece, custom: CustomTool) -> ProviderBlock:
    """A custom tool takes free text, not JSON, so only OpenAI has a word for its call."""
    block = {"id": piece.id, "type": "custom", "custom": {"name": custom.name, "input": custom.input}}
    return ProviderBlock(
        dialect=NAME, name="custom_tool_call", block=msgspec.Raw(msgspec.json.encode(block)), choice=choice
    )
