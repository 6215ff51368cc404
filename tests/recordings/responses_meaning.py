"""A second reading of the Responses API's JSON, written without the hub's: plain dictionaries, and the last word stands.

Of a stream it reads nothing but the response that its last event holds, so that what the deltas said is judged by what
the provider itself made of them. It may be slow and it may raise; it must not share a line with what it checks.
"""

import json
from typing import Any

from domain.usage import Usage

FREE = ("message", "reasoning", "function_call")


def final(body: bytes, streamed: bool) -> dict[str, Any]:
    """The response, as the body is or as the stream's last event tells it."""
    if not streamed:
        whole: dict[str, Any] = json.loads(body)
        return whole
    lines = [line[5:].strip() for line in body.decode().splitlines() if line.startswith("data:")]
    events = [json.loads(line) for line in lines if line != "[DONE]"]
    last: dict[str, Any] = events[-1]["response"]
    return last


def read_naively(body: bytes, streamed: bool) -> dict[str, Any]:
    """Text, thinking, tool calls, ending and usage of an answer."""
    response = final(body, streamed)
    output = response["output"]
    # OpenAI encrypts a thought again for each event; the item's own is the one to hand back.
    done = _done(body) if streamed else [item for item in output if item["type"] == "reasoning"]
    messages = [part for item in output if item["type"] == "message" for part in item["content"]]
    thoughts = [item for item in output if item["type"] == "reasoning"]
    calls = [item for item in output if item["type"] == "function_call"]
    why = str((response.get("incomplete_details") or {}).get("reason"))
    cut = {"max_output_tokens": "length", "content_filter": "content_filter"}
    finish = cut.get(why, "tool_calls" if calls else "stop")
    return {
        "started": [(response["id"], response["model"])],
        "text": "".join(part.get("text") or "" for part in messages),
        "refusal": "".join(part.get("refusal") or "" for part in messages),
        "thinking": "".join(_thought(item) for item in thoughts),
        "encrypted": [(item["id"], item["encrypted_content"]) for item in done if item.get("encrypted_content")],
        "calls": [(item["call_id"], item["name"], item["arguments"]) for item in calls],
        "cited": sum(len(part.get("annotations") or ()) for part in messages),
        "others": [item["type"] for item in output if item["type"] not in FREE],
        "finish": [] if response["status"] in ("queued", "in_progress") else [finish],
        # A report of nothing for an answer is no report.
        "usage": counted(response) if any((counted(response) or {}).values()) else None,
    }


def _done(body: bytes) -> list[dict[str, Any]]:
    lines = [json.loads(line[5:]) for line in body.decode().splitlines() if line.startswith("data: {")]
    items = [event["item"] for event in lines if event["type"] == "response.output_item.done"]
    return [item for item in items if item["type"] == "reasoning"]


def _thought(item: dict[str, Any]) -> str:
    return "\n\n".join(part["text"] for part in (*item["summary"], *(item.get("content") or ())))


def counted(response: dict[str, Any]) -> dict[str, int] | None:
    """What was counted, as reported: cached tokens inside the input, reasoning inside the output, tools by the use."""
    usage = response.get("usage")
    if usage is None:
        return None
    input_details, output_details = usage["input_tokens_details"], usage["output_tokens_details"]
    searches = sum(
        item["type"] == "web_search_call" and (item.get("action") or {}).get("type", "search") == "search"
        for item in response["output"]
    )
    if response.get("tool_usage"):
        searches = response["tool_usage"]["web_search"]["num_requests"]
    tools = ("file_search_call", "code_interpreter_call", "image_generation_call")
    return {
        "input": usage["input_tokens"],
        "output": usage["output_tokens"],
        "cached": input_details["cached_tokens"],
        "written": input_details.get("cache_write_tokens") or 0,
        "reasoning": output_details["reasoning_tokens"],
        "uses": usage.get("tool_uses") or searches + sum(item["type"] in tools for item in response["output"]),
    }


def usage_units(usage: Usage) -> dict[str, int]:
    """The hub's leaves, added up again."""
    return {
        "input": usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
        "output": usage.output_tokens + usage.reasoning_tokens,
        "cached": usage.cache_read_tokens,
        "written": usage.cache_write_tokens,
        "reasoning": usage.reasoning_tokens,
        "uses": usage.tool_uses,
    }


# --- requests -------------------------------------------------------------------------------------------


