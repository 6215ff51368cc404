"""Reading the fields of a request of Anthropic's messages API that every call needs.

House rule: two passes over the body and no more; the fields that a plan needs are checked strictly, the rest is kept
as it came. Only fields that could hide input outside the body are read more deeply.

https://platform.claude.com/docs/en/api/messages/create
"""

from typing import Annotated, Literal

import msgspec

from domain.model_api.call import ModelCall
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, WrongForm
from entrypoints.http.dialects.anthropic.input_bounds import (
    Hosted,
    ToolHead,
    hosted_tools,
    stored_elsewhere,
    unseen_content,
)

MODEL_CHARACTERS_MAX = 1024
"""Names of models are kept in the call log; an ARN, the longest kind, fits."""

OUTPUT_TOKENS_MAX = 2**31
"""The largest plausible `max_tokens`."""


class _Block(msgspec.Struct, frozen=True):
    type: str


class _Turn(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[_Block]


class _Head(msgspec.Struct, frozen=True):
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=MODEL_CHARACTERS_MAX)]
    messages: Annotated[list[_Turn], msgspec.Meta(min_length=1)]
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=OUTPUT_TOKENS_MAX)]
    stream: bool = False
    tools: list[ToolHead] | None = None


_FIELDS = JsonDecoder(dict[str, msgspec.Raw])
_HEAD = JsonDecoder(_Head)

UNSET = msgspec.Raw(b"")
"""The default of an optional field that is kept as JSON; msgspec decodes no union of Raw and None."""


def if_set(raw: msgspec.Raw) -> msgspec.Raw | None:
    """An optional field's JSON; null counts as not set."""
    return None if bytes(raw) in (b"", b"null") else raw


def read(body: bytes) -> ModelCall | BadRequest:
    """A body as a call, or the problem with it and its remedy."""
    try:
        if not body.isascii():
            body.decode()  # The parser does not check the texts that it skips.
        fields = _FIELDS.decode(body)
        head = _HEAD.decode(body)
    except JSON_ERRORS as problem:
        return complaint(problem)
    hosted = hosted_tools(head.tools) if head.tools else Hosted()
    images, opaque = unseen_content(body)
    return ModelCall(
        dialect="anthropic",
        model=head.model,
        fields=fields,
        body_bytes=len(body),
        stream=head.stream,
        wants_usage=True,
        output_tokens_max=head.max_tokens,
        cap_field="max_tokens",
        choices=1,
        images=images,
        opaque_input=stored_elsewhere(fields) or opaque,
        hosted_tools=hosted.kinds,
        hosted_uses_max=hosted.uses_max,
        hosted_unbounded=hosted.unbounded,
        hosted_uses_given=hosted.given,
        needs=("documents",) if opaque is not None and opaque.endswith(".source") else (),
    )


# --- problems -----------------------------------------------------------------------------------------

_REMEDIES = {
    "model": 'give the name of a model, such as "claude-sonnet-4-5"',
    "messages": 'give a list with at least one message, such as [{"role": "user", "content": "Hello"}]',
    "role": 'give "user" or "assistant", or "system" after a user\'s turn',
    "content": 'give a string, or a list of content blocks such as {"type": "text", "text": "Hello"}',
    "max_tokens": "give the most output tokens you want, a whole number from 1 upwards",
    "stream": "give true or false, or leave it out",
    "type": 'give the kind of block or tool as a string, such as "text"',
    "system": "give a string or a list of text blocks",
    "tools": 'give a list of tools, each with "name" and "input_schema"',
}


def complaint(problem: Exception, within: str = "") -> BadRequest:
    """The error of decoding, at its path as Anthropic writes it (`messages.0.content`), and the remedy."""
    if isinstance(problem, RecursionError):
        return BadRequest(field=within or None, problem="the JSON is nested too deeply; send a flatter request")
    if not isinstance(problem, WrongForm):
        reason = "it is not UTF-8" if isinstance(problem, UnicodeDecodeError) else str(problem)
        return BadRequest(field=within or None, problem=f"the body is not valid JSON ({reason}); send a JSON object")
    what = "this field is required" if problem.is_missing else problem.problem
    path = ".".join(str(step) for step in (within, *problem.steps) if step != "")
    if not path:
        return BadRequest(field=None, problem=f"the body must be a JSON object: {what}")
    name = next((step for step in reversed(path.split(".")) if not step.isdigit()), "")
    return BadRequest(field=path, problem=f"{what}; {_REMEDIES.get(name, 'give it as the API reference says')}")
