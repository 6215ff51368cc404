"""Encode a canonical request for OpenAI's Responses API, and name its fields that the API does not have.

House rule: every field that is set is sent, or named by `unsupported_fields`. The hub keeps no state at the provider:
it requests `store: false` and the encrypted reasoning, which the caller sends back with the next turn.

https://developers.openai.com/api/reference/resources/responses/methods/create
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.providers.input_schema import input_schema
from adapters.providers.openai.encode import user_of
from adapters.providers.openai.fitting import effort_of
from adapters.providers.openai_responses.failure import NAME
from adapters.providers.openai_responses.turns import items, keeps, unsupported_parts
from adapters.providers.unsupported import refusing, unsupported_settings, without_blocks
from domain.dialects.unsupported_params import SENT, Lack
from domain.model_api.call import Attempt
from domain.model_api.requests import ChatRequest, ResponseFormat, Tool, ToolChoice

# Fields of chat completions that have the same name and meaning here.
_SAME = SENT[NAME] - {"logprobs", "user", "verbosity"}
# Models without reasoning answer 400 to a request for its encrypted form.
_WITHOUT_REASONING = ("gpt-3", "gpt-4", "chatgpt-", "computer-use-preview")
_LOGPROBS = "message.output_text.logprobs"
_ENCRYPTED = "reasoning.encrypted_content"


def unsupported_fields(request: ChatRequest) -> Iterator[Lack]:
    """Yield every field that this dialect does not have."""
    yield from unsupported_parts(request)
    yield from unsupported_settings(request, NAME)


refuses = refusing(unsupported_fields, NAME)


def encode(request: ChatRequest, attempt: Attempt) -> bytes:
    """Return the request body, without the fields that `unsupported_fields` names."""
    request = without_blocks(request, keeps)
    body: dict[str, Any] = {"model": attempt.target.model, "input": items(request.messages)}
    tools: list[Any] = [_tool(tool) for tool in request.tools]
    plain = {
        "tools": tools or None,
        "tool_choice": None if request.tool_choice is None else _tool_choice(request.tool_choice, request.tools),
        "parallel_tool_calls": request.parallel_tool_calls,
        "max_output_tokens": attempt.output_cap if attempt.output_cap is not None else request.output_tokens_max,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "user": request.user,
        "text": _text(request),
        "reasoning": None if request.thinking is None else {"effort": effort_of(request.thinking)},
        "include": _include(attempt.target.model, request.extra) or None,
        "store": False,
        "stream": True if request.stream else None,
    }
    body.update((name, value) for name, value in plain.items() if value is not None)
    _add_extra(body, request.extra)
    return msgspec.json.encode(body)


def _include(model: str, extra: dict[str, msgspec.Raw]) -> list[str]:
    included = [] if model.rpartition("/")[2].startswith(_WITHOUT_REASONING) else [_ENCRYPTED]
    return [*included, _LOGPROBS] if bytes(extra.get("logprobs", b"")) == b"true" else included


def _tool(tool: Tool) -> dict[str, Any]:
    """Return a custom tool or a function, which is not strict unless requested; this API's own default is strict.

    https://developers.openai.com/api/docs/guides/migrate-to-responses
    """
    if tool.custom is not None:
        encoded = {"type": "custom", "name": tool.name, **msgspec.structs.asdict(tool.custom)}
        return {name: value for name, value in encoded.items() if value is not None}
    function: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = None if tool.parameters is None else input_schema(tool.parameters)
    function["strict"] = bool(tool.strict)
    return function


def _tool_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> str | dict[str, Any]:
    if choice.mode != "tool":
        return choice.mode
    custom = any(tool.name == choice.name and tool.custom is not None for tool in tools)
    return {"type": "custom" if custom else "function", "name": choice.name}


def _text(request: ChatRequest) -> dict[str, Any] | None:
    """Return the format of the text and its verbosity."""
    text: dict[str, Any] = {}
    if request.response_format is not None:
        text["format"] = _format(request.response_format)
    if "verbosity" in request.extra:
        text["verbosity"] = request.extra["verbosity"]
    return text or None


def _format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.mode != "json_schema":
        return {"type": wanted.mode}
    # OpenAI requires a name; other dialects have none.
    schema: dict[str, Any] = {"type": "json_schema", "name": wanted.name or "answer"}
    if wanted.schema is not None:
        schema["schema"] = wanted.schema
    schema["strict"] = bool(wanted.strict)
    return schema


def _add_extra(body: dict[str, Any], extra: dict[str, msgspec.Raw]) -> None:
    """Add the fields of the caller's dialect that exist here; Anthropic's are converted as for chat completions."""
    for name, value in extra.items():
        if name == "metadata" and (user := user_of(value)) is not None:
            if user.user_id is not None:
                body.setdefault("user", user.user_id)
        elif name == "service_tier" and bytes(value) == b'"standard_only"':
            body[name] = "default"
        elif name in _SAME:
            body[name] = value
