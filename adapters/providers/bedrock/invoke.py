"""Bedrock's older InvokeModel and InvokeModelWithResponseStream with Claude: Anthropic's messages in AWS's envelope.

House rule: the content is Anthropic's, so callers of its dialect pass through. Only the envelope differs: the model is
in the path and the version in the body, and a stream's events are inside AWS's messages.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
"""

import base64
from typing import Any
from urllib.parse import quote

import msgspec

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.anthropic.encode import request_fields
from adapters.providers.anthropic.fitting import fit
from adapters.providers.anthropic.hosted_tool_bounds import bounded_tools
from adapters.providers.anthropic.stream import State
from adapters.providers.bedrock.failure import exception, failure, malformed
from adapters.providers.bedrock.families import BETAS
from adapters.providers.bedrock.framing import EXCEPTION, MALFORMED, EventStreamFramer
from adapters.providers.bedrock.signing import headers, sign
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import ProviderDialect, ServerEvent
from adapters.providers.lenient_json import Lenient
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.events import Broken, Event
from domain.model_api.requests import ChatRequest

NAME = "bedrock-invoke"
_VERSION = {"anthropic_version": "bedrock-2023-05-31"}
# Fields that the path replaces.
_IN_PATH = ("model", "stream")
_ENCODER = msgspec.json.Encoder()


class _Chunk(msgspec.Struct, frozen=True):
    bytes: str = ""


class _Typed(msgspec.Struct, frozen=True):
    type: str = ""


_CHUNK = Lenient(_Chunk)
_TYPED = Lenient(_Typed)


class InvokeFramer(EventStreamFramer):
    """Framer of AWS's event stream whose chunks are Anthropic's events, rewritten in Anthropic's own framing."""

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Return the events that `data` completes."""
        return [_opened(event) if event.name == "chunk" else event for event in super().feed(data)]


def path(model: str, stream: bool) -> str:
    """Return the path with the model fully quoted, as with Converse."""
    return f"model/{quote(model, safe='')}/invoke{'-with-response-stream' if stream else ''}"


def pass_through(call: ModelCall, attempt: Attempt) -> bytes:
    """Return the caller's fields, byte for byte, in Bedrock's envelope, with the betas that Bedrock accepts."""
    fields: dict[str, Any] = _VERSION | {name: raw for name, raw in call.fields.items() if name not in _IN_PATH}
    if attempt.output_cap is not None:
        fields["max_tokens"] = attempt.output_cap
    if attempt.uses_cap is not None:
        fields["tools"] = bounded_tools(call.fields["tools"], attempt.uses_cap)
    sent = (value for name, value in call.relay_headers if name == "anthropic-beta")
    betas = _betas(beta.strip() for value in sent for beta in value.split(","))
    return _ENCODER.encode(fit(fields | betas, attempt.target.model, known=True))


def encode(request: ChatRequest, attempt: Attempt) -> bytes:
    """Return a canonical request in Anthropic's dialect and Bedrock's envelope."""
    fields = {name: value for name, value in request_fields(request, attempt).items() if name not in _IN_PATH}
    return _ENCODER.encode(_VERSION | fields | _betas(request.betas))


def step(state: State, event: ServerEvent) -> tuple[State, tuple[Event, ...]]:
    """Fold one of Anthropic's events, or AWS's exception."""
    if event.name.startswith(EXCEPTION):
        return state, (Broken(failure=exception(event.name.removeprefix(EXCEPTION), event.data)),)
    if event.name == MALFORMED:
        return state, (Broken(failure=malformed(f"the event stream is damaged: {event.data.decode()}")),)
    return ANTHROPIC.step(state, event)


def _betas(names: Any) -> dict[str, Any]:
    known = [name for name in names if name in BETAS]
    return {"anthropic_beta": known} if known else {}


def _opened(event: ServerEvent) -> ServerEvent:
    try:
        event_bytes = base64.b64decode(_CHUNK.decode(event.data).bytes, validate=True)
        name = _TYPED.decode(event_bytes).type
    except DECODE_ERRORS as problem:
        return ServerEvent(MALFORMED, str(problem).encode(), b"")
    return ServerEvent(name, event_bytes, b"event: %b\ndata: %b\n\n" % (name.encode(), event_bytes))


BEDROCK_INVOKE = ProviderDialect(
    name=NAME,
    path=path,
    headers=headers,
    sign=sign,
    pass_through=pass_through,
    encode=encode,
    refuses=ANTHROPIC.refuses,
    unsupported=ANTHROPIC.unsupported,
    decode=ANTHROPIC.decode,
    start=ANTHROPIC.start,
    step=step,
    failure=failure,
    framer=InvokeFramer,
)
