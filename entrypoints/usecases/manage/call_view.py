"""Calls and their adjustments as they are shown: every field, amounts as exact decimals, moments in UTC."""

from typing import Any

import msgspec

from domain.ledger.rows import Adjustment
from domain.model_api.call import AttemptRecord
from domain.money import format_credits
from entrypoints.usecases.manage.call_log import CallReport
from entrypoints.usecases.public_types import Moment, written


def call_view(report: CallReport) -> dict[str, Any]:
    """A call with every field."""
    call = report.call
    return {
        "id": call.id,
        "user": report.user,
        "key_id": call.key_id,
        "dialect": call.dialect,
        "model": call.model,
        "stream": call.stream,
        "ending": call.ending,
        "incomplete": report.incomplete,
        "error": call.error,
        "started": _moment(call.started_ms),
        "ended": _moment(call.ended_ms),
        "duration_ms": _since(call.started_ms, call.ended_ms),
        "first_byte_ms": call.first_byte_ms,
        "provider": call.provider,
        "provider_model": call.provider_model,
        "credential_id": call.credential_id,
        "attempts": [_attempt(attempt) for attempt in call.attempts],
        "usage": msgspec.structs.asdict(call.usage) if call.usage else None,
        "usage_source": call.usage_source,
        "usage_note": call.usage_note,
        "size": call.size,
        "quality": call.quality,
        "billed": call.billed,
        "charge": format_credits(call.charge_nanos),
        "hold": format_credits(call.hold_nanos),
        "uncollected": format_credits(call.uncollected_nanos),
        "rate_id": call.rate_id,
        "service_tier": call.service_tier,
        "cost_usd": _cost(call.cost_nanos),
        "price_id": call.price_id,
        "cost_unknown": report.cost_unknown,
        "idempotency_key": call.idempotency_key,
        "process": call.owner,
    }


def _attempt(attempt: AttemptRecord) -> dict[str, object]:
    fields = msgspec.structs.asdict(attempt)
    cost_nanos = fields.pop("cost_nanos")
    return {**fields, "cost_usd": _cost(cost_nanos)}


def adjustment_view(adjustment: Adjustment) -> dict[str, Any]:
    """An adjustment of a call's charge after a correction of its rate."""
    return {
        "rate_id": adjustment.rate_id,
        "amount": format_credits(adjustment.amount_nanos),
        "owed": format_credits(adjustment.owed_nanos),
        "at": _moment(adjustment.at_ms),
    }


def _moment(ms: int | None) -> str | None:
    return None if ms is None else written(Moment(ms))


def _cost(nanos: int | None) -> str | None:
    """The cost in dollars, as an exact decimal; None if it is unknown."""
    return None if nanos is None else format_credits(nanos)


def _since(start_ms: int, end_ms: int | None) -> int | None:
    return None if end_ms is None else end_ms - start_ms
