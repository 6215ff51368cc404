"""Recorded requests of Gemini's, said again as a caller of OpenAI's would, and what such a request means.

Written without the hub's code, for the recordings alone: what no recording has is not understood, and raises.
"""

import json
from typing import Any

_SNAKES = {
    "function_call": "functionCall",
    "function_response": "functionResponse",
    "inline_data": "inlineData",
    "file_data": "fileData",
    "mime_type": "mimeType",
    "file_uri": "fileUri",
    "thought_signature": "thoughtSignature",
    "parameters_json_schema": "parametersJsonSchema",
    "thinking_budget": "thinkingBudget",
    "include_thoughts": "includeThoughts",
}
_HOSTED = {
    "googleSearch": "google_search",
    "urlContext": "url_context",
    "codeExecution": "code_execution",
    "fileSearch": "file_search",
}
SKIPPED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="


def camel(value: Any) -> Any:
    """Google takes field names in two cases; this is one. What is data keeps its names."""
    if isinstance(value, list):
        return [camel(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    data = ("args", "response", "parameters", "parametersJsonSchema", "responseJsonSchema", "responseSchema")
    named = {_SNAKES.get(name, name): inner for name, inner in value.items()}
    return {name: inner if name in data else camel(inner) for name, inner in named.items()}


# --- what a request means -------------------------------------------------------------------------------


def meaning(request: dict[str, Any]) -> dict[str, Any]:
    """A request without what says nothing, and with one form for what has several."""
    reported = camel(request)
    config = dict(reported.pop("generationConfig", {}))
    if config.get("responseModalities") == ["TEXT"]:
        del config["responseModalities"]  # as is so anyway
    for name in ("responseJsonSchema", "responseSchema"):
        if name in config:
            config["schema"] = _schema(config.pop(name))
    if "systemInstruction" in reported:
        reported["systemInstruction"] = [part["text"] for part in reported["systemInstruction"]["parts"]]
    tool_config = reported.pop("toolConfig", {})
    tool_config.pop("includeServerSideToolInvocations", None)  # whether to see Google's own tools at work
    calling = tool_config.get("functionCallingConfig", {})
    names = sorted(
        tool["name"] for group in reported.get("tools", ()) for tool in group.get("functionDeclarations", ())
    )
    if sorted(calling.get("allowedFunctionNames", ())) == names:
        calling.pop("allowedFunctionNames", None)  # every function may be called, as without it
    if tool_config.get("functionCallingConfig") in ({"mode": "AUTO"}, {"mode": "VALIDATED"}):
        del tool_config["functionCallingConfig"]  # the model is free, as without it
    return {
        **reported,
        "tools": sorted(_tools(reported.get("tools", ())), key=str),
        "toolConfig": tool_config,
        "generationConfig": config,
        "contents": _turns(reported["contents"]),
    }


def _turns(contents: list[Any]) -> list[Any]:
    """Neighbouring contents of one role say the same as one, but for results, which stand before the rest."""
    turns: list[tuple[str, list[Any]]] = []
    for content in contents:
        if not turns or turns[-1][0] != content["role"]:
            turns.append((content["role"], []))
        turns[-1][1].extend(_part(part) for part in content["parts"])
    return [(role, sorted(parts, key=lambda part: "functionResponse" not in part)) for role, parts in turns]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    reported = dict(part)
    if "thoughtSignature" in reported:  # base64 has two alphabets
        reported["thoughtSignature"] = reported["thoughtSignature"].replace("-", "+").replace("_", "/")
    if "inlineData" in reported:
        data = reported["inlineData"]["data"].replace("-", "+").replace("_", "/")
        media_type = reported["inlineData"]["mimeType"].replace("audio/mpeg", "audio/mp3")
        reported["inlineData"] = {"data": data, "mimeType": media_type}
    if "functionResponse" in reported:
        reported["functionResponse"] = reported["functionResponse"] | {
            "response": _said(reported["functionResponse"]["response"])
        }
        reported["functionResponse"]["parts"] = [
            _part(inner) for inner in reported["functionResponse"].get("parts", ())
        ]
    return reported


def _said(response: dict[str, Any]) -> Any:
    """What a tool said, however it is wrapped, as text or as what the text spells."""
    [*names] = response
    return response[names[0]] if len(names) == 1 and names[0] in ("return_value", "output", "error") else response


def _tools(tools: Any) -> list[Any]:
    reported: list[Any] = []
    for tool in tools:
        for declared in tool.get("functionDeclarations", ()):
            schema = declared.get("parametersJsonSchema", declared.get("parameters"))
            reported.append((declared["name"], declared.get("description") or None, _schema(schema)))
        reported += [{name: camel(value)} for name, value in tool.items() if name != "functionDeclarations"]
    return reported


def _schema(schema: Any) -> Any:
    """OpenAPI's words for types are JSON Schema's in capitals; a function without parameters may have no schema."""
    if isinstance(schema, list):
        return [_schema(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    reported = {name: _schema(value) for name, value in schema.items()}
    if isinstance(reported.get("type"), str):
        reported["type"] = reported["type"].lower()
    return reported


# --- the same as a caller of OpenAI's says it -----------------------------------------------------------


def as_openai(model: str, request: dict[str, Any]) -> dict[str, Any]:
    """The chat completions request that asks for the same."""
    reported = camel(request)
    config, requested = reported.get("generationConfig", {}), dict[str, Any](model=model, messages=[])
    for part in reported.get("systemInstruction", {}).get("parts", ()):
        requested["messages"].append({"role": "system", "content": part["text"]})
    for content in reported["contents"]:
        requested["messages"] += _model(content) if content["role"] == "model" else _user(content)
    requested["tools"] = [called for tool in reported.get("tools", ()) for called in _openai_tools(tool)]
    if (choice := reported.get("toolConfig", {}).get("functionCallingConfig")) is not None:
        requested["tool_choice"] = _openai_choice(choice)
    own = {"cachedContent": "cached_content", "safetySettings": "safety_settings",
           "modelArmorConfig": "model_armor_config"}  # fmt: skip
    google = {name: reported[field] for field, name in own.items() if field in reported}
    if "thinkingConfig" in config:
        google["thinking_config"] = config["thinkingConfig"]
    if google:
        requested["extra_body"] = {"google": google}
    plain = {
        "max_tokens": config.get("maxOutputTokens"),
        "temperature": config.get("temperature"),
        "logprobs": config.get("responseLogprobs"),
        "top_logprobs": config.get("logprobs"),
        "response_format": _openai_format(config),
    }
    return {name: value for name, value in {**requested, **plain}.items() if value not in (None, [])}


def _openai_format(config: dict[str, Any]) -> Any:
    if "responseMimeType" not in config:
        return None
    schema = config.get("responseJsonSchema", config.get("responseSchema"))
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": _schema(schema)}}


def _openai_tools(tool: dict[str, Any]) -> list[Any]:
    reported: list[Any] = []
    for declared in tool.get("functionDeclarations", ()):
        schema = _schema(declared.get("parametersJsonSchema", declared.get("parameters")))
        function = {"name": declared["name"], "description": declared.get("description"), "parameters": schema}
        reported.append({"type": "function", "function": {name: value for name, value in function.items() if value}})
    return reported + [{"type": _HOSTED[name], **value} for name, value in tool.items() if name in _HOSTED]


def _openai_choice(choice: dict[str, Any]) -> Any:
    mode = {"ANY": "required", "AUTO": "auto", "VALIDATED": "auto", "NONE": "none"}[choice["mode"]]
    names = choice.get("allowedFunctionNames")
    if names is None:
        return mode
    if len(names) == 1:
        return {"type": "function", "function": {"name": names[0]}}
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def _model(content: dict[str, Any]) -> list[Any]:
    message: dict[str, Any] = {"role": "assistant", "content": []}
    for part in content["parts"]:
        signature = part.get("thoughtSignature")
        signed = {"extra_content": {"google": {"thought_signature": signature}}} if signature else {}
        if "functionCall" in part:
            call = part["functionCall"]
            function = {"name": call["name"], "arguments": json.dumps(call["args"])}
            message.setdefault("tool_calls", []).append(
                {"id": call["id"], "type": "function", "function": function} | signed
            )
        elif part.get("thought"):
            message["reasoning_content"] = part["text"]
        elif "text" in part:
            message["content"].append({"type": "text", "text": part["text"]})
            message |= signed
        else:
            message.setdefault("provider_blocks", []).append(
                {"dialect": "google", "name": next(name for name in part if name != "thoughtSignature"), "block": part}
            )
    if not message["content"]:
        del message["content"]
    return [message]


def _user(content: dict[str, Any]) -> list[Any]:
    reported: list[Any] = []
    others: list[Any] = []
    for part in content["parts"]:
        if "functionResponse" in part:
            result = part["functionResponse"]
            said = _said(result["response"])
            text = said if isinstance(said, str) else json.dumps(said)
            inside = [_openai_part({name: inner}) for one in result.get("parts", ()) for name, inner in one.items()]
            content_of = [{"type": "text", "text": text}, *inside] if inside else text
            reported.append({"role": "tool", "tool_call_id": result["id"], "content": content_of if said else inside})
        else:
            others.append(_openai_part(part))
    return reported + ([{"role": "user", "content": others}] if others else [])


def _openai_part(part: dict[str, Any]) -> Any:
    if "text" in part:
        return {"type": "text", "text": part["text"]}
    file = part.get("fileData") or {}
    uri, media_type = file.get("fileUri"), (file or part["inlineData"])["mimeType"]
    if uri is None:
        data = part["inlineData"]["data"].replace("-", "+").replace("_", "/")
        if media_type.startswith("audio/"):
            fmt = media_type.removeprefix("audio/").replace("mpeg", "mp3")
            return {"type": "input_audio", "input_audio": {"data": data, "format": fmt}}
        url = f"data:{media_type};base64,{data}"
        if media_type.startswith("image/"):
            return {"type": "image_url", "image_url": {"url": url}}
        return {"type": "file", "file": {"filename": "f", "file_data": url}}
    if media_type.startswith("image/") and not uri.startswith(("gs:", "https://generativelanguage")):
        return {"type": "image_url", "image_url": {"url": uri}}
    if media_type.startswith("video/"):
        return {"type": "video_url", "video_url": {"url": uri}}
    name = media_type.rpartition("/")[2].replace("mpeg", "mp3")
    return {"type": "file", "file": {"file_id": uri, "filename": f"a.{name}"}}
