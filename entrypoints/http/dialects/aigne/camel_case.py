"""AIGNE's camel case and the snake case of all other dialects."""

import re

import msgspec

from domain.model_api.call import ModelCall
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS
from entrypoints.http.dialects.openai_chat.read import read

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
# The only names in camel case inside messages that AIGNE reads.
_IN_MESSAGES = (b"toolCalls", b"toolCallId", b"imageUrl")
_NAMES = frozenset(name.decode() for name in _IN_MESSAGES)
_MESSAGES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def snake(name: str) -> str:
    """`maxTokens` as `max_tokens`."""
    return _HUMP.sub(lambda hump: f"_{hump[1].lower()}", name)


def read_either_case(body: bytes) -> ModelCall | BadRequest:
    """A chat-completions request whose top-level fields may be in camel case; snake case takes precedence."""
    try:
        fields = _FIELDS.decode(body)
    except JSON_ERRORS:
        return read(body)  # It describes the problem.
    messages = fields.get("messages")
    if messages is not None and any(name in bytes(messages) for name in _IN_MESSAGES):
        fields["messages"] = _renamed(messages)
    elif all(name.islower() for name in fields):
        return read(body)
    renamed = {snake(name): value for name, value in fields.items()} | {n: v for n, v in fields.items() if n.islower()}
    return read(msgspec.json.encode(renamed))


def _renamed(messages: msgspec.Raw) -> msgspec.Raw:
    """The messages with the fields of messages and of their parts in snake case; snake case takes precedence."""
    try:
        given = _MESSAGES.decode(messages)
    except JSON_ERRORS:
        return messages  # `read` describes the problem.
    return msgspec.Raw(msgspec.json.encode([_message(message) for message in given]))


def _message(message: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    plain = _in_snake_case(message)
    content = plain.get("content")
    if content is not None and b"imageUrl" in bytes(content):
        try:
            parts = _MESSAGES.decode(content)
        except JSON_ERRORS:
            return plain
        plain["content"] = msgspec.Raw(msgspec.json.encode([_in_snake_case(part) for part in parts]))
    return plain


def _in_snake_case(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    renamed = {snake(name): value for name, value in fields.items() if name in _NAMES}
    renamed |= {name: value for name, value in fields.items() if name not in _NAMES}
    if renamed.get("type") == msgspec.Raw(b'"imageUrl"'):
        renamed["type"] = msgspec.Raw(b'"image_url"')
    return renamed
