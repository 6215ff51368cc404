"""AIGNE's camel case and the snake case of all other dialects."""

import re

import msgspec

from domain.model_api.call import ModelCall
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS
from entrypoints.http.dialects.openai_chat.read import read

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
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
    if all(name.islower() for name in fields):
        return read(body)
    renamed = {snake(name): value for name, value in fields.items()} | {n: v for n, v in fields.items() if n.islower()}
    return read(msgspec.json.encode(renamed))
