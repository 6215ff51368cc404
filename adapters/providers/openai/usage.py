"""OpenAI's usage object as disjoint units.

House rule: every unit is counted in exactly one unit, and what does not add up has a note that names both fields.
OpenAI counts cached, written and audio tokens inside `prompt_tokens`, and reasoning and audio inside
`completion_tokens` (https://developers.openai.com/api/docs/guides/prompt-caching); others differ, and `total_tokens`
tells them apart.
"""

from decimal import ROUND_CEILING, Decimal
from typing import Any

import msgspec

from adapters.providers.decode_errors import Count
from adapters.providers.usage_counts import UNTOLD, Reader, covering, disagreeing, greatest, usage_of
from domain.model_api.events import UsageReported
from domain.usage import Usage


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

    `cost` is what OpenRouter charges, in dollars; with the operator's own key at the vendor (`is_byok`), what the
    vendor asks comes on top and stands in `cost_details`. `prompt_cache_hit_tokens` is DeepSeek's word for cached
    tokens, `cached_tokens` Together's; `num_sources_used` is xAI's count of its searches, `tool_uses` the hub's own.
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
    cost: msgspec.Raw = UNTOLD
    is_byok: Any = None
    cost_details: msgspec.Raw = UNTOLD


class _CostDetails(msgspec.Struct, frozen=True):
    upstream_inference_cost: msgspec.Raw = UNTOLD


class Told(msgspec.Struct, frozen=True):
    """What the chunks of an answer told so far: their counts, and how the answer is served."""

    usage: WireUsage | None = None
    service: str | None = None


_READER = Reader(WireUsage)
_COST_DETAILS = msgspec.json.Decoder(_CostDetails)
_NANOS_A_DOLLAR = 1_000_000_000
# No call comes near it, and it fits the books.
_DOLLARS_MAX = 1_000_000
_NO_PROMPT_DETAILS = PromptDetails()
_NO_COMPLETION_DETAILS = CompletionDetails()


def reported(told: Told, raw: msgspec.Raw, service: Any) -> tuple[Told, tuple[UsageReported, ...]]:
    """A usage object (`UNTOLD` where a chunk has none) and a service tier, on top of what was told before.

    There is an event where something is told of counts, or the tier of those that were told is another.
    """
    notes: list[str] = []
    usage = _READER.read(raw, notes)
    tier = service if isinstance(service, str) and service else told.service
    if usage is None and not notes and (told.usage is None or tier == told.service):
        return (told if tier == told.service else Told(told.usage, tier)), ()
    told = Told(told.usage if usage is None else greatest(told.usage, usage), tier)
    counted = None if told.usage is None else units(told.usage, notes)
    if counted is None and not notes:
        return told, ()
    cost = None if told.usage is None else cost_nanos(told.usage)
    event = UsageReported(usage=counted or Usage(), service_tier=tier, cost_nanos=cost, notes=tuple(notes))
    return told, (event,)


def units(usage: WireUsage, notes: list[str]) -> Usage | None:
    """The usage as units, with a note for each thing that does not add up; None where it counts nothing.

    None is no report, so the meter has to estimate.

    prompt 2,600 of which cached 2,000 and written 400, completion 300 of which reasoning 100:
    input 200, cache read 2,000, cache write 400, output 200, reasoning 100.
    """
    prompt, completion, total = usage.prompt_tokens, usage.completion_tokens, usage.total_tokens or 0
    if prompt is None:
        if completion is None:
            return None
        prompt = max(0, total - completion)
    elif completion is None:
        completion = max(0, total - prompt)
    details = usage.prompt_tokens_details or _NO_PROMPT_DETAILS
    read, said_by = _cached(usage, details)
    beside = prompt + read + (details.cache_write_tokens or 0)
    if read > prompt and total == beside + completion:
        # The total shows that this server counts what is cached beside the rest, as Anthropic does.
        told = f"{said_by} is {read}, more than prompt_tokens, which is {prompt}"
        disagreeing(notes, told, "it is counted beside prompt_tokens")
        prompt = beside
    counted = _completion_units(usage, prompt, completion, notes)
    counted |= _prompt_units(details, prompt, read, said_by, notes)
    return usage_of(notes, counted | {"tool_uses": _tool_uses(usage)})


