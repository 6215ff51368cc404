"""OpenAI's usage object as disjoint leaves.

House rule: every unit is counted in exactly one leaf, and what does not add up is said, naming both fields. OpenAI
counts cached, written and audio tokens inside `prompt_tokens`, and reasoning and audio inside `completion_tokens`
(https://developers.openai.com/api/docs/guides/prompt-caching); others differ, and `total_tokens` tells them apart.
"""

from decimal import ROUND_CEILING, Decimal

import msgspec

from adapters.providers.wire import Count
from domain.usage import Usage

_UNTOLD = msgspec.Raw()


class PromptDetails(msgspec.Struct, frozen=True):
    """What the prompt was made of."""

    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None
    cached_audio_tokens: Count | None = None
    image_tokens: Count | None = None


class CompletionDetails(msgspec.Struct, frozen=True):
    """What the completion was made of."""

    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None
    image_tokens: Count | None = None


class ToolUses(msgspec.Struct, frozen=True):
    """OpenRouter's count of the searches that it ran and charges."""

    web_search_requests: Count | None = None


class WireUsage(msgspec.Struct, frozen=True):
    """A usage object as it comes, with the extra words of compatible providers.

    `cost` is what OpenRouter charges, in dollars. `prompt_cache_hit_tokens` is DeepSeek's word for cached tokens,
    `cached_tokens` Together's; `num_sources_used` is xAI's count of what it searched, `tool_uses` the hub's own.
    Mistral's `num_cached_tokens` is left alone: it counts its engine's cache, while what it bills as cached, in blocks
    of 64, stands in the details (https://docs.mistral.ai/studio-api/conversations/advanced/prompt-caching).
    """

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: Count | None = None
    cached_tokens: Count | None = None
    server_tool_use: ToolUses | None = None
    server_tool_use_details: ToolUses | None = None
    num_sources_used: Count | None = None
    tool_uses: Count | None = None
    cost: msgspec.Raw = _UNTOLD


_NANOS_A_DOLLAR = 1_000_000_000
# No call comes near it, and it fits the books.
_DOLLARS_MAX = 1_000_000
_NO_PROMPT_DETAILS = PromptDetails()
_NO_COMPLETION_DETAILS = CompletionDetails()


def leaves(usage: WireUsage) -> Usage | str | None:
    """The usage as leaves, a sentence where it does not add up, or None where it counts nothing.

    None is no report, so the meter has to estimate.

    prompt 2,600 of which cached 2,000 and written 400, completion 300 of which reasoning 100:
    input 200, cache read 2,000, cache write 400, output 200, reasoning 100.
    """
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    prompt = _prompt_leaves(usage, usage.prompt_tokens)
    if isinstance(prompt, str):
        return prompt
    completion = _completion_leaves(usage, usage.prompt_tokens, usage.completion_tokens)
    if isinstance(completion, str):
        return completion
    return Usage(**prompt, **completion, tool_uses=_tool_uses(usage))


def cost_nanos(usage: WireUsage) -> int | None:
    """What the provider says that it charges, in nano-USD rounded up; None where it says no amount.

    OpenRouter: "cost: the total amount charged to your account" (https://openrouter.ai/docs/use-cases/usage-accounting).
    Others put an object or a text there, which means something else.
    """
    if usage.cost is _UNTOLD:
        return None
    try:
        dollars = msgspec.json.decode(usage.cost, type=Decimal)
    except msgspec.DecodeError:
        return None
    if bytes(usage.cost)[:1] == b'"' or not 0 <= dollars <= _DOLLARS_MAX:
        return None
    return int((dollars * _NANOS_A_DOLLAR).to_integral_value(ROUND_CEILING))


def _prompt_leaves(usage: WireUsage, prompt: int) -> dict[str, int] | str:
    """The leaves of the prompt.

    Cached audio is counted in both details, and OpenAI says of `cache_write_tokens` that it is "unadjusted" while
    "a longer cache write does not bill the already cached tokens again": so what overlaps is a cache read.
    """
    details = usage.prompt_tokens_details or _NO_PROMPT_DETAILS
    read, said_by = _cached(usage, details)
    written = details.cache_write_tokens or 0
    audio = details.audio_tokens or 0
    image = details.image_tokens or 0
    if max(read, written, audio, image) > prompt:
        told = ((said_by, read), ("cache_write_tokens", written), ("audio_tokens", audio), ("image_tokens", image))
        name, part = next((name, part) for name, part in told if part > prompt)
        return f"usage does not add up: {name} is {part}, more than prompt_tokens, which is {prompt}"
    cached_audio = min(details.cached_audio_tokens or 0, audio, read)
    written = min(written, prompt - read)
    audio = min(audio - cached_audio, prompt - read - written)
    image = min(image, prompt - read - written - audio)
    return {
        "input_tokens": prompt - read - written - audio - image,
        "input_audio_tokens": audio,
        "input_image_tokens": image,
        "cache_read_tokens": read - cached_audio,
        "cache_read_audio_tokens": cached_audio,
        "cache_write_tokens": written,
    }


def _cached(usage: WireUsage, details: PromptDetails) -> tuple[int, str]:
    """The cached tokens and the field that tells them. The first that counts any is believed."""
    for name, value in (
        ("cached_tokens", details.cached_tokens),
        ("prompt_cache_hit_tokens", usage.prompt_cache_hit_tokens),
        ("cached_tokens", usage.cached_tokens),
    ):
        if value:
            return value, name
    return 0, "cached_tokens"


def _completion_leaves(usage: WireUsage, prompt: int, completion: int) -> dict[str, int] | str:
    """The leaves of the completion.

    Where `total_tokens` is more than prompt and completion together, the rest is thinking that was counted outside:
    xAI does so (https://docs.x.ai/docs/key-information/consumption-and-rate-limits: "counted separately from
    completion_tokens, but will be counted in the total_tokens"), and Google's OpenAI endpoint does so without
    telling the reasoning at all. It is charged by both, so it is never dropped.
    """
    details = usage.completion_tokens_details or _NO_COMPLETION_DETAILS
    reasoning, audio, image = details.reasoning_tokens or 0, details.audio_tokens or 0, details.image_tokens or 0
    # A total of 0 beside tokens is a server that fills in the field without counting.
    total = usage.total_tokens or None
    outside = 0 if total is None else total - prompt - completion
    if total is None and reasoning > completion:
        outside = reasoning
    if outside < 0:
        return (
            f"usage does not add up: total_tokens is {total}, less than prompt_tokens and completion_tokens, "
            f"which are {prompt} and {completion}"
        )
    if outside and reasoning not in (0, outside):
        return (
            f"usage does not add up: total_tokens is {total}, which is {outside} more than prompt_tokens and "
            f"completion_tokens, but reasoning_tokens is {reasoning}"
        )
    inside = 0 if outside else reasoning
    if audio + image + inside > completion:
        parts = (("reasoning_tokens", inside), ("audio_tokens", audio), ("image_tokens", image))
        name, part = max(parts, key=lambda told: told[1])
        return f"usage does not add up: {name} is {part}, too much for completion_tokens, which is {completion}"
    return {
        "output_tokens": completion - inside - audio - image,
        "output_audio_tokens": audio,
        "output_image_tokens": image,
        "reasoning_tokens": inside + outside,
    }


def _tool_uses(usage: WireUsage) -> int:
    searches = usage.server_tool_use or usage.server_tool_use_details
    return (searches.web_search_requests or 0 if searches else 0) or usage.num_sources_used or usage.tool_uses or 0
