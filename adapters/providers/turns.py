"""A conversation as Anthropic and Converse have it: what the system says, and then turns of one role after another."""

import msgspec

from domain.dialects.signatures import is_anthropics
from domain.model_api.requests import Message, Part, Reasoning, ResponseFormat, Text

JSON_ALONE = "Answer with one JSON object and nothing else: no text before or after it, and no code fence around it."
"""What OpenAI's JSON mode asks for, where a model can only be told so."""


def split(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """The system's messages before the conversation, and the conversation."""
    for index, message in enumerate(messages):
        if message.role not in ("system", "developer"):
            return messages[:index], messages[index:]
    return messages, ()


def merged(messages: tuple[Message, ...]) -> list[tuple[str, list[Part]]]:
    """The turns: those of one role in a row become one, and what says nothing is left out.

    A last turn of the assistant, which the answer goes on with, must not end in blanks. What the system says within a
    conversation stands in the user's turn at that place: only the newest Claudes take a later system message, and only
    after a user's turn.
    https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
    """
    turns: list[tuple[str, list[Part]]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        parts = [part for part in message.parts if has_content(part)]
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        elif parts:
            turns.append((role, parts))
    if turns and turns[-1][0] == "assistant" and isinstance(last := turns[-1][1][-1], Text):
        turns[-1][1][-1] = msgspec.structs.replace(last, text=last.text.rstrip())
    return turns


def has_content(part: Part) -> bool:
    """Whether a part becomes a block: a text of blanks is rejected, and thinking that the model itself did not sign.

    Blanks with a mark for the prompt cache stand there for its sake: Converse takes them.
    """
    match part:
        case Text():
            return bool(part.text.strip() or (part.text and part.cache_control))
        case Reasoning():
            return is_anthropics(part.signature or part.redacted)
        case _:
            return True


def wants_json_alone(wanted: ResponseFormat | None) -> bool:
    """Whether some JSON is asked for, with no schema that an output could keep to."""
    return wanted is not None and (wanted.mode == "json_object" or (wanted.mode == "json_schema" and not wanted.schema))


def visible_stops(stop: tuple[str, ...]) -> list[str]:
    """The stop sequences that have something visible: "each stop sequence must contain non-whitespace"."""
    return [text for text in stop if text.strip()]
