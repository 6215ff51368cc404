"""The most that a call can come to, before it is made: what is held is never less than what may be charged.

Input is bounded by the bytes of the request, since a token is never less than a byte, plus what a provider adds around
the messages and what a picture may cost; and by the model's context. Output is bounded by the caller's cap, else by
the model's maximum, else by its context, else by `OUTPUT_TOKENS_DEFAULT`, which the hub then sends as a cap of its own.
"""

import msgspec

from domain.books import Rate
from domain.calls import ModelCall
from domain.money import AmountError, charge_rounded_up, units_affordable
from domain.pricing import input_nanos_max, output_nanos_max
from domain.refusals import Unbounded, UnpricedFeature

# Providers wrap messages and tools in prompts of their own that the body does not show; Anthropic documents up
# to 346 tokens for tool use (docs.claude.com, "Tool use: pricing"), and computer use adds some 700 more.
INPUT_TOKENS_ADDED = 1_500
# A picture may cost more tokens than the bytes or the URL that it comes as. 48,169 are the most that one costs
# anywhere: at OpenAI, on gpt-4o-mini in high detail (developers.openai.com, "Images and vision: calculating costs").
IMAGE_TOKENS_MAX = 49_152
OUTPUT_TOKENS_DEFAULT = 4_096
# Below this an answer is not worth its question, so the hub does not lower a cap any further.
OUTPUT_TOKENS_USEFUL = 256


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The most a call may be charged. `output_cap` is a cap the hub must send to make it true, None if none."""

    nanos: int
    input_tokens: int
    output_tokens: int
    output_cap: int | None


def bound(call: ModelCall, rate: Rate) -> Bound | Unbounded | UnpricedFeature:
    """The upper bound of the call's charge under a rate, or why there is none."""
    if call.hosted_tools and rate.tool_use_nanos is None:
        return UnpricedFeature(model=call.model, feature=call.hosted_tools[0])
    if call.hosted_tools and (call.hosted_uses_max is None or rate.context_tokens is None):
        return Unbounded(model=call.model, field=call.hosted_tools[0])
    if call.opaque_input and rate.context_tokens is None:
        return Unbounded(model=call.model, field=call.opaque_input)
    input_tokens = _input_tokens(call, rate)
    per_choice, capped = _output_tokens(call, rate)
    output_tokens = per_choice * call.choices
    try:
        nanos = _charge(call, input_tokens, output_tokens, rate)
    except AmountError:
        # A bound that the books cannot hold is none.
        return Unbounded(model=call.model, field="n" if call.choices > per_choice else call.cap_field or "max_tokens")
    return Bound(
        nanos=nanos,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        output_cap=per_choice if capped else None,
    )


def lowered(call: ModelCall, rate: Rate, full: Bound, available_nanos: int) -> Bound | None:
    """A bound that fits what is available, by a lower output cap; None if no useful answer fits.

    Only where the caller gave no cap: a cap that was asked for is the caller's meaning and is not changed.
    """
    output_nanos = output_nanos_max(rate)
    if call.output_tokens_max is not None or output_nanos == 0:
        return None
    rest = available_nanos - _charge(call, full.input_tokens, 0, rate)
    affordable_tokens = units_affordable(max(0, rest), output_nanos)
    per_choice = affordable_tokens // call.choices
    if per_choice < OUTPUT_TOKENS_USEFUL:
        return None
    output_tokens = per_choice * call.choices
    return Bound(
        nanos=_charge(call, full.input_tokens, output_tokens, rate),
        input_tokens=full.input_tokens,
        output_tokens=output_tokens,
        output_cap=per_choice,
    )


def _input_tokens(call: ModelCall, rate: Rate) -> int:
    if call.hosted_tools and rate.context_tokens is not None:
        # The model reads its whole context once more after each use of a tool, with what the tool has found.
        return rate.context_tokens * (1 + (call.hosted_uses_max or 0))
    if call.opaque_input and rate.context_tokens is not None:
        return rate.context_tokens
    by_bytes = call.body_bytes + INPUT_TOKENS_ADDED + call.images * IMAGE_TOKENS_MAX
    return by_bytes if rate.context_tokens is None else min(by_bytes, rate.context_tokens)


def _output_tokens(call: ModelCall, rate: Rate) -> tuple[int, bool]:
    """Output tokens per choice, and whether the hub must send that as a cap because nobody else bounds it."""
    known = [n for n in (rate.output_tokens_max, rate.context_tokens) if n is not None]
    if call.output_tokens_max is not None:
        return min([call.output_tokens_max, *known]), False
    return (min(known), False) if known else (OUTPUT_TOKENS_DEFAULT, True)


def _charge(call: ModelCall, input_tokens: int, output_tokens: int, rate: Rate) -> int:
    return charge_rounded_up(
        (
            (input_tokens, input_nanos_max(rate)),
            (output_tokens, output_nanos_max(rate)),
            (call.hosted_uses_max or 0, rate.tool_use_nanos or 0),
        )
    )
