"""Encode a canonical request for Converse.

House rule: every field that is set is sent, or `refuse` names it and it is left out here. Converse's own fields that no
caller's dialect has (`guardrailConfig`, `performanceConfig`, `requestMetadata`, `additionalModelRequestFields`, …) may
be in the caller's body under Converse's names and are sent unchanged.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

import re
from typing import Any

import msgspec

from adapters.providers.alternating_turns import JSON_ALONE, split, visible_stops, wants_json_alone
from adapters.providers.anthropic.schema import strict_schema
from adapters.providers.bedrock.families import CACHING, CLAUDE, family, model_fields
from adapters.providers.bedrock.names import Names
from adapters.providers.bedrock.provider_blocks import provider_block
from adapters.providers.bedrock.tools import claude_choice, tool_config
from adapters.providers.bedrock.turns import cache_point, system, turns
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.unsupported import cooled, without_blocks
from domain.dialects.claude_generations import SAMPLING, sampling_left_out
from domain.model_api.call import Attempt
from domain.model_api.requests import ChatRequest, ResponseFormat

_ENCODER = msgspec.json.Encoder()
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])

TEMPERATURE_MAX = 1

CONVERSE_FIELDS = (
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
)
"""Converse's own fields, which any caller may send; `additionalModelRequestFields` is merged with the hub's."""

MODEL_FIELDS = "additionalModelRequestFields"

TIERS = {"default": "default", "flex": "flex", "priority": "priority", "standard_only": "default"}
"""Service tiers by OpenAI's and Anthropic's names."""

# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#bedrock-runtime_Converse-request-requestMetadata
_NO_METADATA = re.compile(r"[^a-zA-Z0-9\s:_@$#=/+,.-]")
_METADATA_MAX, _METADATA_CHARACTERS_MAX = 16, 256

_Json = dict[str, Any]


def encode(request: ChatRequest, attempt: Attempt) -> bytes:
    """Return the body: Converse and ConverseStream accept the same one, and the model is in the path."""
    of = family(attempt.target.model)
    cap = attempt.output_cap if attempt.output_cap is not None else request.output_tokens_max
    readable = without_blocks(request, lambda part: provider_block(part, Names()) is not None)
    leading, conversation = split(readable.messages)
    left_out = sampling_left_out(
        attempt.target.model, [name for name in SAMPLING if getattr(request, name) is not None]
    )
    body = _set_fields(
        messages=_with_last_mark(turns(conversation, of), request, of),
        system=[*system(leading, of), *_json_alone(request)],
        inferenceConfig=_set_fields(
            maxTokens=cap,
            temperature=None if "temperature" in left_out else cooled(request.temperature, TEMPERATURE_MAX),
            topP=None if "top_p" in left_out else request.top_p,
            stopSequences=visible_stops(request.stop) if of == CLAUDE else list(request.stop),
        ),
        toolConfig=tool_config(request, of),
        outputConfig=_output_config(request.response_format, of),
        serviceTier=_service_tier(request.extra),
        requestMetadata=_metadata(request),
        additionalModelRequestFields=_joined(
            _set_fields(**model_fields(request, attempt.target.model, cap), tool_choice=claude_choice(request, of)),
            request.extra.get(MODEL_FIELDS),
        ),
        # Claude reports the stop sequence only on request.
        additionalModelResponseFieldPaths=["/stop_sequence"] if request.stop and of == CLAUDE else None,
    )
    return _ENCODER.encode(body | {name: request.extra[name] for name in CONVERSE_FIELDS if name in request.extra})


def _set_fields(**fields: Any) -> _Json:
    return {name: value for name, value in fields.items() if value is not None and value not in ({}, [])}


def _json_alone(request: ChatRequest) -> list[_Json]:
    """Return OpenAI's JSON mode as an instruction: Converse has no such mode without a schema."""
    return [{"text": JSON_ALONE}] if wants_json_alone(request.response_format) else []


def _output_config(wanted: ResponseFormat | None, of: str) -> _Json | None:
    """Return the structured output with its schema as a JSON string; Claude's has the limits of Anthropic's API.

    https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
    """
    if wanted is None or wanted.mode != "json_schema" or wanted.schema is None:
        return None
    schema = strict_schema(wanted.schema) if of == CLAUDE else wanted.schema
    output = _set_fields(schema=_ENCODER.encode(schema).decode(), name=wanted.name)
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": output}}}


def tier_of(value: msgspec.Raw) -> str | None:
    """Return Converse's name of a service tier, or None if it has none."""
    return TIERS.get(bytes(value).strip(b' "\t\r\n').decode(errors="replace"))


def _service_tier(extra: dict[str, msgspec.Raw]) -> _Json | None:
    tier = tier_of(extra["service_tier"]) if "service_tier" in extra else None
    return None if tier is None else {"type": tier}


def _metadata(request: ChatRequest) -> _Json | None:
    """Return labels for the operator's invocation logs: OpenAI's `metadata` and the caller's user id.

    Characters that Converse does not allow are replaced, because a label is no reason to reject a call.
    """
    try:
        metadata = msgspec.json.decode(request.extra.get("metadata", b"{}"), type=dict[str, Any])
    except DECODE_ERRORS:
        metadata = {}
    labels = {_label(name): _label(value) for name, value in metadata.items() if name and isinstance(value, str)}
    if request.user is not None:
        labels["user_id"] = _label(request.user)
    return dict(list(labels.items())[-_METADATA_MAX:]) or None


def _label(text: str) -> str:
    return _NO_METADATA.sub("_", text)[:_METADATA_CHARACTERS_MAX]


def _joined(ours: _Json, theirs: msgspec.Raw | None) -> _Json:
    """Merge the hub's fields for the model with the caller's, one level deep; the caller's values win."""
    if theirs is None:
        return ours
    joined: _Json = dict(ours)
    for name, value in _FIELDS.decode(theirs).items():
        before = joined.get(name)
        if isinstance(before, dict) and bytes(value)[:1] == b"{":
            joined[name] = {**before, **_FIELDS.decode(value)}
        else:
            joined[name] = value
    return joined


def _with_last_mark(messages: list[_Json], request: ChatRequest, of: str) -> list[_Json]:
    """Apply the request's own `cache_control`, which in Anthropic's API marks the last block."""
    mark = request.extra.get("cache_control")
    if mark is None or of not in CACHING or not messages:
        return messages
    content = messages[-1]["content"]
    if not {"cachePoint", "document", "video"} & content[-1].keys():
        content.append(cache_point(mark))
    return messages
