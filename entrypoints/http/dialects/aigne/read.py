"""Reading AIGNE's native chat call: `{"input": {"messages", "modelOptions", ...}, "options": {"streaming"}}`.

House rule: the call is translated to OpenAI's dialect first, whose code checks, bounds and translates the rest. A
problem names the field of this API. The shapes are those of the published client `@aigne/aigne-hub`
(https://www.npmjs.com/package/@aigne/aigne-hub, `ChatModelInput` of `@aigne/core`).
"""

import re
from typing import Any, Literal

import msgspec

from domain.model_api.call import ModelCall
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder
from entrypoints.http.dialects.aigne.camel_case import snake
from entrypoints.http.dialects.openai_chat.field_errors import unreadable
from entrypoints.http.dialects.openai_chat.read import read as read_openai

_ROLES = {"agent": "assistant"}
_AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
# Fields for the client itself.
_CLIENTS_OWN = frozenset(("model", "cacheConfig", "preferInputFileType", "reasoningEffort"))
# The efforts for the client's numbers of reasoning tokens: the table in `getReasoningEffort` of `@aigne/openai`.
_EFFORTS = ((5_000, "high"), (1_000, "medium"), (500, "low"), (0, "minimal"))


class _CacheControl(msgspec.Struct):
    type: str = "ephemeral"
    ttl: str | None = None


class _Content(msgspec.Struct, rename="camel"):
    type: Literal["text", "url", "file", "local"]
    text: str | None = None
    is_thinking: bool = False
    url: str | None = None
    data: str | None = None
    filename: str | None = None
    mime_type: str | None = None
    cache_control: _CacheControl | None = None


class _CalledFunction(msgspec.Struct):
    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class _Call(msgspec.Struct):
    id: str
    function: _CalledFunction
    metadata: dict[str, Any] | None = None


class _Message(msgspec.Struct, rename="camel"):
    role: Literal["system", "user", "agent", "tool"]
    content: str | list[_Content] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    cache_control: _CacheControl | None = None


class _Tool(msgspec.Struct, rename="camel"):
    function: dict[str, msgspec.Raw]
    cache_control: _CacheControl | None = None


class _Breakpoints(msgspec.Struct, frozen=True, rename="camel"):
    tools: bool = True
    system: bool = True
    last_message: bool = False


class _CacheConfig(msgspec.Struct, rename="camel"):
    enabled: bool = True
    ttl: str | int = "5m"
    strategy: str = "auto"
    auto_breakpoints: _Breakpoints = _Breakpoints()


class _Format(msgspec.Struct, rename="camel"):
    type: str
    json_schema: msgspec.Raw = msgspec.Raw(b"null")


class _Options(msgspec.Struct, rename="camel"):
    """The model options that need more than another name; every other one keeps its name."""

    model: str
    reasoning_effort: int | str | None = None
    cache_config: _CacheConfig | None = None


class _Input(msgspec.Struct, rename="camel"):
    messages: list[_Message]
    model_options: msgspec.Raw
    tools: list[_Tool] | None = None
    tool_choice: msgspec.Raw = msgspec.Raw(b"null")
    response_format: _Format | None = None


class _CallOptions(msgspec.Struct):
    streaming: bool | None = None


class _Body(msgspec.Struct):
    input: _Input
    options: _CallOptions | None = None


_BODY = JsonDecoder(_Body)
_OPTIONS = JsonDecoder(_Options)
_FIELDS = JsonDecoder(dict[str, msgspec.Raw])
_OPENAI_FIELD = re.compile(r"[a-z_]+")


def read(body: bytes) -> ModelCall | BadRequest:
    """A native call as a call in OpenAI's dialect, or the first problem with it."""
    try:
        known = _BODY.decode(body)
        options, given = _OPTIONS.decode(known.input.model_options), _FIELDS.decode(known.input.model_options)
    except JSON_ERRORS as error:
        return _renamed(unreadable(error))
    wrong = _unreachable_file(known.input.messages)
    if wrong is not None:
        return wrong
    streams = known.options is not None and known.options.streaming is True
    call = read_openai(msgspec.json.encode(_as_openai(known.input, options, given, streams)))
    if isinstance(call, BadRequest):
        return _renamed(call)
    return msgspec.structs.replace(call, dialect="aigne", body_bytes=max(call.body_bytes, len(body)), wants_usage=True)


