"""Convert OpenAI's usage object to disjoint units.

House rule: every token is counted in exactly one unit, and each contradiction has a note that names both fields. OpenAI
counts cached, written and audio tokens inside `prompt_tokens`, and reasoning and audio inside `completion_tokens`
(https://developers.openai.com/api/docs/guides/prompt-caching). Other servers count differently; `total_tokens`
distinguishes the two.
"""

from decimal import ROUND_CEILING, Decimal
from typing import Any

import msgspec

from adapters.providers.decode_errors import Count
from adapters.providers.usage_counts import UNREPORTED, Reader, covering, disagreeing, greatest, usage_of
from domain.model_api.events import UsageReported
from domain.usage import Usage


class PromptDetails(msgspec.Struct, frozen=True):
    """The parts of the prompt."""

    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None
    cached_audio_tokens: Count | None = None
    image_tokens: Count | None = None


class CompletionDetails(msgspec.Struct, frozen=True):
    """The parts of the completion."""

    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None
    image_tokens: Count | None = None


class ToolUses(msgspec.Struct, frozen=True):
    """OpenRouter's count of the searches that it ran and charges."""

    web_search_requests: Count | None = None


class WireUsage(msgspec.Struct, frozen=True):
    """A usage object as received, with the extra fields of compatible providers.

    `cost` is what OpenRouter charges, in dollars. With the operator's own key at the vendor (`is_byok`), the vendor's
    charge is added; it is in `cost_details`. `prompt_cache_hit_tokens` is DeepSeek's field for cached tokens,
    `cached_tokens` Together's; `num_sources_used` is xAI's count of its searches, `tool_uses` the hub's own.
    Some servers report chat with the Responses API's names, `input_tokens` and `output_tokens`. Mistral's
    `num_cached_tokens` is ignored: it counts the cache of its engine, while the cached tokens that it bills, in blocks
    of 64, are in the details (https://docs.mistral.ai/studio-api/conversations/advanced/prompt-caching).
    """

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_tokens_details: PromptDetails | None = None
    output_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: Count | None = None
    cached_tokens: Count | None = None
    server_tool_use: ToolUses | None = None
    server_tool_use_details: ToolUses | None = None
    num_sources_used: Count | None = None
    tool_uses: Count | None = None
    cost: msgspec.Raw = UNREPORTED
    is_byok: Any = None
    cost_details: msgspec.Raw = UNREPORTED


class _CostDetails(msgspec.Struct, frozen=True):
    upstream_inference_cost: msgspec.Raw = UNREPORTED


class Reported(msgspec.Struct, frozen=True):
    """The counts and the service tier that the chunks of an answer have reported so far."""

    usage: WireUsage | None = None
    service: str | None = None


_READER = Reader(WireUsage)
_COST_DETAILS = msgspec.json.Decoder(_CostDetails)
_NANOS_A_DOLLAR = 1_000_000_000
# No call costs nearly as much, and the amount fits the books.
_DOLLARS_MAX = 1_000_000
_NO_PROMPT_DETAILS = PromptDetails()
_NO_COMPLETION_DETAILS = CompletionDetails()


def reported(before: Reported, raw: msgspec.Raw, service: Any) -> tuple[Reported, tuple[UsageReported, ...]]:
    """Merge a usage object (`UNREPORTED` if a chunk has none) and a service tier with the reports so far.

    Returns an event if there are new counts, or a new tier for the counts so far.
    """
    notes: list[str] = []
    usage = _READER.read(raw, notes)
    tier = service if isinstance(service, str) and service else before.service
    if usage is None and not notes and (before.usage is None or tier == before.service):
        return (before if tier == before.service else Reported(before.usage, tier)), ()
    before = Reported(before.usage if usage is None else greatest(before.usage, usage), tier)
    counted = None if before.usage is None else units(before.usage, notes)
    if counted is None and not notes:
        return before, ()
    cost = None if before.usage is None else cost_nanos(before.usage)
    event = UsageReported(usage=counted or Usage(), service_tier=tier, cost_nanos=cost, notes=tuple(notes))
    return before, (event,)


