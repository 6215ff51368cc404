"""The most that a call can be charged, before it is made: the hold is never less than the charge.

Input is bounded by the bytes of the request, since a token is never less than a byte, plus what a provider adds around
the messages and the tokens of images; and by the model's context. Output is bounded by the caller's cap, else by the
model's maximum, else by its context, else by `OUTPUT_TOKENS_DEFAULT`, which the hub then sends as a cap of its own. For
a rate with tiers the dearest one counts that the input and the requested service can reach; for one with variants, the
dearest one that the requested size and quality can be.

What is not text is bounded by its pieces (requested images and seconds of video, characters of speech, seconds of a
recording), and by tokens if the model is sold by them. A rate sells an operation only with a price for it (`OPERATIONS`
lists which); without one the call is refused.
"""

import contextlib
from functools import lru_cache

import msgspec

from domain.model_api.call import ModelCall
from domain.model_api.operations import OPERATIONS, SOLD_BY_PIECE, OperationName
from domain.pricing.charge import Dearest, dearest, has_price, nanos_of
from domain.pricing.money import AmountError, charge_rounded_up, units_affordable
from domain.pricing.rate import Rate
from domain.pricing.tiers import reachable
from domain.refusals import Unbounded, UnpricedFeature, UsageUnavailable

# Providers wrap messages and tools in prompts of their own that the body does not show; Anthropic documents up
# to 346 tokens for tool use (docs.claude.com, "Tool use: pricing"), and computer use adds some 700 more.
INPUT_TOKENS_ADDED = 1_500
# An image may cost more tokens than the bytes or the URL that it comes as. 48,169 are the most that one costs
# anywhere: at OpenAI, on gpt-4o-mini in high detail (developers.openai.com, "Images and vision: calculating costs").
IMAGE_TOKENS_MAX = 49_152
# An image comes with fewer tokens of output at OpenAI, also of the largest size that gpt-image-2 makes and with three
# partial ones, at 100 tokens each (developers.openai.com, "Image generation: cost and latency").
OUTPUT_IMAGE_TOKENS_MAX = 16_384
# Voyage and others put a sentence of their own before each text that they embed.
INPUT_TOKENS_ADDED_EACH = 32
# Google counts 32 tokens for a second of audio, others fewer (ai.google.dev, "Audio understanding").
AUDIO_TOKENS_PER_SECOND_MAX = 50
# A decoder may include the padding of a recording's last frame, which can add another second.
SECONDS_ADDED = 1
OUTPUT_TOKENS_DEFAULT = 4_096
# The hub's bound for the uses of a hosted tool: one or two searches are usual, and each may cost a context.
USES_DEFAULT = 8
# Do not lower the output cap below this: the answer would be useless.
OUTPUT_TOKENS_USEFUL = 256


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The most a call may be charged. `output_cap` is a cap that the hub must send for it, None if none.

    `uses_cap` is a cap on the uses of each hosted tool that the caller did not bound.
    """

    nanos: int
    input_tokens: int
    output_tokens: int
    output_cap: int | None
    uses_cap: int | None = None


def bound(call: ModelCall, rate: Rate) -> Bound | Unbounded | UsageUnavailable | UnpricedFeature:
    """The upper bound of the call's charge under a rate, or the reason why there is none.

    Hosted tools that the caller did not bound are bounded by the hub, if the caller's dialect has a field for that.
    """
    if call.hosted_tools and call.hosted_uses_max is None and call.hosted_unbounded:
        return _with_uses(call, rate, USES_DEFAULT)
    if call.uncounted:
        return UsageUnavailable(field=call.uncounted)
    if call.hosted_tools and rate.prices.tool_use_nanos is None:
        return UnpricedFeature(model=call.model, feature=call.hosted_tools[0])
    if call.hosted_tools and call.hosted_uses_max is None:
        return Unbounded(model=call.model, field=call.hosted_tools[0], cause="uses")
    if call.hosted_tools and rate.context_tokens is None:
        return Unbounded(model=call.model, field=call.hosted_tools[0], cause="context")
    if call.opaque_input and rate.context_tokens is None:
        return Unbounded(model=call.model, field=call.opaque_input, cause="context")
    if not is_sold(call.operation, rate):
        return UnpricedFeature(model=call.model, feature=call.operation)
    if (
        call.kind.output == "by_model"
        and dearest(rate).output_nanos
        and rate.output_tokens_max is rate.context_tokens is None
    ):
        return Unbounded(model=call.model, field=call.kind.length_field, cause="output")
    input_tokens = _input_tokens(call, rate)
    per_choice, capped = _output_tokens(call, rate)
    output_tokens = per_choice * call.choices + _echoed(call, input_tokens)
    try:
        nanos = _charge(call, input_tokens, output_tokens, rate)
    except AmountError:
        # A bound that is too large for the books is no bound.
        field = "n" if call.choices > per_choice else call.cap_field or "max_tokens"
        return Unbounded(model=call.model, field=field, cause="amount")
    return Bound(
        nanos=nanos,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        output_cap=per_choice if capped else None,
    )


def cost_bound(call: ModelCall, limit: Bound | None, prices: Rate) -> int:
    """The most that a provider may ask for a call with that bound, at its prices; without one, what bounds it then.

    0 where nothing bounds it: with billing off such calls are made.
    """
    if limit is None:
        found = bound(call, prices)
        return found.nanos if isinstance(found, Bound) else 0
    bounded = call if limit.uses_cap is None else _bounded(call, limit.uses_cap)
    return _charge(bounded, limit.input_tokens, limit.output_tokens, prices)


def _with_uses(call: ModelCall, rate: Rate, uses: int) -> Bound | Unbounded | UsageUnavailable | UnpricedFeature:
    """The bound if each hosted tool that the caller did not bound is used at most `uses` times."""
    limit = bound(_bounded(call, uses), rate)
    return msgspec.structs.replace(limit, uses_cap=uses) if isinstance(limit, Bound) else limit


def _bounded(call: ModelCall, uses: int) -> ModelCall:
    return msgspec.structs.replace(call, hosted_uses_max=call.hosted_uses_given + uses * call.hosted_unbounded)


def lowered(call: ModelCall, rate: Rate, full: Bound, available_nanos: int) -> Bound | None:
    """A bound that fits what is available, by fewer uses of hosted tools, then by a lower output cap.

    None if no useful answer fits.
    """
    if full.uses_cap is None:
        return _lowered_output(call, rate, full, available_nanos)
    for uses in range(full.uses_cap - 1, 0, -1):
        less = _with_uses(call, rate, uses)
        if isinstance(less, Bound) and less.nanos <= available_nanos:
            return less
    least = _with_uses(call, rate, 1)
    found = _lowered_output(_bounded(call, 1), rate, least, available_nanos) if isinstance(least, Bound) else None
    return None if found is None else msgspec.structs.replace(found, uses_cap=1)


def _lowered_output(call: ModelCall, rate: Rate, full: Bound, available_nanos: int) -> Bound | None:
    """A bound that fits what is available, by a lower output cap; None if no useful answer fits.

    Only if the caller gave no cap: the caller's own cap is not changed.
    """
    output_nanos = _dearest(call, rate, full.input_tokens).output_nanos
    if call.output_tokens_max is not None or output_nanos == 0 or call.kind.output != "by_cap":
        return None
    echoed = _echoed(call, full.input_tokens)
    rest = available_nanos - _charge(call, full.input_tokens, echoed, rate)
    affordable_tokens = units_affordable(max(0, rest), output_nanos)
    per_choice = affordable_tokens // call.choices
    if per_choice < OUTPUT_TOKENS_USEFUL:
        return None
    output_tokens = per_choice * call.choices + echoed
    return Bound(
        nanos=_charge(call, full.input_tokens, output_tokens, rate),
        input_tokens=full.input_tokens,
        output_tokens=output_tokens,
        output_cap=per_choice,
    )


@lru_cache(maxsize=4096)
def is_sold(operation: OperationName, rate: Rate) -> bool:
    """Whether the rate has a price for the operation; 0 is a price if it is set.

    Texts are sold by the token. If all prices are zero, the model is free; but if the only prices are by the piece,
    such as an image's, its tokens have no price, and no text is sold.
    """
    sold = OPERATIONS[operation]
    if any(has_price(rate, unit) for unit in (*sold.units, "requests")):
        return True
    if sold.tokens is not None:
        own, parent = sold.tokens
        return has_price(rate, own) or nanos_of(rate, parent) > 0
    if not sold.text_tokens:
        return False
    by_token = rate.input_nanos > 0 or rate.output_nanos > 0
    return by_token or not any(has_price(rate, unit) for unit in SOLD_BY_PIECE)


def _input_tokens(call: ModelCall, rate: Rate) -> int:
    if call.hosted_tools and rate.context_tokens is not None:
        # The model reads its whole context again after each use of a tool, with the tool's result.
        return rate.context_tokens * (1 + (call.hosted_uses_max or 0))
    if call.opaque_input and rate.context_tokens is not None:
        return rate.context_tokens
    by_bytes = call.body_bytes + INPUT_TOKENS_ADDED + call.images * IMAGE_TOKENS_MAX
    by_bytes += (call.inputs - 1) * INPUT_TOKENS_ADDED_EACH + call.pieces.seconds * AUDIO_TOKENS_PER_SECOND_MAX
    return by_bytes if rate.context_tokens is None else min(by_bytes, rate.context_tokens * call.inputs)


def _echoed(call: ModelCall, input_tokens: int) -> int:
    """Each choice may begin with its own prompt, so all prompts are repeated for each choice."""
    return input_tokens * (call.choices // call.inputs) if call.echoes else 0


def _output_tokens(call: ModelCall, rate: Rate) -> tuple[int, bool]:
    """Output tokens per choice, and whether the hub must send that as a cap because nothing else bounds it."""
    kind = call.kind
    if kind.output == "nothing":
        return 0, False
    if kind.output == "by_image":
        return rate.output_tokens_max or OUTPUT_IMAGE_TOKENS_MAX, False
    known = [n for n in (rate.output_tokens_max, rate.context_tokens) if n is not None]
    if kind.output == "by_model":
        return min(known, default=0), False
    if call.output_tokens_max is not None:
        return min([call.output_tokens_max, *known]), False
    return (min(known), False) if known else (OUTPUT_TOKENS_DEFAULT, True)


def _charge(call: ModelCall, input_tokens: int, output_tokens: int, rate: Rate) -> int:
    dear = _dearest(call, rate, input_tokens)
    return charge_rounded_up(
        (
            (input_tokens, dear.input_nanos),
            (output_tokens, dear.output_nanos),
            (call.hosted_uses_max or 0, dear.units["tool_uses"]),
            (1, dear.units["requests"]),
            *((_most_of(call, unit), dear.units[unit]) for unit in SOLD_BY_PIECE),
        )
    )


def _most_of(call: ModelCall, unit: str) -> int:
    """The most that the call may come to of a unit by the piece."""
    if unit == "search_units":
        return call.search_units_max
    count: int = getattr(call.pieces, unit)
    return count + SECONDS_ADDED if count and unit == "seconds" else count


def _dearest(call: ModelCall, rate: Rate, input_tokens: int) -> Dearest:
    if not (rate.tiers or rate.variants):
        return dearest(rate)
    tiers = tuple(reachable(rate.tiers, requested_services(call), input_tokens)) if rate.tiers else ()
    return dearest(rate, tiers, call.size, call.quality) if rate.variants else dearest(rate, tiers)


def requested_services(call: ModelCall) -> set[str]:
    """The service tiers that the call names: OpenAI's `service_tier`, and Anthropic's `speed` and `service_tier`.

    Callers of Bedrock's models may use Bedrock's form, `{"type": "flex"}` and `{"latency": "optimized"}`.
    """
    requested: set[str] = set()
    for field in ("service_tier", "speed", "serviceTier", "performanceConfig"):
        if (raw := call.fields.get(field)) is not None:
            with contextlib.suppress(msgspec.DecodeError):
                value = msgspec.json.decode(raw, type=str | dict[str, str])
                requested.update((value,) if isinstance(value, str) else value.values())
    return requested
