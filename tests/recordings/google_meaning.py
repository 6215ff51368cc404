"""A second reading of Gemini's JSON, written without the hub's: plain dictionaries, read as the documents read.

It may be slow and it may raise; it must not share a line with what it checks.
"""

import json
from typing import Any

_FINISH = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "UNEXPECTED_TOOL_CALL": "tool_calls",
}
_SAID_ELSEWHERE = ("text", "functionCall", "thought", "thoughtSignature")


def answers(body: bytes, streamed: bool) -> list[Any]:
    """The answer, or the chunks of one."""
    if not streamed:
        return [json.loads(body)]
    lines = body.decode().replace("\r\n", "\n").split("\n")
    return [json.loads(line[5:]) for line in lines if line.startswith("data:")]


def read_naively(body: bytes, streamed: bool) -> dict[str, Any]:
    """Text, thinking, calls, what only Google says, the signatures, the ending and the usage."""
    found: dict[str, Any] = {"text": "", "thinking": "", "calls": [], "signed": [], "foreign": [], "usage": {}}
    found["finish"], found["cited"] = None, []
    for answer in answers(body, streamed):
        found["id"], found["model"] = answer["responseId"], answer["modelVersion"]
        if "promptFeedback" in answer:
            found["finish"] = "content_filter"
        for candidate in answer.get("candidates", ()):
            for part in candidate.get("content", {}).get("parts", ()):
                _listen(found, part)
            grounding = candidate.get("groundingMetadata", {})
            for support in grounding.get("groundingSupports", ()):
                pages = [grounding["groundingChunks"][index].get("web") for index in support["groundingChunkIndices"]]
                found["cited"] += [(page["uri"], support["segment"]["text"]) for page in pages if page is not None]
            if "finishReason" in candidate:
                finish = _FINISH[candidate["finishReason"]]
                found["finish"] = "tool_calls" if finish == "stop" and found["calls"] else finish
        found["usage"] = counted(answer["usageMetadata"])
    searched = [query for answer in answers(body, streamed) for query in _queries(answer) if query]
    uses = len(set(searched)) if "gemini-3" in found["model"] else min(1, len(searched))
    if found["usage"] and uses:
        found["usage"]["tool_uses"] = uses
    return found


def _listen(found: dict[str, Any], part: dict[str, Any]) -> None:
    if "functionCall" in part:
        found["calls"].append((part["functionCall"]["name"], part["functionCall"].get("args", {})))
    elif "text" in part:
        found["thinking" if part.get("thought") else "text"] += part["text"]
    names = [name for name in part if name not in _SAID_ELSEWHERE]
    found["foreign"] += [(name, part) for name in names]
    if "thoughtSignature" in part and not names:
        found["signed"].append(part["thoughtSignature"])


def _queries(answer: Any) -> list[str]:
    queries: list[str] = []
    for candidate in answer.get("candidates", ()):
        queries += candidate.get("groundingMetadata", {}).get("webSearchQueries", ())
        for part in candidate.get("content", {}).get("parts", ()):
            if part.get("toolCall", {}).get("toolType") == "GOOGLE_SEARCH_WEB":
                queries += part["toolCall"]["args"]["queries"]
    return queries


def counted(usage: dict[str, Any]) -> dict[str, int]:
    """What was counted, unit by unit; nothing where the prompt was not."""
    if "promptTokenCount" not in usage:
        return {}
    audio, cached_audio = _of(usage, "promptTokensDetails", "AUDIO"), _of(usage, "cacheTokensDetails", "AUDIO")
    images = sum(_of(usage, "promptTokensDetails", kind) for kind in ("IMAGE", "DOCUMENT"))
    images -= sum(_of(usage, "cacheTokensDetails", kind) for kind in ("IMAGE", "DOCUMENT"))
    cached = usage.get("cachedContentTokenCount", 0)
    requested = usage["promptTokenCount"] + usage.get("toolUsePromptTokenCount", 0)
    reported = {
        "input_tokens": requested - cached - (audio - cached_audio) - images,
        "input_audio_tokens": audio - cached_audio,
        "input_image_tokens": images,
        "cache_read_tokens": cached - cached_audio,
        "cache_read_audio_tokens": cached_audio,
        "output_tokens": usage.get("candidatesTokenCount", 0),
        "reasoning_tokens": usage.get("thoughtsTokenCount", 0),
    }
    assert sum(reported.values()) == usage["totalTokenCount"]
    return {name: count for name, count in reported.items() if count}


def _of(usage: dict[str, Any], field: str, modality: str) -> int:
    return sum(part["tokenCount"] for part in usage.get(field, ()) if part["modality"] == modality)


def as_stream(body: bytes) -> bytes:
    """A whole answer as a stream that tells the same: a chunk for each part, long texts in pieces, then the ending."""
    whole = json.loads(body)
    head = {name: whole[name] for name in ("modelVersion", "responseId")}
    chunks = []
    for candidate in whole.get("candidates", ()):
        ending = {name: value for name, value in candidate.items() if name != "content"}
        for part in candidate.get("content", {}).get("parts", ()):
            text = part.get("text", "")
            cuts = [{**part, "text": text[at : at + 9]} for at in range(0, len(text), 9)] or [part]
            for cut in cuts[:-1]:
                cut.pop("thoughtSignature", None)
            chunks += [{"candidates": [{"content": {"role": "model", "parts": [cut]}, "index": 0}]} for cut in cuts]
        chunks.append({"candidates": [ending]})
    if "promptFeedback" in whole:
        chunks.append({"promptFeedback": whole["promptFeedback"]})
    usage = whole["usageMetadata"]
    counts = range(1, len(chunks) + 1)
    growing = [{**usage, "candidatesTokenCount": n} if "promptTokenCount" in usage else usage for n in counts]
    reported = [{**chunk, "usageMetadata": count, **head} for chunk, count in zip(chunks, growing, strict=True)]
    reported[-1]["usageMetadata"] = usage
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in reported)
