"""A request of Gemini's API in canonical words, for a provider of another dialect.

House rule: every field that is set is read into its canonical place, or kept by name in `extra`, where the provider's
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
    """The call in canonical words, or what in it is malformed."""
    try:
        return _request(call)
    except Malformed as malformed:
        return malformed.problem


def _request(call: ModelCall) -> ChatRequest:
    fields = call.fields
    asked = wishes(fields.get("generationConfig"))
    extra: Json = {}
    functions, choice = chosen(fields.get("toolConfig"), tools(fields.get("tools"), extra))
    return ChatRequest(
        model=call.model,
        messages=instruction(fields.get("systemInstruction"))
        + messages(fields["contents"], detail_of(asked.resolution)),
        tools=functions,
        tool_choice=choice,
        output_tokens_max=call.output_tokens_max,
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        stop=asked.stop,
        choices=call.choices,
        seed=asked.seed,
        response_format=asked.response_format,
        thinking=asked.thinking,
        stream=call.stream,
        extra=extra | _rest(fields) | asked.extra,
    )


def _rest(fields: Json) -> Json:
    """The top-level fields without a canonical place."""
    told = {name: value for name, value in fields.items() if name not in _READ_ALREADY}
    if "serviceTier" in told:
        told["service_tier"] = told.pop("serviceTier")
    return {name: value for name, value in told.items() if bytes(value) not in (b"false", b"[]", b"{}", b'""')}
