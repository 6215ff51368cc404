"""`generationConfig` of Gemini's API as canonical fields.

https://ai.google.dev/api/generate-content#generationconfig
"""

from typing import Any

import msgspec

from domain.model_api.requests import ResponseFormat, Thinking
from domain.refusals import BadRequest
from entrypoints.http.dialects.google.json_names import Json, Malformed, fields_of, first_of, take, value_of
from entrypoints.http.dialects.google.schema import json_schema

PATH = "generationConfig"
_DYNAMIC = -1
# Fields that `read` has checked, and the number of choices, which is a field of the call.
_READ_ALREADY = ("maxOutputTokens", "candidateCount")
_FALSE = msgspec.Raw(b"false")


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """The options. `extra` has those that only some dialects can express, by OpenAI's name if there is one."""

    temperature: msgspec.Raw | None = None
    top_p: msgspec.Raw | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    response_format: ResponseFormat | None = None
    thinking: Thinking | None = None
    resolution: str | None = None
    extra: Json = {}


def wishes(raw: msgspec.Raw | None) -> Wishes:
    """The config's fields; raises `Malformed`."""
    if raw is None:
        return Wishes()
    fields = fields_of(raw, PATH)
    for name in _READ_ALREADY:
        fields.pop(name, None)
    return Wishes(
        temperature=_number(fields, "temperature"),
        top_p=_number(fields, "topP"),
        top_k=_whole(fields, "topK"),
        stop=tuple(take(fields, "stopSequences", list[str], PATH) or ()),
        seed=_whole(fields, "seed"),
        response_format=_format(fields),
        thinking=_thinking(fields),
        resolution=take(fields, "mediaResolution", str, PATH),
        extra=_extra(fields),
    )


def _number(fields: Json, name: str) -> msgspec.Raw | None:
    """A number as it is written, never as a binary fraction."""
    raw = fields.pop(name, None)
    if raw is not None and first_of(raw) not in b"-0123456789":
        raise Malformed(BadRequest(field=f"{PATH}.{name}", problem="Send a number, or leave it out."))
    return raw


def _whole(fields: Json, name: str) -> int | None:
    """A whole number, which Google's SDKs may write as 40.0."""
    number = _number(fields, name)
    return None if number is None else int(value_of(number, int | float, f"{PATH}.{name}"))


def _format(fields: Json) -> ResponseFormat | None:
    """The output format JSON, by a schema of either kind; an enumeration is a schema of its own."""
    media_type: str | None = take(fields, "responseMimeType", str, PATH)
    own = fields.pop("responseSchema", None)
    standard = fields.pop("responseJsonSchema", None) or fields.pop("_responseJsonSchema", None)
    schema = standard if own is None else json_schema(own, f"{PATH}.responseSchema")
    if media_type == "text/x.enum":
        fields["responseMimeType"] = msgspec.Raw(msgspec.json.encode(media_type))
        return None
    if schema is not None:
        return ResponseFormat(mode="json_schema", schema=schema)
    return ResponseFormat(mode="json_object") if media_type == "application/json" else None


def _thinking(fields: Json) -> Thinking | None:
    """The reasoning: a budget of 0 is none, a budget of -1 leaves it to the model; a level is an effort.

    https://ai.google.dev/gemini-api/docs/thinking
    """
    raw = fields.pop("thinkingConfig", None)
    if raw is None:
        return None
    path = f"{PATH}.thinkingConfig"
    config = fields_of(raw, path)
    shown: bool = take(config, "includeThoughts", bool, path) or False
    budget: int | None = take(config, "thinkingBudget", int, path)
    level: str | None = take(config, "thinkingLevel", str, path)
    if level is not None and level.upper() != "THINKING_LEVEL_UNSPECIFIED":
        return Thinking(effort=level.lower(), implicit=not shown)
    if budget == 0:
        return Thinking(enabled=False)
    if budget is not None and budget != _DYNAMIC:
        return Thinking(tokens_max=budget)
    return Thinking() if shown or budget == _DYNAMIC else None


def _extra(fields: Json) -> Json:
    """The rest: logprobs, penalties and modalities in OpenAI's fields, anything else by Google's own name."""
    reported: Json = {}
    for name, value in fields.items():
        match name:
            case "presencePenalty" | "frequencyPenalty":
                reported[f"{name.removesuffix('Penalty')}_penalty"] = value
            case "responseLogprobs":
                if bytes(value) != bytes(_FALSE):
                    reported["logprobs"] = value
            case "logprobs":
                reported["top_logprobs"] = value
            case "responseModalities":
                modalities = [entry.lower() for entry in value_of(value, list[str], f"{PATH}.{name}")]
                if modalities and modalities != ["text"]:
                    reported["modalities"] = _raw(modalities)
            case _:
                if bytes(value) not in (b"false", b"[]", b"{}"):
                    reported[f"{PATH}.{name}"] = value
    return reported


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