def units(usage: WireUsage, notes: list[str]) -> Usage | None:
    """Return the usage as units, with a note for each contradiction; None if it counts nothing.

    None means that nothing is reported, so the meter must estimate.

    Example: prompt 2,600 of which cached 2,000 and written 400, completion 300 of which reasoning 100: input 200, cache
    read 2,000, cache write 400, output 200, reasoning 100.
    """
    usage = _with_chat_names(usage)
    prompt, completion, total = usage.prompt_tokens, usage.completion_tokens, usage.total_tokens or 0
    if prompt is None:
        if completion is None:
            return None
        prompt = max(0, total - completion)
    elif completion is None:
        completion = max(0, total - prompt)
    details = usage.prompt_tokens_details or _NO_PROMPT_DETAILS
    read, field = _cached(usage, details)
    prompt_with_cache = prompt + read + (details.cache_write_tokens or 0)
    if read > prompt and total == prompt_with_cache + completion:
        # The total shows that this server counts cached tokens in addition to the others, as Anthropic does.
        contradiction = f"{field} is {read}, more than prompt_tokens, which is {prompt}"
        disagreeing(notes, contradiction, "it is counted in addition to prompt_tokens")
        prompt = prompt_with_cache
    counted = _completion_units(usage, prompt, completion, notes)
    counted |= _prompt_units(details, prompt, read, field, notes)
    return usage_of(notes, counted | {"tool_uses": _tool_uses(usage)})


def _with_chat_names(usage: WireUsage) -> WireUsage:
    """Return the usage with the counts under their names in chat, if it has them under those of the Responses API."""
    if usage.prompt_tokens or usage.completion_tokens or not (usage.input_tokens or usage.output_tokens):
        return usage
    return msgspec.structs.replace(
        usage,
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        prompt_tokens_details=usage.prompt_tokens_details or usage.input_tokens_details,
        completion_tokens_details=usage.completion_tokens_details or usage.output_tokens_details,
    )


def cost_nanos(usage: WireUsage) -> int | None:
    """Return the charge that the provider reports, in nano-USD rounded up; None if there is no amount.

    OpenRouter: "cost: the total amount charged to your account"
    (https://openrouter.ai/docs/use-cases/usage-accounting), and with the operator's own key "upstream_inference_cost:
    the actual cost charged by the upstream provider". Other servers put an object or a string there, which means
    something else.
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


def _prompt_units(details: PromptDetails, prompt: int, read: int, field: str, notes: list[str]) -> dict[str, int]:
    """Return the units of the prompt, of which `read` tokens were cached.

    Cached audio is counted in both details. OpenAI says that `cache_write_tokens` is "unadjusted" while "a longer cache
    write does not bill the already cached tokens again", so the overlap counts as cache read.
    """
    written, audio, image = details.cache_write_tokens or 0, details.audio_tokens or 0, details.image_tokens or 0
    if max(read, written, audio, image) > prompt:
        parts = (("cache_write_tokens", written), ("audio_tokens", audio), ("image_tokens", image))
        prompt = covering(notes, ("prompt_tokens", prompt), (field, read), *parts)
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
    """Return the cached tokens and the field that reports them. The first nonzero field wins."""
    for name, value in (
        ("cached_tokens", details.cached_tokens),
        ("prompt_cache_hit_tokens", usage.prompt_cache_hit_tokens),
        ("cached_tokens", usage.cached_tokens),
    ):
        if value:
            return value, name
    return 0, "cached_tokens"


def _completion_units(usage: WireUsage, prompt: int, completion: int, notes: list[str]) -> dict[str, int]:
    """Return the units of the completion; no part exceeds the whole."""
    details = usage.completion_tokens_details or _NO_COMPLETION_DETAILS
    reasoning, audio, image = details.reasoning_tokens or 0, details.audio_tokens or 0, details.image_tokens or 0
    outside = _outside(usage, prompt, completion, reasoning, notes)
    inside = max(0, reasoning - outside)
    if audio + image + inside > completion:
        parts = (("reasoning_tokens", inside), ("audio_tokens", audio), ("image_tokens", image))
        whole = covering(notes, ("completion_tokens", completion), *parts)
        if whole == completion:
            contradiction = f"audio_tokens, image_tokens and reasoning_tokens are {audio}, {image} and {inside}"
            disagreeing(
                notes,
                f"{contradiction}, more than completion_tokens, which is {completion}",
                "the last ones are reduced",
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
    """Return how many reasoning tokens are counted in addition to the completion.

    If `total_tokens` is more than prompt and completion together, the rest is reasoning that was counted separately.
    xAI does so (https://docs.x.ai/docs/key-information/consumption-and-rate-limits: "counted separately from
    completion_tokens, but will be counted in the total_tokens"), and so does Google's OpenAI endpoint, without
    reporting the reasoning at all. Both charge it, so it is never dropped. Tokens beyond the reported reasoning belong
    to no unit and are not charged.
    """
    total = usage.total_tokens
    if not total:  # A total of 0 with tokens comes from a server that fills in the field without counting.
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
