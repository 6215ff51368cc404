"""A second reading of Converse's JSON, written without the hub's, and its requests in the words of two other dialects.

It may be slow and it may raise; it must not share a line with what it checks.
"""

import base64
import json
from typing import Any

from tests.recordings.naive import Said
from tests.support.eventstream import read

STOPS = {"end_turn": "stop", "stop_sequence": "stop", "tool_use": "tool_calls", "max_tokens": "length"}
_MEDIA = {"txt": "text/plain", "pdf": "application/pdf", "csv": "text/csv"}


class NoWord(Exception):
    """The caller's dialect has no word for this kind of block."""


def blocks_of(body: bytes, streamed: bool) -> tuple[list[dict[str, Any]], str, dict[str, Any]]:
    """The content blocks of an answer, why it stopped, and its usage."""
    if not streamed:
        whole = json.loads(body)
        return whole["output"]["message"]["content"], whole["stopReason"], whole["usage"]
    blocks: dict[int, dict[str, Any]] = {}
    stop, usage = "", {}
    for headers, payload in read(body):
        event = json.loads(payload)
        at = event.get("contentBlockIndex", -1)
        match headers[":event-type"]:
            case "contentBlockStart":
                blocks[at] = {"started": event["start"]}
            case "contentBlockDelta":
                _add(blocks.setdefault(at, {}), event["delta"])
            case "messageStop":
                stop = event["stopReason"]
            case "metadata":
                usage = event["usage"]
    return [_put_together(blocks[at]) for at in sorted(blocks)], stop, usage


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    block["text"] = block.get("text", "") + delta.get("text", "")
    block["input"] = block.get("input", "") + (delta.get("toolUse") or {}).get("input", "")
    block["result"] = block.get("result", []) + delta.get("toolResult", [])
    for name, value in (delta.get("reasoningContent") or {}).items():
        thought = block.setdefault("thought", {})
        thought[name] = thought.get(name, "") + value


def _put_together(block: dict[str, Any]) -> dict[str, Any]:
    started = block.get("started", {})
    if "toolUse" in started:
        return {"toolUse": {**started["toolUse"], "input": json.loads(block.get("input") or "{}")}}
    if "toolResult" in started:
        return {"toolResult": {**started["toolResult"], "content": block["result"]}}
    if thought := block.get("thought"):
        if "redactedContent" in thought:
            return {"reasoningContent": thought}
        return {"reasoningContent": {"reasoningText": thought}}
    return {"text": block.get("text", "")}


def units(usage: dict[str, Any]) -> dict[str, int]:
    """Cached tokens stand beside the input; what is nought is left out."""
    reported = {
        "input_tokens": usage["inputTokens"],
        "output_tokens": usage["outputTokens"],
        "cache_read_tokens": usage.get("cacheReadInputTokens", 0),
        "cache_write_tokens": usage.get("cacheWriteInputTokens", 0),
    }
    assert sum(reported.values()) == usage["totalTokens"], usage
    return {name: count for name, count in reported.items() if count}


def calls_of(blocks: list[dict[str, Any]]) -> list[tuple[str, str, Any]]:
    """The calls of the caller's own tools: id, name, input."""
    uses = [block["toolUse"] for block in blocks if "toolUse" in block]
    return [(use["toolUseId"], use["name"], use["input"]) for use in uses if use.get("type") != "server_tool_use"]