def meaning(request: dict[str, Any]) -> dict[str, Any]:
    """What a Responses request asks, in words of this file: turn by turn, and the settings that change an answer."""
    said: list[Any] = [("system", request["instructions"])] if request.get("instructions") else []
    given = request.get("input") or []
    listed = [*(request.get("tools") or ())]
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        if item.get("type") in ("additional_tools", "tool_search_output"):
            listed += item["tools"]  # Tools that came later are as good as those of the beginning.
        else:
            said += _item_meaning(item)
    wanted = (request.get("text") or {}).get("format") or {"type": "text"}
    return {
        "said": said,
        "tools": _allowed(tools_meaning(_ungrouped(listed)), request.get("tool_choice")),
        "choice": _choice_meaning(request.get("tool_choice")),
        "parallel": request.get("parallel_tool_calls"),
        "effort": (request.get("reasoning") or {}).get("effort"),
        "format": (wanted["type"], wanted.get("name"), wanted.get("schema"), bool(wanted.get("strict"))),
        "verbosity": (request.get("text") or {}).get("verbosity"),
        "cap": request.get("max_output_tokens"),
        "stream": bool(request.get("stream")),
        **{name: request.get(name) for name in ("temperature", "top_p", "user", "prompt_cache_key", "service_tier")},
    }


def _item_meaning(item: dict[str, Any]) -> list[Any]:
    match item.get("type", "message"):
        case "message":
            content = item["content"]
            parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
            return [(item["role"], _part_meaning(part)) for part in parts]
        case "function_call":
            return [("call", item["call_id"], _full_name(item.get("namespace"), item["name"]), item["arguments"])]
        case "function_call_output":
            output = item["output"]
            return [("result", item["call_id"], output if isinstance(output, str) else [*map(_part_meaning, output)])]
        case "reasoning" if item.get("encrypted_content"):
            return [("thought", item.get("id"), item["encrypted_content"])]
        case "reasoning":
            return []
        case other:
            return [(other, item)]


def _part_meaning(part: dict[str, Any]) -> Any:
    if part["type"] in ("text", "input_text", "output_text"):
        return part["text"]
    return {name: value for name, value in part.items() if value not in (None, "auto")}


def tools_meaning(tools: list[dict[str, Any]]) -> dict[str, Any]:
    """The functions by their names, for the order says nothing; of two with one name the first counts."""
    return {
        tool["name"]: (tool.get("description"), tool.get("parameters"), bool(tool.get("strict")))
        for tool in reversed(tools)
    }


def _ungrouped(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every tool by itself, those of a group under the group's name and their own."""
    single: list[dict[str, Any]] = []
    for tool in tools:
        inner = tool["tools"] if tool["type"] == "namespace" else [tool]
        group = tool["name"] if tool["type"] == "namespace" else None
        single += [one | {"name": _full_name(group, one["name"])} for one in inner]
    return single


def _full_name(group: str | None, name: str) -> str:
    """A call of a tool that was loaded by itself names the tool as its group."""
    return name if group in (None, name) else f"{group}__{name}"


def _choice_meaning(choice: Any) -> Any:
    if isinstance(choice, dict):
        return choice["mode"] if choice["type"] == "allowed_tools" else choice["name"]
    return choice


def _allowed(tools: dict[str, Any], choice: Any) -> dict[str, Any]:
    """The tools that may be called: the others might as well not be there."""
    if not isinstance(choice, dict) or choice["type"] != "allowed_tools":
        return tools
    return {name: tools[name] for name in sorted(tool["name"] for tool in choice["tools"])}


def chat_meaning(request: dict[str, Any]) -> dict[str, Any]:
    """What a chat-completions request asks, in the same words. Thinking of earlier turns is not there."""
    said: list[Any] = []
    for message in request["messages"]:
        content = message.get("content")
        if message["role"] == "tool":
            said.append(("result", message["tool_call_id"], content))
            continue
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        said += [(message["role"], _chat_part(part)) for part in parts]
        for call in message.get("tool_calls") or ():
            said.append(("call", call["id"], call["function"]["name"], call["function"]["arguments"]))
    wanted = request.get("response_format") or {"type": "text"}
    schema = wanted.get("json_schema") or {}
    tools = [tool["function"] for tool in request.get("tools") or ()]
    choice = request.get("tool_choice")
    return {
        "said": said,
        "tools": tools_meaning(tools),
        "choice": choice["function"]["name"] if isinstance(choice, dict) else choice,
        "parallel": request.get("parallel_tool_calls"),
        "effort": request.get("reasoning_effort"),
        "format": (wanted["type"], schema.get("name"), schema.get("schema"), bool(schema.get("strict"))),
        "verbosity": request.get("verbosity"),
        "cap": request.get("max_tokens"),
        "stream": bool(request.get("stream")),
        **{name: request.get(name) for name in ("temperature", "top_p", "user", "prompt_cache_key", "service_tier")},
    }


def _chat_part(part: dict[str, Any]) -> Any:
    match part["type"]:
        case "text":
            return part["text"]
        case "image_url":
            image = part["image_url"]
            return {
                "type": "input_image",
                "image_url": image["url"],
                **({"detail": image["detail"]} if "detail" in image else {}),
            }
        case "file":
            return {"type": "input_file", **part["file"]}
        case other:
            raise AssertionError(other)
