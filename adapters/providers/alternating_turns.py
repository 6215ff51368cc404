"""A conversation as Anthropic and Converse have it: the system prompt, then alternating turns."""

import msgspec

from domain.dialects.signatures import is_anthropics
from domain.model_api.requests import Message, Part, Reasoning, ResponseFormat, Text

JSON_ALONE = "Answer with one JSON object and nothing else: no text before or after it, and no code fence around it."
"""OpenAI's JSON mode as an instruction, for models that have no such mode."""


def with_a_turn(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the messages with the last as the user's if all are the system's: these vendors require a turn."""
    if not messages or any(message.role not in ("system", "developer") for message in messages):
        return messages
    return (*messages[:-1], msgspec.structs.replace(messages[-1], role="user"))


def split(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Return the system messages before the conversation, and the conversation."""
    messages = with_a_turn(messages)
    for index, message in enumerate(messages):
        if message.role not in ("system", "developer"):
            return messages[:index], messages[index:]
    return messages, ()


def merged(messages: tuple[Message, ...]) -> list[tuple[str, list[Part]]]:
    """Return the turns: adjacent turns of one role are joined, and turns without content are left out.

    A last assistant turn, which the answer continues, must not end in white space. A system message inside the
    conversation is in the user's turn at that place: only the newest Claude models accept a later system message, and
    only after a user's turn. https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
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
    """Whether a part becomes a block: blank text is rejected, and so is reasoning that the model did not sign.

    Blank text with a cache mark is kept for the mark: Converse accepts it.
    """
    match part:
        case Text():
            return bool(part.text.strip() or (part.text and part.cache_control))
        case Reasoning():
            return is_anthropics(part.signature or part.redacted)
        case _:
            return True


def wants_json_alone(wanted: ResponseFormat | None) -> bool:
    """Whether JSON without a schema is requested."""
    return wanted is not None and (wanted.mode == "json_object" or (wanted.mode == "json_schema" and not wanted.schema))


def visible_stops(stop: tuple[str, ...]) -> list[str]:
    """Return the stop sequences that are not blank: "each stop sequence must contain non-whitespace"."""
    return [text for text in stop if text.strip()]
