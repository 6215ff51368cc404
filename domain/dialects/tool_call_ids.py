"""Ids of tool calls in the form that a provider accepts: each vendor has its own.

A call and its result get the same id, different ids stay different, and a fitting id is unchanged. So the ids of a
conversation are the same on every turn, which prompt caches rely on.
"""

import re
from functools import lru_cache
from hashlib import sha256

import msgspec

_DIGEST_SIZE = 16
_SIZE_USUAL = 64


class IdForm(msgspec.Struct, frozen=True):
    """The form of tool-call ids.

    `characters` is a regular expression's class of those that are allowed. An id has at most `size_max` of them (None:
    any number), or exactly that many.
    """

    characters: str = r"\s\S"
    size_max: int | None = _SIZE_USUAL
    exact: bool = False


ANTHROPIC_IDS = IdForm(characters="a-zA-Z0-9_-", size_max=None)
"""`tool_use.id`: "String should match pattern '^[a-zA-Z0-9_-]+$'"."""

CONVERSE_IDS = IdForm(characters="a-zA-Z0-9_.:-")
"""https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html"""

OPENAI_CHAT_IDS = IdForm(size_max=40)
"""`tool_calls[].id`: "string too long. Expected a string with maximum length 40"."""

OPENAI_RESPONSES_IDS = IdForm()
"""`call_id`: "string too long. Expected a string with maximum length 64"."""

MISTRAL_IDS = IdForm(characters="a-zA-Z0-9", size_max=9, exact=True)
"""`tool_calls[].id`: "must be a-z, A-Z, 0-9, with a length of 9"."""


@lru_cache(maxsize=4096)  # A conversation repeats its ids on every turn.
def fitted_id(call_id: str, form: IdForm) -> str:
    """The id in this form; unchanged if it fits, else made from it and its digest.

    `functions.get_weather:0` is `functions_get_weather_0_fc2a21ff5ee54e2d` where only letters, digits, `_` and `-` are
    allowed.
    """
    size = form.size_max or _SIZE_USUAL
    fewest, most = (size if form.exact else 1), (form.size_max or "")
    if re.fullmatch(f"[{form.characters}]{{{fewest},{most}}}", call_id):
        return call_id
    digest = sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()
    if form.exact:
        return digest[:size]
    readable = re.sub(f"[^{form.characters}]", "_", call_id)[: size - _DIGEST_SIZE - 1]
    return f"{readable}_{digest[:_DIGEST_SIZE]}"
