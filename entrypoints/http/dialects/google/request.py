"""A request of Gemini's API in canonical form, for a provider of another dialect.

House rule: every field that is set becomes its canonical field, or is kept by name in `extra`, where the provider's
dialect expresses it, leaves it out or refuses it.

https://ai.google.dev/api/generate-content
"""

from domain.model_api.call import ModelCall
from domain.model_api.requests import ChatRequest
from domain.refusals import BadRequest
from entrypoints.http.dialects.google.config import wishes
from entrypoints.http.dialects.google.content import detail_of, instruction, messages
from entrypoints.http.dialects.google.json_names import Json, Malformed
from entrypoints.http.dialects.google.tools import chosen, tools

_READ_ALREADY = ("contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "model")


def to_request(call: ModelCall) -> ChatRequest | BadRequest:
    """The call in canonical form, or its first malformed field."""
    try:
        return _request(call)
    except Malformed as malformed:
        return malformed.problem


def _request(call: ModelCall) -> ChatRequest:
    fields = call.fields
    requested = wishes(fields.get("generationConfig"))
    extra: Json = {}
    functions, choice = chosen(fields.get("toolConfig"), tools(fields.get("tools"), extra))
    return ChatRequest(
        model=call.model,
        messages=instruction(fields.get("systemInstruction"))
        + messages(fields["contents"], detail_of(requested.resolution)),
        tools=functions,
        tool_choice=choice,
        output_tokens_max=call.output_tokens_max,
        temperature=requested.temperature,
        top_p=requested.top_p,
        top_k=requested.top_k,
        stop=requested.stop,
        choices=call.choices,
        seed=requested.seed,
        response_format=requested.response_format,
        thinking=requested.thinking,
        stream=call.stream,
        extra=extra | _rest(fields) | requested.extra,
    )


def _rest(fields: Json) -> Json:
    """The top-level fields without a canonical field."""
    rest = {name: value for name, value in fields.items() if name not in _READ_ALREADY}
    if "serviceTier" in rest:
        rest["service_tier"] = rest.pop("serviceTier")
    return {name: value for name, value in rest.items() if bytes(value) not in (b"false", b"[]", b"{}", b'""')}
