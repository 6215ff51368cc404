"""Other content of answers in OpenAI's dialect as events: not text, reasoning or function calls."""

from typing import Any

import msgspec

from adapters.providers.openai.failure import NAME
from adapters.providers.openai.tool_calls import CustomTool, ToolCallChunk
from domain.model_api.events import AudioDelta, Event, ProviderBlock, TextDelta


def audio_events(audio: dict[str, Any], choice: int) -> list[Event]:
    """Return the transcript as text, which other dialects can express, and the audio.

    https://developers.openai.com/api/docs/guides/audio
    """
    events: list[Event] = []
    transcript, data = audio.get("transcript"), audio.get("data")
    if isinstance(transcript, str) and transcript:
        events.append(TextDelta(text=transcript, choice=choice))
    if isinstance(data, str) and data:
        events.append(AudioDelta(byte_count=len(data) // 4 * 3))
    return events


def other_blocks(name: str, values: Any, choice: int) -> list[Event]:
    """Return OpenRouter's images, or the tools that Groq's compound models ran, which are not counted as text."""
    blocks = [msgspec.Raw(msgspec.json.encode(each)) for each in values] if isinstance(values, list) else []
    return [ProviderBlock(dialect=NAME, name=name, block=block, choice=choice, generated=False) for block in blocks]


def custom_call(choice: int, chunk: ToolCallChunk, custom: CustomTool) -> ProviderBlock:
    """Return the call of a custom tool as a block: it takes free text, which only OpenAI's dialect has a field for."""
    block = {"id": chunk.id, "type": "custom", "custom": {"name": custom.name, "input": custom.input}}
    return ProviderBlock(
        dialect=NAME, name="custom_tool_call", block=msgspec.Raw(msgspec.json.encode(block)), choice=choice
    )