def _as_openai(requested: _Input, options: _Options, given: dict[str, msgspec.Raw], streams: bool) -> dict[str, Any]:
    cache = options.cache_config or _CacheConfig()
    marks = cache.auto_breakpoints if cache.enabled and cache.strategy == "auto" else None
    mark = _CacheControl(ttl=cache.ttl if isinstance(cache.ttl, str) else None)
    messages = [_message(message) for message in requested.messages]
    tools = [_tool(tool) for tool in requested.tools or ()]
    if marks is not None and marks.system:
        _mark(next((translated for translated in reversed(messages) if translated["role"] == "system"), None), mark)
    if marks is not None and marks.last_message and messages:
        _mark(messages[-1], mark)
    if marks is not None and marks.tools and tools:
        tools[-1].setdefault("cache_control", mark)
    translated: dict[str, Any] = {"model": options.model, "messages": messages, "stream": streams}
    for name, value in given.items():
        if name not in _CLIENTS_OWN and not (name == "parallelToolCalls" and not tools):
            translated[snake(name)] = value
    if options.reasoning_effort is not None:
        translated["reasoning_effort"] = _effort(options.reasoning_effort)
    if tools:
        translated["tools"] = tools
    if bytes(requested.tool_choice) != b"null" and tools:
        translated["tool_choice"] = requested.tool_choice
    if requested.response_format is not None:
        translated["response_format"] = {
            "type": requested.response_format.type,
            "json_schema": requested.response_format.json_schema,
        }
    return translated


def _message(message: _Message) -> dict[str, Any]:
    content: str | list[dict[str, Any]] | None
    if isinstance(message.content, list):
        content = [_part(part) for part in message.content]
    else:
        content = message.content
    translated: dict[str, Any] = {"role": _ROLES.get(message.role, message.role), "content": content}
    if message.tool_calls:
        translated["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        translated["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        translated["name"] = message.name
    if message.cache_control is not None:
        _mark(translated, message.cache_control)
    return translated


def _call(call: _Call) -> dict[str, Any]:
    function = {"name": call.function.name, "arguments": bytes(call.function.arguments).decode()}
    translated: dict[str, Any] = {"id": call.id, "type": "function", "function": function}
    signature = (call.metadata or {}).get("thoughtSignature")
    if isinstance(signature, str):  # Google's models keep their reasoning between turns in it.
        translated["extra_content"] = {"google": {"thought_signature": signature}}
    return translated


def _part(part: _Content) -> dict[str, Any]:
    """A content part; a file without a type is an image, as the client itself takes it."""
    translated: dict[str, Any]
    media_type = part.mime_type or "image/png"
    if part.type == "text":
        kind = "thinking" if part.is_thinking else "text"
        translated = {"type": kind, kind: part.text or ""}
    elif part.type == "url":
        translated = {"type": "image_url", "image_url": {"url": part.url or ""}}
    elif media_type in _AUDIO:
        translated = {"type": "input_audio", "input_audio": {"data": part.data or "", "format": _AUDIO[media_type]}}
    elif media_type.startswith("image/"):
        translated = {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{part.data or ''}"}}
    else:
        name = part.filename or f"document.{media_type.rpartition('/')[2]}"
        translated = {
            "type": "file",
            "file": {"filename": name, "file_data": f"data:{media_type};base64,{part.data or ''}"},
        }
    return translated if part.cache_control is None else {**translated, "cache_control": part.cache_control}


def _tool(tool: _Tool) -> dict[str, Any]:
    translated: dict[str, Any] = {"type": "function", "function": tool.function}
    return translated if tool.cache_control is None else {**translated, "cache_control": tool.cache_control}


def _mark(message: dict[str, Any] | None, mark: _CacheControl) -> None:
    """Let a provider's prompt cache reach to the end of the message; only a part can have the mark."""
    if message is None or not message["content"]:
        return
    if isinstance(message["content"], str):
        message["content"] = [{"type": "text", "text": message["content"]}]
    message["content"][-1].setdefault("cache_control", mark)


def _effort(requested: int | str) -> str:
    if isinstance(requested, str):
        return requested
    return next((effort for tokens, effort in _EFFORTS if requested > tokens), "none")


def _unreachable_file(messages: list[_Message]) -> BadRequest | None:
    """The problem with a file on the caller's own disk, or by a URL that is no image: neither can be sent on."""
    for number, message in enumerate(messages):
        for place, part in enumerate(message.content if isinstance(message.content, list) else ()):
            field = f"input.messages[{number}].content[{place}]"
            if part.type == "local":
                problem = "The hub cannot read files of your machine. Send the data as a part of type file."
                return BadRequest(field=f"{field}.path", problem=problem)
            if part.type == "url" and part.mime_type and not part.mime_type.startswith("image/"):
                problem = f"A {part.mime_type} cannot be sent by URL. Send its data as a part of type file."
                return BadRequest(field=f"{field}.url", problem=problem)
    return None


def _renamed(wrong: BadRequest) -> BadRequest:
    """The problem with the field's name as this API has it."""
    if wrong.field == "input":
        problem = "Send an object with `messages` and `modelOptions`, which names the model."
        return BadRequest(field="input", problem=problem)
    if wrong.field is None or wrong.field.startswith("input"):
        return wrong
    first = _OPENAI_FIELD.match(wrong.field)
    inside = first is not None and first[0] in ("messages", "tools", "tool_choice", "response_format")
    return msgspec.structs.replace(wrong, field=f"input.{'' if inside else 'modelOptions.'}{wrong.field}")
