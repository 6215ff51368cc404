"""The records of the refusals by limits, budgets and purses.

A rate is 429 with the time to wait, and money is 402. The SDKs of OpenAI and Anthropic retry a 429 by themselves, so
x-should-retry is false wherever a minute of waiting does not help.
"""

from collections.abc import Mapping
from typing import Any

from domain.limits.refusals import (
    BudgetExceeded,
    ExposureReached,
    PaidCallsStopped,
    RateLimited,
    RunPurseSpent,
    RunStopped,
)
from domain.pricing.money import format_credits
from entrypoints.refusals.record import Record, Variants

# What an SDK may be asked to wait.
WAIT_MS_MAX = 60_000
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms"))


def never(_: Any) -> bool | None:
    """No retry: waiting a minute brings neither credit nor another decision of the operator."""
    return False


def _wait_ms(refusal: RateLimited) -> int | None:
    """How long to wait, where a minute is enough."""
    return refusal.wait_ms if refusal.wait_ms is not None and refusal.wait_ms <= WAIT_MS_MAX else None


def _of_rate(refusal: RateLimited) -> Mapping[str, object]:
    wait = "" if refusal.wait_ms is None else _duration(refusal.wait_ms)
    return {"window": _duration(refusal.window_ms), "wait": wait, "whose": _whose(refusal.subject)}


def _rate_facts(refusal: RateLimited) -> dict[str, str | int | None]:
    return {
        "limit": refusal.limit,
        "measure": refusal.measure,
        "amount": refusal.amount,
        "window_ms": refusal.window_ms,
        "remaining": refusal.remaining,
        "retry_after_ms": refusal.wait_ms,
    }


def _rate(template: str, advice: str) -> Record:
    return Record(
        status=429,
        kind="rate_limit",
        template=template,
        advice=advice,
        values=_of_rate,
        facts=_rate_facts,
        wait_ms=_wait_ms,
        should_retry=lambda refusal: _wait_ms(refusal) is not None,
    )


def _of_budget(refusal: BudgetExceeded) -> Mapping[str, object]:
    facts = _budget_facts(refusal)
    wait = "" if refusal.reset_ms is None else f" The next {refusal.period} begins in {_duration(refusal.reset_ms)}."
    when = "" if refusal.period == "total" else f" for the {refusal.period}"
    return {**facts, "next": wait, "when": when, "whose": _whose(refusal.subject)}


def _budget_facts(refusal: BudgetExceeded) -> dict[str, str | int | None]:
    return {
        "budget": refusal.budget,
        "period": refusal.period,
        "amount": format_credits(refusal.amount_nanos),
        "left": format_credits(refusal.left_nanos),
        "bound": format_credits(refusal.bound_nanos),
        "reset_ms": refusal.reset_ms,
    }


def _purse_facts(refusal: RunPurseSpent) -> dict[str, str | int | None]:
    return {
        "run": refusal.run,
        "purse": format_credits(refusal.purse_nanos),
        "left": format_credits(refusal.left_nanos),
        "bound": format_credits(refusal.bound_nanos),
    }


def _whose(kind: str) -> str:
    return "this hub" if kind == "hub" else f"this {kind}"


def _duration(ms: int) -> str:
    """Rounded up to a whole number of the largest unit that has at least two of it: 1,500 ms are 2 s."""
    size, unit = next((size, unit) for size, unit in _UNITS if ms >= 2 * size or size == 1)
    return f"{-(-ms // size)} {unit}"


LIMITS: Mapping[type, Record | Variants] = {
    RateLimited: Variants(
        lambda refusal: "size" if refusal.wait_ms is None else refusal.measure,
        {
            "requests": _rate("{amount} requests in {window} are the limit of {whose}.", "Try again in {wait}."),
            "tokens": _rate("{amount} tokens in {window} are the limit of {whose}.", "Try again in {wait}."),
            "concurrency": _rate("{amount} open calls are the limit of {whose}.", "Try again when one has ended."),
            "size": _rate(
                "This call is larger than the limit of {whose}: {amount} {measure} in {window}.",
                "A lower output cap or a shorter prompt may fit.",
            ),
        },
    ),
    BudgetExceeded: Record(
        status=402,
        kind="insufficient_credit",
        template="This call may cost up to {bound} credits, and {left} are left of the budget of {whose}{when}.",
        advice="A lower output cap or a shorter prompt may fit.{next}",
        values=_of_budget,
        facts=_budget_facts,
        should_retry=never,
    ),
    RunPurseSpent: Record(
        status=402,
        kind="insufficient_credit",
        template="This call may cost up to {bound} credits, and {left} are left in the purse of the run {run:name}.",
        advice="The operator can raise it with `aihub run set`.",
        values=_purse_facts,
        facts=_purse_facts,
        should_retry=never,
    ),
    RunStopped: Record(
        status=403,
        kind="permission",
        template="The run {run:name} was stopped.",
        advice="Begin another run.",
        should_retry=never,
    ),
    PaidCallsStopped: Record(
        status=402,
        kind="insufficient_credit",
        template="The operator has stopped all calls that cost anything.",
        should_retry=never,
    ),
    ExposureReached: Record(
        status=503,
        kind="overloaded",
        template="{provider}: open calls may still cost as much as the operator allows for this provider.",
        advice="Try again when one has ended.",
        retry_after_s=1,
    ),
}
