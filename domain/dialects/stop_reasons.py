"""Why an answer ended, in each vendor's values: as they are read from a provider, and as they are written for a caller.

A value that a table does not contain counts as a plain stop, because the text is complete. Where a vendor has no value
for a reason, the nearest one is written; reading that and writing it again changes nothing more.
"""

from collections.abc import Mapping
from typing import TypeAlias

from domain.model_api.events import FinishReason

Read: TypeAlias = Mapping[str, FinishReason]
Written: TypeAlias = Mapping[FinishReason, str]

# https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
ANTHROPIC: Read = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
    "compaction": "pause",
}
ANTHROPIC_WRITTEN: Written = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}

# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html: Anthropic's values and its own.
BEDROCK: Read = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "refusal",
    "pause_turn": "pause",
}

COHERE: Read = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_LIMIT": "length",
    "ERROR_TOXIC": "content_filter",
}

# https://ai.google.dev/api/generate-content#FinishReason
GOOGLE: Read = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "JAILBREAK": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    # A call of an undeclared tool. It is returned, so that the caller can report the mistake to the model.
    "UNEXPECTED_TOOL_CALL": "tool_calls",
}
# Google's reason is STOP after a tool call as after a text.
GOOGLE_WRITTEN: Written = {
    "stop": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
    "pause": "OTHER",
}

# OpenAI's five values, then those of compatible servers.
OPENAI: Read = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "max_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",  # Z.AI's, https://docs.z.ai/api-reference/llm/chat-completion
    "tool_use": "tool_calls",
    "sensitive": "content_filter",
    "safety": "content_filter",
    "refusal": "refusal",
}
# Chat completions have no value for a refusal, nor for an answer that the caller is to continue.
OPENAI_WRITTEN: Written = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
}

# Of `incomplete_details`; an answer without them is completed.
OPENAI_RESPONSES: Read = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
OPENAI_RESPONSES_WRITTEN: Written = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}

OLLAMA: Read = {"stop": "stop", "length": "length"}
