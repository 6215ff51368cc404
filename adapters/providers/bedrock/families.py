"""The model families behind Converse, and the fields that only they have.

House rule: `inferenceConfig` is the same for every model. Other sampling parameters and reasoning are sent to the model
under its own names, in `additionalModelRequestFields`. Fields that a family does not have are refused by name.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
"""

from collections.abc import Container
from typing import Any

from domain.dialects.claude_generations import sampling_left_out, thinking_of
from domain.model_api.requests import ChatRequest, Thinking

FAMILIES = frozenset(
    ("ai21", "amazon", "anthropic", "cohere", "deepseek", "google", "meta", "minimax", "mistral", "moonshot",
     "moonshotai", "nvidia", "openai", "qwen", "writer", "zai")
)  # fmt: skip

CLAUDE = "anthropic"

# Families that accept cache points at all, and those that accept them after the tools as well; others answer 4xx.
# https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
CACHING = frozenset((CLAUDE, "amazon"))
CACHING_TOOLS = frozenset((CLAUDE,))

# Families that require a turn of results to contain nothing else, or only these blocks; otherwise they answer 400.
ALLOWED_WITH_RESULTS: dict[str, frozenset[str]] = {
    CLAUDE: frozenset(("text", "image", "document", "searchResult", "cachePoint")),
    "meta": frozenset(),
    "mistral": frozenset(),
    "writer": frozenset(),
}

CLAUDE_FIELDS = ("thinking", "output_config")
"""Objects of Anthropic's API that Claude accepts here too, with all fields that an Anthropic caller sends in them."""

CONTEXT_MANAGEMENT = "context_management"
"""Anthropic's field for clearing parts of a long conversation, which Claude accepts here with its beta."""

# Bedrock rejects unknown betas, and clients send labels of their own among them, so only these are sent on.
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
_CONTEXT_MANAGEMENT_BETA = "context-management-2025-06-27"
BETAS = frozenset(
    ("interleaved-thinking-2025-05-14", "dev-full-thinking-2025-05-14", "context-1m-2025-08-07", "effort-2025-11-24",
     "output-128k-2025-02-19", "token-efficient-tools-2025-02-19", _CONTEXT_MANAGEMENT_BETA)
)  # fmt: skip

_CLAUDE_EFFORTS = frozenset(("low", "medium", "high", "xhigh", "max"))
_NOVA_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_GPT_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_QWEN_EFFORTS = {"minimal": "low", "low": "low", "medium": "high", "high": "high", "xhigh": "high", "max": "high"}
# For a family that has only efforts: a budget below the first bound is low, below the second medium, else high, as for
# OpenAI's models, see `adapters/providers/openai/encode.py`.
_LOW_BELOW, _MEDIUM_BELOW = 4_096, 16_000

_Fields = dict[str, Any]


def family(model: str) -> str:
    """Return the family of a model's id or ARN: "us.amazon.nova-lite-v1:0" is of "amazon".

    An application inference profile or a provisioned model does not show its model. It counts as Claude, the family
    with the most fields of its own; any other model rejects fields that it does not know.
    """
    name = model.rpartition("/")[2]
    return next((part for part in name.split(".")[:2] if part in FAMILIES), CLAUDE)


def model_fields(request: ChatRequest, model: str, max_tokens: int | None) -> _Fields:
    """Return `additionalModelRequestFields`, without the fields that `unsupported` names."""
    of = family(model)
    fields: _Fields = {}
    if request.top_k is not None and of in _TOPPED and not sampling_left_out(model, ("top_k",)):
        _set_top_k(fields, of, request.top_k)
    if request.thinking is not None:
        fields |= _thinking(request.thinking, of, model, max_tokens)
    if of == CLAUDE:
        _add_claude_fields(fields, request)
    return fields