def cost_nanos(usage: WireUsage) -> int | None:
    """What the provider says that it charges, in nano-USD rounded up; None where it says no amount.

    OpenRouter: "cost: the total amount charged to your account" (https://openrouter.ai/docs/use-cases/usage-accounting),
    and with a key of the operator's own "upstream_inference_cost: the actual cost charged by the upstream provider".
    Others put an object or a text there, which means something else.
    """
    nanos = _nanos(usage.cost)
    if nanos is None or usage.is_byok is not True:
        return nanos
    try:
        upstream = _nanos(_COST_DETAILS.decode(usage.cost_details).upstream_inference_cost)
    except msgspec.DecodeError:
        return None
    return None if upstream is None else nanos + upstream


def _nanos(amount: msgspec.Raw) -> int | None:
    if not len(amount) or bytes(amount)[:1] == b'"':
        return None
    try:
        dollars = msgspec.json.decode(amount, type=Decimal)
    except msgspec.DecodeError:
        return None
    if not 0 <= dollars <= _DOLLARS_MAX:
        return None
    return int((dollars * _NANOS_A_DOLLAR).to_integral_value(ROUND_CEILING))


def _prompt_units(details: PromptDetails, prompt: int, read: int, said_by: str, notes: list[str]) -> dict[str, int]:
    """The units of the prompt, of which `read` tokens were cached.

    Cached audio is counted in both details, and OpenAI says of `cache_write_tokens` that it is "unadjusted" while
    "a longer cache write does not bill the already cached tokens again": so what overlaps is a cache read.
    """
    written, audio, image = details.cache_write_tokens or 0, details.audio_tokens or 0, details.image_tokens or 0
    if max(read, written, audio, image) > prompt:
        parts = (("cache_write_tokens", written), ("audio_tokens", audio), ("image_tokens", image))
        prompt = covering(notes, ("prompt_tokens", prompt), (said_by, read), *parts)
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


def _completion_units(usage: WireUsage, prompt: int, completion: int, notes: list[str]) -> dict[str, int]:
    """The units of the completion; no part of it is more than the whole."""
    details = usage.completion_tokens_details or _NO_COMPLETION_DETAILS
    reasoning, audio, image = details.reasoning_tokens or 0, details.audio_tokens or 0, details.image_tokens or 0
    outside = _outside(usage, prompt, completion, reasoning, notes)
    inside = max(0, reasoning - outside)
    if audio + image + inside > completion:
        parts = (("reasoning_tokens", inside), ("audio_tokens", audio), ("image_tokens", image))
        whole = covering(notes, ("completion_tokens", completion), *parts)
        if whole == completion:
            told = f"audio_tokens, image_tokens and reasoning_tokens are {audio}, {image} and {inside}"
            disagreeing(
                notes, f"{told}, more than completion_tokens, which is {completion}", "the last are counted less"
            )
        completion = whole
        image = min(image, completion - audio)
        inside = min(inside, completion - audio - image)
    return {
        "output_tokens": completion - inside - audio - image,
        "output_audio_tokens": audio,
        "output_image_tokens": image,
        "reasoning_tokens": inside + outside,
    }


def _outside(usage: WireUsage, prompt: int, completion: int, reasoning: int, notes: list[str]) -> int:
    """How many tokens of thinking are counted beside the completion.

    Where `total_tokens` is more than prompt and completion together, the rest is thinking that was counted outside:
    xAI does so (https://docs.x.ai/docs/key-information/consumption-and-rate-limits: "counted separately from
    completion_tokens, but will be counted in the total_tokens"), and Google's OpenAI endpoint does so without
    telling the reasoning at all. It is charged by both, so it is never dropped. But what is more than the reasoning
    that is told belongs to nothing, and no charge rests on it.
    """
    total = usage.total_tokens
    if not total:  # 0 beside tokens is a server that fills in the field without counting.
        return reasoning if reasoning > completion else 0
    rest = total - prompt - completion
    if 0 <= rest <= (reasoning or rest):
        return rest
    sums = f"total_tokens is {total}, but prompt_tokens and completion_tokens are {prompt} and {completion}"
    if rest < 0:
        disagreeing(notes, sums, "the total is passed over")
        return 0
    disagreeing(notes, f"{sums}, and reasoning_tokens is {reasoning}", "the rest of the total is passed over")
    return reasoning


def _tool_uses(usage: WireUsage) -> int:
    searches = usage.server_tool_use or usage.server_tool_use_details
    return (searches.web_search_requests or 0 if searches else 0) or usage.num_sources_used or usage.tool_uses or 0
