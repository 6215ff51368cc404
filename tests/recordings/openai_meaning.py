"""A second reading of OpenAI's JSON, written without the hub's: plain dictionaries, one provider's habit after another.

It may be slow and it may raise; it must not share a line with what it checks.
"""

import json
from typing import Any

from domain.usage import Usage


def read_naively(body: bytes, streamed: bool) -> dict[str, Any]:
    """Text, thinking, tool calls, ending and usage of choice 0."""
    found: dict[str, Any] = {"text": "", "thinking": "", "calls": [], "finish": [], "usage": None, "failed": False}
    lines = [line[5:].strip() for line in body.decode().split("\n") if line.startswith("data:")]
    for chunk in [json.loads(line) for line in lines if line != "[DONE]"] if streamed else [json.loads(body)]:
        found["failed"] = found["failed"] or "error" in chunk
        found.setdefault("id", chunk.get("id"))
        found.setdefault("model", chunk.get("model"))
        if chunk.get("usage"):
            found["usage"] = counted(chunk["usage"])
        for choice in chunk.get("choices", ()):
            listen(found, choice.get("delta") or choice.get("message") or {})
            word = choice["finish_reason"] if streamed else choice["finish_reason"] or guess(found)
            if word and not found["finish"]:
                found["finish"] = ["tool_calls" if word == "function_call" else word]
    found["calls"] = [tuple(call) for call in found["calls"]]
    return found


def guess(found: dict[str, Any]) -> str:
    return "tool_calls" if found["calls"] else "stop"


def listen(found: dict[str, Any], said: dict[str, Any]) -> None:
    content = said.get("content") or ""
    if isinstance(content, list):
        for part in content:
            if part["type"] == "thinking":
                found["thinking"] += "".join(thought["text"] for thought in part["thinking"])
            else:
                found["text"] += part["text"]
    else:
        found["text"] += content
    thought = said.get("reasoning_content") or said.get("reasoning") or ""
    if not thought:
        thought = "".join(each.get("text") or each.get("summary") or "" for each in said.get("reasoning_details") or ())
    found["thinking"] += thought
    for call in said.get("tool_calls") or ():
        if call.get("id"):
            found["calls"].append([call["id"], call["function"]["name"], ""])
        found["calls"][-1][2] += call["function"].get("arguments", "")  # A Google model left it out.


def counted(usage: dict[str, Any]) -> dict[str, int]:
    """What was counted, with reasoning and cached tokens as reported."""
    prompt_details = usage.get("prompt_tokens_details") or {}
    completion_details = usage.get("completion_tokens_details") or {}
    searches = usage.get("server_tool_use_details") or {}
    return {
        "prompt": usage["prompt_tokens"],
        "completion": usage["completion_tokens"],
        "cached": prompt_details.get("cached_tokens") or 0,
        "reasoning": completion_details.get("reasoning_tokens") or 0,
        "searches": searches.get("web_search_requests") or 0,
    }


def usage_units(usage: Usage) -> dict[str, int]:
    """The hub's leaves, added up again."""
    return {
        "prompt": usage.input_tokens + usage.input_audio_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
        "completion": usage.output_tokens + usage.output_audio_tokens + usage.reasoning_tokens,
        "cached": usage.cache_read_tokens,
        "reasoning": usage.reasoning_tokens,
        "searches": usage.tool_uses,
    }


def meaning(request: dict[str, Any], reasoning_in: str = "") -> dict[str, Any]:
    """A request without what says nothing: nulls, defaults, and the forms of one thing.

    `reasoning_in` is the field in which the vendor takes earlier thinking back.
    """
    reported = {name: value for name, value in request.items() if value is not None and value != []}
    reported.pop("stream_options", None)
    defaults: dict[str, Any] = {
        "n": 1,
        "stream": False,
        "service_tier": "auto",
        "store": False,
        "clear_thinking": False,
    }
    defaults |= {"frequency_penalty": 0, "presence_penalty": 0, "reasoning_format": "parsed"}
    for name, default in defaults.items():
        if reported.get(name) == default:
            del reported[name]
    if "max_completion_tokens" in reported:
        reported["max_tokens"] = reported.pop("max_completion_tokens")
    for name in ("thinking", "reasoning"):
        reported = _without_what_is_so_anyway(reported, name)
    if reported.get("tool_choice") == "any":
        reported["tool_choice"] = "required"
    if "tools" in reported:
        reported["tools"] = [
            {"type": "function", "function": without_nulls(tool["function"])} for tool in reported["tools"]
        ]
    described = reported.get("response_format", {}).get("json_schema")
    if described is not None:
        description = described.pop("description", None)
        if description is not None:
            described["schema"].setdefault("description", description)
    reported["messages"] = [
        said for message in reported["messages"] if (said := message_meaning(message, reasoning_in))
    ]
    return reported


def _without_what_is_so_anyway(reported: dict[str, Any], name: str) -> dict[str, Any]:
    """Earlier thinking is never cleared, and who names an effort wants to think."""
    if name not in reported:
        return reported
    said = {part: value for part, value in reported[name].items() if part != "clear_thinking"}
    if "effort" in said:
        said.pop("enabled", None)
    rest = {other: value for other, value in reported.items() if other != name}
    return rest | ({name: said} if said else {})


def message_meaning(message: dict[str, Any], reasoning_in: str) -> dict[str, Any]:
    """A message, with its thinking where the vendor takes it back."""
    reported = {name: message[name] for name in ("role", "name", "tool_call_id") if message.get(name) is not None}
    content = message.get("content")
    if isinstance(content, list):
        kept = ("thinking",) if reasoning_in == "content" else ()
        parts = [part_meaning(part) for part in content if part["type"] != "thinking" or part["type"] in kept]
        content = parts[0]["text"] if [part["type"] for part in parts] == ["text"] else parts
    if reasoning_in not in ("", "content") and message.get(reasoning_in) not in (None, "", "(not recorded)"):
        reported[reasoning_in] = message[reasoning_in]
    if content:
        reported["content"] = content
    if message.get("tool_calls"):
        reported["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": call["function"]} for call in message["tool_calls"]
        ]
    return reported


def part_meaning(part: dict[str, Any]) -> dict[str, Any]:
    reported = {"type": part["type"], part["type"]: part[part["type"]]}
    if part["type"] == "document_url" and part.get("document_name", "document.pdf") != "document.pdf":
        reported["document_name"] = part["document_name"]
    if part["type"] == "thinking":
        reported["thinking"] = "".join(inner["text"] for inner in part["thinking"])
    if part["type"] == "image_url":
        reported["image_url"] = {name: value for name, value in reported["image_url"].items() if value != "auto"}
    if part["type"] == "file" and not part["file"]["file_data"].startswith("data:"):
        reported["file"] = {**part["file"], "file_data": f"data:application/pdf;base64,{part['file']['file_data']}"}
    return reported


def without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