def thoughts_of(blocks: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Thinking: text, signature, and what is encrypted, without the wire's base64."""
    reported = []
    for block in blocks:
        if "reasoningContent" in block:
            thought = block["reasoningContent"].get("reasoningText") or {}
            sealed = base64.b64decode(block["reasoningContent"].get("redactedContent", "")).decode()
            reported.append((thought.get("text", ""), thought.get("signature", ""), sealed))
    return reported


def said(body: bytes, streamed: bool) -> Said:
    """What an answer says, in no dialect."""
    blocks, stop, usage = blocks_of(body, streamed)
    return Said(
        text="".join(block.get("text", "") for block in blocks),
        tools=tuple((name, json.dumps(given, sort_keys=True)) for _, name, given in calls_of(blocks)),
        finish=STOPS[stop],
        usage=units(usage),
        thinking="".join(text for text, _, _ in thoughts_of(blocks)),
    )


# --- requests -------------------------------------------------------------------------------------------


def as_openai(request: dict[str, Any], model: str, stream: bool) -> dict[str, Any]:
    """The chat completions request that asks the same."""
    fields = dict(request.get("additionalModelRequestFields") or {})
    requested: dict[str, Any] = {"model": model, "messages": [], "stream": stream}
    if request.get("system"):
        requested["messages"].append({"role": "system", "content": _openai_parts(request["system"])})
    for turn in request["messages"]:
        requested["messages"] += _openai_messages(turn)
    config = request["inferenceConfig"]
    requested |= {"top_p": config["topP"]} if "topP" in config else {}
    requested |= {"temperature": config["temperature"]} if "temperature" in config else {}
    requested |= {"stop": config["stopSequences"]} if "stopSequences" in config else {}
    requested |= {"top_k": fields.pop("inferenceConfig")["topK"]} if "inferenceConfig" in fields else {}
    if effort := fields.pop("reasoning_effort", None) or fields.pop("reasoning_config", None):
        requested["reasoning_effort"] = effort
    elif fields.get("thinking") == {"type": "adaptive"} and "output_config" in fields:
        requested["reasoning_effort"] = fields["output_config"]["effort"]
    elif fields:
        requested["additionalModelRequestFields"] = fields
    if tools := request.get("toolConfig"):
        requested["tools"] = _tools(tools["tools"], lambda spec: {"type": "function", "function": _function(spec)})
        match tools.get("toolChoice"):
            case {"tool": {"name": name}}:
                requested["tool_choice"] = {"type": "function", "function": {"name": name}}
            case {"any": _}:
                requested["tool_choice"] = "required"
            case {"auto": _}:
                requested["tool_choice"] = "auto"
    if output := request.get("outputConfig"):
        schema = output["textFormat"]["structure"]["jsonSchema"]
        wanted = {**schema, "schema": json.loads(schema["schema"]), "strict": True}
        requested["response_format"] = {"type": "json_schema", "json_schema": wanted}
    return requested


def _openai_messages(turn: dict[str, Any]) -> list[dict[str, Any]]:
    results = [block["toolResult"] for block in turn["content"] if "toolResult" in block]
    rest = [block for block in turn["content"] if "toolResult" not in block]
    reported: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": result["toolUseId"], "content": _openai_parts(result["content"])}
        for result in results
    ]
    if not rest:
        return reported
    message: dict[str, Any] = {"role": turn["role"]}
    stated = [block for block in rest if "toolUse" not in block and "reasoningContent" not in block]
    if stated:
        message["content"] = _openai_parts(stated)
    if calls := calls_of(rest):
        message["tool_calls"] = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
            for call_id, name, given in calls
        ]
    if thoughts := thoughts_of(rest):
        message["reasoning_details"] = [
            {"type": "reasoning.encrypted", "data": sealed, "index": n}
            if sealed
            else {"type": "reasoning.text", "text": text, "signature": signature, "index": n}
            for n, (text, signature, sealed) in enumerate(thoughts)
        ]
    return [*reported, message]


