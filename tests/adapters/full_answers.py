"""One rich answer of every dialect of chat, whole and streamed, with as many optional fields as its API has."""

from typing import Any

_USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
_LOGPROBS = {"content": [{"token": "4", "logprob": -0.1, "bytes": [52], "top_logprobs": []}], "refusal": None}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":2}'}}
_URL = {"type": "url_citation", "url_citation": {"url": "https://a", "title": "A", "start_index": 0, "end_index": 1}}
_DETAIL = {"type": "reasoning.text", "text": "Hm.", "signature": "s", "id": "r", "format": "f", "index": 0}
_CLAUDES: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "stop_details": None,
    "container": {"id": "c", "expires_at": "2026"},
    "context_management": {"applied_edits": []},
    "usage": {"input_tokens": 9, "output_tokens": 5},
}
_CITED = {"type": "char_location", "cited_text": "4", "document_index": 0, "start_char_index": 0, "end_char_index": 1}
_PROOF = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
_TOOL = {"type": "tool_use", "id": "t", "name": "add", "input": {"a": 2}}
_SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
_GROUNDED = {
    "webSearchQueries": ["q"],
    "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
    "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 1, "text": "4"}, "groundingChunkIndices": [0]}],
}
_LIKELY = {
    "chosenCandidates": [{"token": "4", "logProbability": -0.1}],
    "topCandidates": [{"candidates": [{"token": "4", "logProbability": -0.1}]}],
}
_CANDIDATE = {
    "index": 0,
    "finishReason": "STOP",
    "finishMessage": "done",
    "avgLogprobs": -0.1,
    "safetyRatings": [{"category": "c", "probability": "LOW"}],
    "citationMetadata": {"citationSources": []},
    "urlContextMetadata": {"urlMetadata": []},
    "groundingMetadata": _GROUNDED,
    "logprobsResult": _LIKELY,
}
_GEMINIS = {
    "promptFeedback": {"safetyRatings": []},
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5, "totalTokenCount": 14},
    "modelVersion": "m",
    "responseId": "r",
}
_ANNOTATION = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 1}
_MESSAGE = {
    "type": "message",
    "id": "msg",
    "status": "completed",
    "role": "assistant",
    "phase": "final_answer",
    "content": [{"type": "output_text", "text": "4", "annotations": [_ANNOTATION], "logprobs": [{"token": "4"}]}],
}
_THOUGHT = {
    "type": "reasoning",
    "id": "rs",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "encrypted_content": "e",
    "status": None,
}
_FUNCTION = {"type": "function_call", "id": "fc", "call_id": "c", "name": "add", "arguments": "{}", "status": "x"}
_SEARCHED = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}}
_RESPONSE = {
    "id": "resp",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "service_tier": "default",
    "tool_usage": {"web_search": {"num_requests": 1}},
    "metadata": {},
}