_TOPPED = frozenset((CLAUDE, "amazon", "mistral", "cohere"))
_EFFORTS_OF: dict[str, Container[str]] = {
    CLAUDE: _CLAUDE_EFFORTS,
    "amazon": _NOVA_EFFORTS,
    "openai": _GPT_EFFORTS,
    "qwen": _QWEN_EFFORTS,
}


def unsupported(request: ChatRequest, of: str) -> str | None:
    """Return the first field of a request that the family does not have, by the caller's name."""
    if request.top_k is not None and of not in _TOPPED:
        return "top_k"
    thinking = request.thinking
    if thinking is None:
        return None
    effort = thinking.effort
    if not thinking.enabled or effort == "none":
        # A family that reasons only on request needs no field for "none"; GPT OSS always reasons.
        return "reasoning_effort" if of == "openai" else None
    known = of in _EFFORTS_OF and (effort is None or effort in _EFFORTS_OF[of])
    return None if known else "reasoning_effort" if effort is not None else "thinking"


def _set_top_k(fields: _Fields, of: str, top_k: int) -> None:
    if of == "amazon":  # https://docs.aws.amazon.com/nova/latest/userguide/using-converse-api.html
        fields["inferenceConfig"] = {"topK": top_k}
    else:
        fields["k" if of == "cohere" else "top_k"] = top_k


def _thinking(thinking: Thinking, of: str, model: str, max_tokens: int | None) -> _Fields:
    if of == CLAUDE:
        return _claude_thinking(thinking_of(model, thinking), max_tokens)
    if not thinking.enabled or thinking.effort == "none":
        return {"reasoningConfig": {"type": "disabled"}} if of == "amazon" else {}
    if of not in _EFFORTS_OF:
        return {}
    effort = thinking.effort if thinking.effort in _EFFORTS_OF[of] else _effort(thinking.tokens_max)
    assert effort is not None
    if of == "amazon":  # https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": _NOVA_EFFORTS[effort]}}
    if of == "openai":
        return {"reasoning_effort": _GPT_EFFORTS[effort]}
    return {"reasoning_config": _QWEN_EFFORTS[effort]}


def _effort(tokens_max: int | None) -> str:
    if tokens_max is None:
        return "medium"
    return "low" if tokens_max < _LOW_BELOW else "medium" if tokens_max < _MEDIUM_BELOW else "high"


def _claude_thinking(thinking: Thinking, max_tokens: int | None) -> _Fields:
    """Return Claude's own fields; a budget must be less than the output cap, which the hub may have lowered.

    https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
    """
    fields: _Fields = {}
    if not thinking.enabled or thinking.effort == "none":
        fields["thinking"] = {"type": "disabled"}
    elif thinking.tokens_max is not None:
        budget = thinking.tokens_max if max_tokens is None else min(thinking.tokens_max, max_tokens - 1)
        fields["thinking"] = {"type": "enabled", "budget_tokens": budget}
    elif not thinking.implicit:
        fields["thinking"] = {"type": "adaptive"}
    effort = "low" if thinking.effort == "minimal" else thinking.effort
    if effort in _CLAUDE_EFFORTS:
        fields["output_config"] = {"effort": effort}
    return fields


def _add_claude_fields(fields: _Fields, request: ChatRequest) -> None:
    """Add an Anthropic caller's other fields: `thinking.display`, `output_config.task_budget`."""
    for name, value in request.extra.items():
        field, dot, part = name.partition(".")
        if dot and field in CLAUDE_FIELDS:
            fields[field] = {**fields.get(field, {}), part: value}
    betas = [name for name in request.betas if name in BETAS]
    if CONTEXT_MANAGEMENT in request.extra:
        fields[CONTEXT_MANAGEMENT] = request.extra[CONTEXT_MANAGEMENT]
        betas += [] if _CONTEXT_MANAGEMENT_BETA in betas else [_CONTEXT_MANAGEMENT_BETA]
    if betas:
        fields["anthropic_beta"] = betas
