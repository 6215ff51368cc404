"""What a recorded answer says, read as naively as a test may: the judge of what the hub makes of it.

`Said` has no dialect: the finish is in OpenAI's words, usage is in disjoint units. Nothing here is the hub's code.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

_STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Text, thinking, tool calls (name, arguments), the finish, and what was counted."""

    text: str
    tools: tuple[tuple[str, str], ...]
    finish: str | None
    usage: dict[str, int]
    thinking: str = ""


def events(body: bytes) -> Iterator[Any]:
    """The data of server-sent events."""
    for block in body.decode().replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:].lstrip(" ") for line in block.split("\n") if line.startswith("data:"))
        if data and data != "[DONE]":
            yield json.loads(data)


def _arguments(text: str) -> str:
    """Arguments that compare by meaning."""
    try:
        return json.dumps(json.loads(text or "{}"), sort_keys=True)
    except ValueError:
        return text


def _units(**counts: int) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def openai_usage(usage: dict[str, Any] | None) -> dict[str, int]:
    """OpenAI counts cached tokens inside the prompt and reasoning inside the completion."""
    if not usage:
        return {}
    prompt, completion = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    cached = prompt.get("cached_tokens") or 0
    reasoning = completion.get("reasoning_tokens") or 0
    audio_in, audio_out = prompt.get("audio_tokens") or 0, completion.get("audio_tokens") or 0
    return _units(
        input_tokens=usage["prompt_tokens"] - cached - audio_in - (prompt.get("cache_write_tokens") or 0),
        input_audio_tokens=audio_in,
        cache_read_tokens=cached,
        cache_write_tokens=prompt.get("cache_write_tokens") or 0,
        output_tokens=usage["completion_tokens"] - reasoning - audio_out,
        output_audio_tokens=audio_out,
        reasoning_tokens=reasoning,
        tool_uses=usage.get("tool_uses")
        or (usage.get("server_tool_use_details") or {}).get("web_search_requests")
        or 0,
    )


def anthropic_usage(usage: dict[str, Any]) -> dict[str, int]:
    """Anthropic counts cache reads and writes beside the input, compactions beside everything, thinking inside output."""
    total: dict[str, int] = {}
    for report in (usage, *(part for part in usage.get("iterations") or () if part.get("type") == "compaction")):
        created = report.get("cache_creation") or {}
        hour = created.get("ephemeral_1h_input_tokens") or 0
        for name, count in (
            ("input_tokens", report.get("input_tokens") or 0),
            ("cache_read_tokens", report.get("cache_read_input_tokens") or 0),
            ("cache_write_tokens", (report.get("cache_creation_input_tokens") or 0) - hour),
            ("cache_write_1h_tokens", hour),
            ("output_tokens", report.get("output_tokens") or 0),
        ):
            total[name] = total.get(name, 0) + count
    searches = (usage.get("server_tool_use") or {}).get("web_search_requests") or 0
    thinking = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    total["output_tokens"] -= thinking
    return _units(**total, reasoning_tokens=thinking, tool_uses=searches)


def openai_said(body: bytes, streamed: bool) -> Said:
    """A chat completion, or the chunks of one, with the habits of who is compatible with it."""
    text, thinking, finish, usage = "", "", None, None
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for chunk in events(body) if streamed else [json.loads(body)]:
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or ():
            said = choice.get("delta") or choice.get("message") or {}
            text += _texts(said.get("content")) + (said.get("refusal") or "")
            thinking += _thought(said)
            finish = finish or choice.get("finish_reason")
            for number, call in enumerate(said.get("tool_calls") or ()):
                index = call.get("index", number)
                names[index] = names.get(index) or call["function"].get("name") or ""
                arguments[index] = arguments.get(index, "") + (call["function"].get("arguments") or "")
    finish = finish or (None if streamed else "tool_calls" if names else "stop")  # Snowflake leaves it empty.
    tools = tuple((names[index], _arguments(arguments[index])) for index in sorted(names))
    return Said(text=text, tools=tools, finish=finish, usage=openai_usage(usage), thinking=thinking)


