"""A key in OpenRouter's shape. Amounts are JSON numbers of credits, exact in every digit."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from domain.accounts.identity import flaw
from domain.accounts.rows import ApiKey
from domain.books.statistics.summary import UsageQuery, net_nanos, slots_of
from domain.limits import budgets as rules
from domain.limits.rows import Budget, Period
from domain.pricing.money import format_credits
from entrypoints.http.openrouter_keys.bodies import PERIODS
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.public_types import moment

ZONE = "UTC"
_RESETS = {period: reset for reset, period in PERIODS.items()}
_SPANS: tuple[Period, ...] = ("day", "week", "month")


class Charged(msgspec.Struct, frozen=True, kw_only=True):
    """What a key was charged, in nanocredits: ever, and in the present day, week and month in UTC."""

    total: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0


def number(nanos: int) -> msgspec.Raw:
    """An amount as a JSON number, in credits."""
    return msgspec.Raw(format_credits(nanos).encode())


async def shown(hub: CallContext, keys: Sequence[ApiKey]) -> list[dict[str, Any]]:
    """The keys as OpenRouter shows them."""
    budgets = await budgets_of(hub)
    charged = await _charged(hub, keys[0].id if len(keys) == 1 else None)
    return [
        _view(key, await _limit(hub, budgets.get(key.id)), charged.get(key.id, Charged()), hub.clock.now_ms())
        for key in keys
    ]


async def budgets_of(hub: CallContext) -> Mapping[str, Budget]:
    """The budget that stands for a key, by the key's id: the oldest whose period OpenRouter has a name for."""
    found: dict[str, Budget] = {}
    for budget in await hub.storage.budgets():
        kind, _, key_id = budget.subject.partition(":")
        if kind == "key" and budget.period in _RESETS and budget.time_zone == ZONE:
            found.setdefault(key_id, budget)
    return found


async def _limit(hub: CallContext, budget: Budget | None) -> dict[str, Any]:
    if budget is None:
        return {"limit": None, "limit_remaining": None, "limit_reset": None}
    now_ms = hub.clock.now_ms()
    edges = hub.calendar.edges(budget.time_zone, now_ms)
    rows = [rules.rolled(row, edges) for row in await hub.storage.budget_spent(budget.id)]
    left = min((rules.remaining(budget, row, now_ms) for row in rows), default=budget.amount_nanos)
    return {
        "limit": number(budget.amount_nanos),
        "limit_remaining": number(max(0, left)),
        "limit_reset": _RESETS[budget.period],
    }


async def _charged(hub: CallContext, key_id: str | None) -> dict[str, Charged]:
    """What each key was charged; only one, where it is named."""
    now_ms = hub.clock.now_ms()
    edges = hub.calendar.edges(ZONE, now_ms)
    starts = [0]
    for period in _SPANS:
        span = edges.of(period)
        starts.append(span.start_ms if span else 0)
    _, to_ms = slots_of(0, now_ms + 1)
    sums: dict[str, list[int]] = {}
    for at, from_ms in enumerate(starts):
        for one in await hub.storage.usage(UsageQuery(from_ms=from_ms, to_ms=to_ms, key_id=key_id, by=("key_id",))):
            sums.setdefault(one.key_id, [0, 0, 0, 0])[at] += net_nanos(one)
    return {
        name: Charged(total=total, daily=daily, weekly=weekly, monthly=monthly)
        for name, (total, daily, weekly, monthly) in sums.items()
    }


def _view(key: ApiKey, limit: Mapping[str, Any], charged: Charged, now_ms: int) -> dict[str, Any]:
    created, expires = moment(key.created_ms), moment(key.expires_ms)
    return {
        "hash": key.id,
        "name": key.name,
        "label": f"{key.prefix}...",
        "disabled": flaw(key, now_ms) is not None,
        **limit,
        "include_byok_in_limit": False,
        "usage": number(charged.total),
        "usage_daily": number(charged.daily),
        "usage_weekly": number(charged.weekly),
        "usage_monthly": number(charged.monthly),
        **{f"byok_usage{span}": 0 for span in ("", "_daily", "_weekly", "_monthly")},
        "creator_user_id": key.user_id,
        "workspace_id": None,
        "created_at": created,
        "updated_at": None,
        "expires_at": expires,
    }


async def own(hub: CallContext, key: ApiKey) -> dict[str, Any]:
    """The key of the request, as `GET /key` shows it."""
    (view,) = await shown(hub, [key])
    hidden = ("hash", "name", "disabled", "created_at", "updated_at", "workspace_id")
    manages = key.purpose != "models"
    return {
        **{name: value for name, value in view.items() if name not in hidden},
        "is_free_tier": False,
        "is_management_key": manages,
        "is_provisioning_key": manages,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "See the headers of answers."},
    }
