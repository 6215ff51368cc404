"""Cohere's wire format as naively as a test may write it: a whole answer, and the stream that tells the same."""

import json
from typing import Any


def whole(message: dict[str, Any], finish: str = "COMPLETE", usage: dict[str, Any] | None = None) -> bytes:
    """A whole answer."""
    reported = {"id": "c14c80c3", "message": {"role": "assistant", **message}, "finish_reason": finish}
    return json.dumps({**reported, "usage": usage} if usage else reported).encode()


def streamed(body: bytes, step: int = 5) -> bytes:
    """The stream that says what the whole answer says, in pieces of `step` characters."""
    answer = json.loads(body)
    message, reported = answer["message"], []
    reported.append(
        {"type": "message-start", "id": answer["id"], "delta": {"message": {"role": "assistant", "content": []}}}
    )
    for index, content in enumerate(message.get("content") or ()):
        kind = content["type"]
        reported.append(_event("content-start", index, content={"type": kind, kind: ""}))
        reported += [_event("content-delta", index, content={kind: piece}) for piece in _pieces(content[kind], step)]
        reported.append({"type": "content-end", "index": index})
    reported += [
        _event("tool-plan-delta", None, tool_plan=piece) for piece in _pieces(message.get("tool_plan") or "", step)
    ]
    for index, call in enumerate(message.get("tool_calls") or ()):
        first = {**call, "function": {"name": call["function"]["name"], "arguments": ""}}
        reported.append(_event("tool-call-start", index, tool_calls=first))
        for piece in _pieces(call["function"]["arguments"], step):
            reported.append(_event("tool-call-delta", index, tool_calls={"function": {"arguments": piece}}))
        reported.append({"type": "tool-call-end", "index": index})
    for index, citation in enumerate(message.get("citations") or ()):
        reported += [_event("citation-start", index, citations=citation), {"type": "citation-end", "index": index}]
    ending = {"finish_reason": answer["finish_reason"]}
    reported.append(
        {"type": "message-end", "delta": {**ending, **({"usage": answer["usage"]} if "usage" in answer else {})}}
    )
    events = [f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n" for event in reported]
    return "".join([*events, "data: [DONE]\n\n"]).encode()


def _event(kind: str, index: int | None, **message: Any) -> dict[str, Any]:
    at = {} if index is None else {"index": index}
    return {"type": kind, **at, "delta": {"message": message}}


def _pieces(text: str, step: int) -> list[str]:
    return [text[at : at + step] for at in range(0, len(text), step)]
