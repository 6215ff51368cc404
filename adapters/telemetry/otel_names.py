"""The names of OpenTelemetry's conventions for what the hub knows of a call.

https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md
"""

from typing import Any

from domain.model_api.call import AttemptRecord
from domain.usage import UNITS, Usage
from ports.telemetry import CallEvent

_OPERATIONS = {"completions": "text_completion", "images": "generate_content", "video": "generate_content"}
# Where the conventions have a name for a vendor that is not the hub's.
_PROVIDERS = {
    "google": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
_SIDES = {"input": "in", "output": "out"}


def genai_operation(operation: str) -> str:
    """The conventions' name of an operation, the hub's own where they have none."""
    return _OPERATIONS.get(operation, operation)


def genai_provider(provider: str) -> str:
    """The conventions' name of a provider, the operator's own where they have none."""
    return _PROVIDERS.get(provider, provider)


def tokens(usage: Usage) -> dict[str, int]:
    """All tokens by side, those of caches, audio, images and reasoning included; sides without any are left out."""
    counted = {
        name: sum(getattr(usage, unit.name) for unit in UNITS if unit.side == side) for name, side in _SIDES.items()
    }
    return {name: count for name, count in counted.items() if count}


def call_attributes(event: CallEvent) -> dict[str, Any]:
    """What the hub knows of a call as a whole: no content, and no secret."""
    found: dict[str, Any] = {
        "gen_ai.operation.name": genai_operation(event.operation),
        "gen_ai.request.model": event.model,
        "gen_ai.request.stream": event.stream,
        "aihub.request_id": event.call_id,
        "aihub.user_id": event.user_id,
        "aihub.key_id": event.key_id,
        "aihub.ending": event.ending,
        "aihub.charge_nanos": event.charge_nanos,
        "aihub.uncollected_nanos": event.uncollected_nanos,
    }
    if event.cost_nanos is not None:
        found["aihub.cost_nanos"] = event.cost_nanos
    if event.ending in ("provider_failed", "timed_out"):
        found["error.type"] = event.ending
    return found


def genai_attributes(event: CallEvent, record: AttemptRecord, repeats_old: bool) -> dict[str, Any]:
    """What the conventions ask of one attempt; the usage only where the attempt was answered."""
    answered = record.outcome == "answered"
    found: dict[str, Any] = {
        "gen_ai.operation.name": genai_operation(event.operation),
        "gen_ai.provider.name": genai_provider(record.provider),
        "gen_ai.request.model": (event.provider_model if answered else None) or event.model,
        "gen_ai.request.stream": event.stream,
    }
    if repeats_old:
        found["gen_ai.system"] = genai_provider(record.provider)
    if not answered:
        found["error.type"] = record.outcome
    elif event.usage is not None:
        usage = event.usage
        found |= {f"gen_ai.usage.{side}_tokens": count for side, count in tokens(usage).items()}
        parts = {
            "cache_read.input_tokens": usage.cache_read_tokens + usage.cache_read_audio_tokens,
            "cache_creation.input_tokens": usage.cache_write_tokens + usage.cache_write_1h_tokens,
            "reasoning.output_tokens": usage.reasoning_tokens,
        }
        found |= {f"gen_ai.usage.{name}": count for name, count in parts.items() if count}
    return found


def metric_attributes(event: CallEvent) -> dict[str, str]:
    """The attributes of metrics, of which there are few values: the model only where one answered."""
    found = {"gen_ai.operation.name": genai_operation(event.operation)}
    if event.provider is not None:
        found["gen_ai.provider.name"] = genai_provider(event.provider)
    if event.ending == "completed":
        found["gen_ai.request.model"] = event.provider_model or event.model
    else:
        found["error.type"] = event.ending
    return found