WHOLES: dict[str, dict[str, Any]] = {
    "openai": {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "system_fingerprint": "f",
        "service_tier": "default",
        "citations": ["https://a"],
        "x_groq": {"id": "g", "error": None},
        "usage": _USAGE,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "stop_reason": "END",
                "logprobs": _LOGPROBS,
                "error": None,
                "message": {
                    "role": "assistant",
                    "content": "4",
                    "refusal": None,
                    "reasoning": "Hm.",
                    "reasoning_content": "Hm.",
                    "reasoning_details": [_DETAIL],
                    "annotations": [_URL],
                    "audio": {"id": "a", "transcript": "", "data": "AAAA", "expires_at": 1},
                    "images": [{"image_url": {"url": "data:"}}],
                    "executed_tools": [{"type": "search"}],
                    "tool_calls": [_CALL, {"id": "x", "type": "custom", "custom": {"name": "sql", "input": "s"}}],
                    "function_call": {"name": "", "arguments": ""},
                },
            }
        ],
    },
    "openai-completions": {
        "id": "c",
        "object": "text_completion",
        "model": "m",
        "service_tier": "default",
        "choices": [{"text": "4", "index": 0, "logprobs": None, "finish_reason": "stop"}],
    },
    "anthropic": {
        **_CLAUDES,
        "content": [_PROOF, {"type": "text", "text": "4", "citations": [_CITED]}, _SEARCH, _TOOL],
    },
    "openai-responses": {**_RESPONSE, "output": [_THOUGHT, _SEARCHED, _MESSAGE, _FUNCTION]},
    "google": {
        **_GEMINIS,
        "candidates": [
            {
                **_CANDIDATE,
                "content": {
                    "role": "model",
                    "parts": [
                        {"text": "Hm.", "thought": True, "thoughtSignature": "s"},
                        {"text": "4", "thought": False},
                        {"executableCode": {"language": "PYTHON", "code": "2+2"}},
                        {"functionCall": {"name": "add", "id": "f", "args": {"a": 2}}, "thoughtSignature": "s"},
                    ],
                },
            }
        ],
    },
    "cohere": {
        "id": "c",
        "finish_reason": "TOOL_CALL",
        "logprobs": None,
        "message": {
            "role": "assistant",
            "tool_plan": "Hm.",
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "4"}],
            "tool_calls": [_CALL],
            "citations": [{"start": 0, "end": 1, "text": "4", "sources": []}],
        },
    },
    "ollama": {
        "model": "m",
        "created_at": "2026",
        "message": {
            "role": "assistant",
            "content": "4",
            "thinking": "Hm.",
            "images": None,
            "tool_calls": [{"id": "c", "function": {"name": "add", "arguments": {"a": 2}}}],
        },
        "done": True,
        "done_reason": "stop",
        "total_duration": 1,
    },
    "bedrock": {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}},
                    {"text": "4"},
                    {"toolUse": {"toolUseId": "t", "name": "add", "input": {"a": 2}}},
                ],
            }
        },
        "stopReason": "tool_use",
        "metrics": {"latencyMs": 1},
        "additionalModelResponseFields": {"stop_sequence": None},
        "trace": {"guardrail": {}},
        "serviceTier": {"type": "default"},
        "performanceConfig": {"latency": "standard"},
    },
}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> tuple[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "stop_reason": None, "logprobs": _LOGPROBS}
    return "", {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def _named(name: str, **fields: Any) -> tuple[str, Any]:
    return name, {"type": name, **fields}


def _delta(index: int, **delta: Any) -> tuple[str, Any]:
    return _named("content_block_delta", index=index, delta=delta)


STREAMS: dict[str, list[tuple[str, Any]]] = {
    "openai": [
        _chunk({"role": "assistant", "content": "", "refusal": None}),
        _chunk({"reasoning": "Hm.", "reasoning_details": [_DETAIL]}),
        _chunk({"content": "4", "annotations": [_URL]}),
        _chunk({"tool_calls": [{"index": 0, **_CALL}]}),
        _chunk({}, "tool_calls"),
        ("", "[DONE]"),
    ],
    "openai-completions": [
        ("", {"id": "c", "choices": [{"text": "4", "index": 0, "logprobs": None, "finish_reason": None}]}),
        ("", {"id": "c", "choices": [{"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}]}),
        ("", "[DONE]"),
    ],
    "anthropic": [
        _named("message_start", message={**_CLAUDES, "content": [], "stop_reason": None}),
        _named("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""}),
        _delta(0, type="thinking_delta", thinking="Hm."),
        _delta(0, type="signature_delta", signature="s"),
        _named("content_block_stop", index=0),
        _named("content_block_start", index=1, content_block={"type": "text", "text": "", "citations": None}),
        _delta(1, type="text_delta", text="4"),
        _delta(1, type="citations_delta", citation=_CITED),
        _named("content_block_stop", index=1),
        _named("content_block_start", index=2, content_block=_SEARCH),
        _delta(2, type="input_json_delta", partial_json='{"query":"q"}'),
        _named("content_block_stop", index=2),
        _named("content_block_start", index=3, content_block={**_TOOL, "input": {}}),
        _delta(3, type="input_json_delta", partial_json='{"a":2}'),
        _named("content_block_stop", index=3),
        _named("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None, "container": None}),
        _named("message_stop"),
    ],
    "openai-responses": [
        _named("response.created", response={**_RESPONSE, "status": "in_progress", "output": []}, sequence_number=0),
        _named("response.output_item.added", item={**_THOUGHT, "summary": []}, output_index=0),
        _named("response.reasoning_summary_text.delta", delta="Hm.", output_index=0, summary_index=0, item_id="rs"),
        _named("response.output_item.done", item=_THOUGHT, output_index=0),
        _named("response.output_item.added", item={**_MESSAGE, "content": []}, output_index=1),
        _named("response.output_text.delta", delta="4", output_index=1, content_index=0, logprobs=[], item_id="msg"),
        _named("response.output_text.annotation.added", annotation=_ANNOTATION, output_index=1, annotation_index=0),
        _named("response.output_item.done", item=_MESSAGE, output_index=1),
        _named("response.output_item.done", item=_SEARCHED, output_index=2),
        _named("response.output_item.added", item={**_FUNCTION, "arguments": ""}, output_index=3),
        _named("response.function_call_arguments.delta", delta="{}", output_index=3, item_id="fc"),
        _named("response.output_item.done", item=_FUNCTION, output_index=3),
        _named("response.completed", response={**_RESPONSE, "output": [_MESSAGE]}, sequence_number=9),
    ],
    "google": [
        ("", {**_GEMINIS, "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "4"}]}}]}),
        ("", {**_GEMINIS, "candidates": [_CANDIDATE]}),
    ],
    "cohere": [
        ("", {"type": "message-start", "id": "c", "delta": {"message": {"role": "assistant", "content": []}}}),
        ("", {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "4"}}}, "logprobs": None}),
        ("", {"type": "citation-start", "index": 0, "delta": {"message": {"citations": {"start": 0}}}}),
        ("", {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": _CALL}}}),
        (
            "",
            {
                "type": "tool-call-delta",
                "index": 0,
                "delta": {"message": {"tool_calls": {"function": {"arguments": "{}"}}}},
            },
        ),
        ("", {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "error": None}}),
    ],
    "ollama": [
        ("", {"model": "m", "created_at": "2026", "message": {"role": "assistant", "content": "4"}, "done": False}),
        ("", {**WHOLES["ollama"], "message": {"role": "assistant", "content": ""}}),
    ],
    "bedrock": [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "4"}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        (
            "contentBlockStart",
            {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "add", "type": ""}}},
        ),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{}"}}}),
        ("contentBlockStop", {"contentBlockIndex": 1}),
        ("messageStop", {"stopReason": "tool_use", "additionalModelResponseFields": None}),
        (
            "metadata",
            {"metrics": {"latencyMs": 1}, "trace": None, "serviceTier": {"type": "x"}, "performanceConfig": None},
        ),
    ],
}
