"""What a provider of OpenAI's Responses API answers: small transcripts of our own.

As in `answers`, they hold fields that no hub has received of, and white space of their own.
"""

import json
from typing import Any

from tests.behaviour.stub_answers import TEXT, event

USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 18,
}


def message(text: str = TEXT, number: int = 0) -> dict[str, Any]:
    """What the assistant says."""
    part = {"type": "output_text", "text": text, "annotations": [], "future_field": {"b": 1, "a": 2}}
    return {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def call(arguments: str, number: int = 0) -> dict[str, Any]:
    """A call of the tool `weather`."""
    item = {"id": f"fc_{number}", "type": "function_call", "status": "completed", "arguments": arguments}
    return {**item, "call_id": f"call_{number}", "name": "weather"}


def thought(encrypted: str | None = "gAAAA-encrypted", text: str = "Hm, Paris.") -> dict[str, Any]:
    """A thought, with its proof."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": "rs_stub1", "type": "reasoning", "summary": summary, "encrypted_content": encrypted}


def response(*output: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    """A response object."""
    return {
        "id": "resp_stub",
        "object": "response",
        "created_at": 1700000000,
        "status": status,
        "model": "m-2024-01-01",
        "output": list(output or (message(),)),
        "error": None,
        "incomplete_details": None,
        "usage": USAGE,
        "vendor_extension": {"z": 1, "a": 1e2},
        **more,
    }


def whole(*output: dict[str, Any], status: str = "completed", **more: Any) -> bytes:
    """A whole answer."""
    return json.dumps(response(*output, status=status, **more), ensure_ascii=False, indent=1).encode()


def stream(*output: dict[str, Any], status: str = "completed", **more: Any) -> list[bytes]:
    """The same answer as a stream, event by event; each text in two pieces."""
    items = list(output or (message(),))
    begun = {**response(status="in_progress"), "output": [], "usage": None}
    reported: list[tuple[str, dict[str, Any]]] = [
        ("created", {"response": begun}),
        ("in_progress", {"response": begun}),
    ]
    for place, item in enumerate(items):
        reported += _item(item, place)
    reported.append((status, {"response": response(*items, status=status, **more)}))
    return [event(f"response.{kind}", **fields, sequence_number=n) for n, (kind, fields) in enumerate(reported)]


def _item(item: dict[str, Any], place: int) -> list[tuple[str, dict[str, Any]]]:
    at = {"item_id": item["id"], "output_index": place}
    empty = {**item, "status": "in_progress"}
    reported: list[tuple[str, dict[str, Any]]] = []
    match item["type"]:
        case "message":
            empty["content"] = []
            part = item["content"][0]
            here = {**at, "content_index": 0}
            reported.append(("content_part.added", {**here, "part": {**part, "text": ""}}))
            reported += [
                ("output_text.delta", {**here, "delta": piece, "logprobs": []}) for piece in halves(part["text"])
            ]
            reported.append(("output_text.done", {**here, "text": part["text"]}))
            reported.append(("content_part.done", {**here, "part": part}))
        case "function_call":
            empty["arguments"] = ""
            pieces = halves(item["arguments"])
            reported += [("function_call_arguments.delta", {**at, "delta": piece}) for piece in pieces]
            reported.append(("function_call_arguments.done", {**at, "arguments": item["arguments"]}))
        case "reasoning":
            empty["summary"] = []
            for number, part in enumerate(item["summary"]):
                here = {**at, "summary_index": number}
                reported.append(("reasoning_summary_part.added", {**here, "part": {**part, "text": ""}}))
                pieces = halves(part["text"])
                reported += [("reasoning_summary_text.delta", {**here, "delta": piece}) for piece in pieces]
                reported.append(("reasoning_summary_text.done", {**here, "text": part["text"]}))
                reported.append(("reasoning_summary_part.done", {**here, "part": part}))
    done = {"output_index": place, "item": item}
    return [("output_item.added", {"output_index": place, "item": empty}), *reported, ("output_item.done", done)]


def halves(text: str) -> list[str]:
    """A text in two pieces."""
    return [piece for piece in (text[: len(text) // 2], text[len(text) // 2 :]) if piece]
