"""A conversation as Anthropic and Converse have it: what the system says, and then turns of one role after another."""

from domain.chat import Message, Part, Reasoning, Text
from domain.proofs import is_carrier


def split(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """The system's messages before the conversation, and the conversation."""
    for index, message in enumerate(messages):
        if message.role not in ("system", "developer"):
            return messages[:index], messages[index:]
    return messages, ()


def merged(messages: tuple[Message, ...]) -> list[tuple[str, list[Part]]]:
    """The turns: those of one role in a row become one, and what says nothing is left out."""
    turns: list[tuple[str, list[Part]]] = []
    for message in messages:
        role = "system" if message.role == "developer" else message.role
        parts = [part for part in message.parts if says_something(part)]
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        elif parts:
            turns.append((role, parts))
    return turns


def says_something(part: Part) -> bool:
    """Whether a part becomes a block: empty text is rejected, and thinking that the model itself did not sign."""
    match part:
        case Text():
            return bool(part.text)
        case Reasoning():
            proof = part.signature or part.redacted
            return proof is not None and not is_carrier(proof)
        case _:
            return True