def _texts(content: Any) -> str:
    """Mistral's content may be a list of parts."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if part["type"] == "text")
    return content or ""


def _thought(said: dict[str, Any]) -> str:
    if isinstance(said.get("content"), list):
        parts = [part["thinking"] for part in said["content"] if part["type"] == "thinking"]
        return "".join(inner["text"] for part in parts for inner in part)
    details = said.get("reasoning_details") or ()
    reported = said.get("reasoning_content") or said.get("reasoning")
    return reported or "".join(each.get("text") or each.get("summary") or "" for each in details)


def anthropic_said(body: bytes, streamed: bool) -> Said:
    """A message, or the events of one."""
    if not streamed:
        message = json.loads(body)
        blocks, stop, usage = message["content"], message["stop_reason"], message["usage"]
        given = {at: json.dumps(block.get("input")) for at, block in enumerate(blocks)}
    else:
        blocks, stop, usage, given = [], None, {}, {}
        for event in events(body):
            match event["type"]:
                case "message_start":
                    usage = dict(event["message"]["usage"])
                case "content_block_start":
                    blocks.append(dict(event["content_block"]))
                    given[event["index"]] = ""
                case "content_block_delta" if event["delta"]["type"] == "text_delta":
                    blocks[event["index"]]["text"] += event["delta"]["text"]
                case "content_block_delta" if event["delta"]["type"] == "thinking_delta":
                    blocks[event["index"]]["thinking"] += event["delta"]["thinking"]
                case "content_block_delta" if event["delta"]["type"] == "input_json_delta":
                    given[event["index"]] += event["delta"]["partial_json"]
                case "message_delta":
                    stop = event["delta"]["stop_reason"]
                    usage |= {name: count for name, count in event["usage"].items() if count is not None}
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    thinking = "".join(block["thinking"] for block in blocks if block["type"] == "thinking")
    tools = tuple(
        (block["name"], _arguments(given[at])) for at, block in enumerate(blocks) if block["type"] == "tool_use"
    )
    finish = None if stop is None else _STOPS[stop]
    return Said(text=text, tools=tools, finish=finish, usage=anthropic_usage(usage), thinking=thinking)


def as_openai_stream(body: bytes) -> bytes:
    """A whole chat completion as the stream that would have reported the same."""
    whole = json.loads(body)
    head = {"id": whole["id"], "object": "chat.completion.chunk", "created": 1, "model": whole["model"]}
    message, chunks = whole["choices"][0]["message"], []
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    thoughts = ("reasoning_content", "reasoning", "reasoning_details")
    deltas.append({name: message[name] for name in thoughts if message.get(name)})
    for name in ("content", "refusal"):
        text = message.get(name) or ""
        step = 1 if isinstance(text, list) else 5
        deltas += [{name: text[at : at + step]} for at in range(0, len(text), step)]
    for index, call in enumerate(message.get("tool_calls") or ()):
        function, text = {"name": call["function"]["name"], "arguments": ""}, call["function"].get("arguments", "")
        first = {"index": index, "id": call["id"], "type": "function", "function": function}
        deltas.append({"tool_calls": [first]})
        for at in range(0, len(text), 7):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": text[at : at + 7]}}]})
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    finish = whole["choices"][0]["finish_reason"] or ("tool_calls" if message.get("tool_calls") else "stop")
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if whole.get("usage"):
        chunks.append({**head, "choices": [], "usage": whole["usage"]})
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


def as_anthropic_stream(body: bytes) -> bytes:
    """A whole message as the stream that would have reported the same."""
    message = json.loads(body)
    usage = {**message["usage"], "output_tokens": 1}
    reported: list[dict[str, Any]] = [{"type": "message_start", "message": {**message, "content": [], "usage": usage}}]
    for index, block in enumerate(message["content"]):
        empty, deltas = dict(block), []
        if block["type"] == "text":
            empty = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": block["text"]}]
        elif block["type"] == "thinking":
            empty = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": block["thinking"]},
                      {"type": "signature_delta", "signature": block["signature"]}]  # fmt: skip
        elif block["type"] in ("tool_use", "server_tool_use"):
            text, empty = json.dumps(block["input"]), {**block, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": text[at : at + 7]} for at in range(0, len(text), 7)]
        reported.append({"type": "content_block_start", "index": index, "content_block": empty})
        reported += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        reported.append({"type": "content_block_stop", "index": index})
    stop = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    reported += [{"type": "message_delta", "delta": stop, "usage": message["usage"]}, {"type": "message_stop"}]
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e, ensure_ascii=False)}\n\n".encode() for e in reported)