def _openai_parts(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for block in blocks:
        match block:
            case {"text": text}:
                parts.append({"type": "text", "text": text})
            case {"json": value}:
                parts.append({"type": "text", "text": json.dumps(value)})
            case {"image": {"format": kind, "source": source}}:
                parts.append({"type": "image_url", "image_url": {"url": _url(f"image/{kind}", source)}})
            case {"document": {"source": {"s3Location": {"uri": uri}}}}:
                parts.append({"type": "file", "file": {"file_id": uri}})
            case {"document": {"name": name, "format": kind, "source": source}}:
                parts.append({"type": "file", "file": {"filename": name, "file_data": _url(_MEDIA[kind], source)}})
            case {"cachePoint": _}:
                parts[-1]["cache_control"] = {"type": "ephemeral"}
            case _:
                raise NoWord(next(iter(block)))
    return parts


def as_anthropic(request: dict[str, Any], model: str, stream: bool) -> dict[str, Any]:
    """The messages request that asks the same; Anthropic demands a cap."""
    fields = dict(request.get("additionalModelRequestFields") or {})
    requested: dict[str, Any] = {"model": model, "stream": stream, "max_tokens": 4096}
    if request.get("system"):
        requested["system"] = _anthropic_blocks(request["system"])
    requested["messages"] = [
        {"role": turn["role"], "content": _anthropic_blocks(turn["content"])} for turn in request["messages"]
    ]
    config = request["inferenceConfig"]
    requested |= {"top_p": config["topP"]} if "topP" in config else {}
    requested |= {"temperature": config["temperature"]} if "temperature" in config else {}
    requested |= {"stop_sequences": config["stopSequences"]} if "stopSequences" in config else {}
    requested |= {"top_k": fields.pop("inferenceConfig")["topK"]} if "inferenceConfig" in fields else {}
    if effort := fields.pop("reasoning_effort", None) or fields.pop("reasoning_config", None):
        fields = {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
    requested |= fields
    if tools := request.get("toolConfig"):
        requested["tools"] = _tools(tools["tools"], _anthropic_tool)
        match tools.get("toolChoice"):
            case {"tool": {"name": name}}:
                requested["tool_choice"] = {"type": "tool", "name": name}
            case {"any": _}:
                requested["tool_choice"] = {"type": "any"}
            case {"auto": _}:
                requested["tool_choice"] = {"type": "auto"}
    if output := request.get("outputConfig"):
        schema = json.loads(output["textFormat"]["structure"]["jsonSchema"]["schema"])
        requested["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    return requested


def _anthropic_blocks(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    reported: list[dict[str, Any]] = []
    for block in blocks:
        match block:
            case {"text": text}:
                reported.append({"type": "text", "text": text})
            case {"json": value}:
                reported.append({"type": "text", "text": json.dumps(value)})
            case {"image": {"format": kind, "source": source}}:
                reported.append({"type": "image", "source": _source(f"image/{kind}", source)})
            case {"document": {"name": name, "format": kind, "source": source}}:
                reported.append({"type": "document", "title": name, "source": _source(_MEDIA[kind], source)})
            case {"toolUse": {"toolUseId": call_id, "name": name, "input": given}}:
                reported.append({"type": "tool_use", "id": call_id, "name": name, "input": given})
            case {"toolResult": {"toolUseId": call_id, "content": content, **rest}}:
                result = {"type": "tool_result", "tool_use_id": call_id, "content": _anthropic_blocks(content)}
                reported.append({**result, "is_error": True} if rest.get("status") == "error" else result)
            case {"reasoningContent": {"redactedContent": data}}:
                reported.append({"type": "redacted_thinking", "data": base64.b64decode(data).decode()})
            case {"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}:
                reported.append({"type": "thinking", "thinking": text, "signature": signature})
            case {"cachePoint": _}:
                reported[-1]["cache_control"] = {"type": "ephemeral"}
            case _:
                raise NoWord(next(iter(block)))
    return reported


def _tools(tools: list[dict[str, Any]], tell: Any) -> list[dict[str, Any]]:
    reported: list[dict[str, Any]] = []
    for tool in tools:
        if "cachePoint" in tool:
            reported[-1]["cache_control"] = {"type": "ephemeral"}
        elif "systemTool" in tool:
            reported.append({"type": tool["systemTool"]["name"]})
        else:
            reported.append(tell(tool["toolSpec"]))
    return reported


def _function(spec: dict[str, Any]) -> dict[str, Any]:
    optional: dict[str, Any] = {name: spec[name] for name in ("description", "strict") if name in spec}
    return {"name": spec["name"], "parameters": spec["inputSchema"]["json"], **optional}


def _anthropic_tool(spec: dict[str, Any]) -> dict[str, Any]:
    optional: dict[str, Any] = {name: spec[name] for name in ("description", "strict") if name in spec}
    return {"name": spec["name"], "input_schema": spec["inputSchema"]["json"], **optional}


def _url(media_type: str, source: dict[str, Any]) -> str:
    return f"data:{media_type};base64,{source['bytes']}" if "bytes" in source else str(source["s3Location"]["uri"])


def _source(media_type: str, source: dict[str, Any]) -> dict[str, Any]:
    if "s3Location" in source:
        return {"type": "url", "url": source["s3Location"]["uri"]}
    if media_type == "text/plain":
        return {"type": "text", "media_type": media_type, "data": base64.b64decode(source["bytes"]).decode()}
    return {"type": "base64", "media_type": media_type, "data": source["bytes"]}


def meaning(request: dict[str, Any]) -> dict[str, Any]:
    """A Converse request without what says nothing: what is empty, what is so anyway, and names of documents."""
    reported = {name: value for name, value in request.items() if value not in ([], {}, None)}
    reported.pop(
        "additionalModelResponseFieldPaths", None
    )  # It asks for more of the answer, and changes nothing in it.
    reported["messages"] = [
        {"role": turn["role"], "content": [_block_meaning(block) for block in turn["content"]]}
        for turn in request["messages"]
    ]
    if output := request.get("outputConfig"):
        schema = dict(output["textFormat"]["structure"]["jsonSchema"])
        described = {"description": schema["description"]} if "description" in schema else {}
        reported["outputConfig"] = {**described, **json.loads(schema["schema"])}
    return reported


def _block_meaning(block: dict[str, Any]) -> dict[str, Any]:
    match block:
        case {"toolResult": result}:
            reported = {**result, "content": [_block_meaning(one) for one in result["content"]]}
            if reported.get("status") == "success":
                del reported["status"]
            return {"toolResult": reported}
        case {"document": document}:
            return {"document": {name: value for name, value in document.items() if name != "name"}}
        case {"json": value}:
            return {"text": json.dumps(value)}
    return block
