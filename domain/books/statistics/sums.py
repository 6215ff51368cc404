"""Which sums a call and an adjustment belong to."""

from operator import attrgetter
from typing import Any

import msgspec

from domain.books.rows import Call
from domain.books.statistics.usage_sum import SLOT_MS, UsageSum
from domain.ledger.audited import KeptId
from domain.ledger.rows import Adjustment
from domain.usage import UNITS, Usage

_NOTHING = Usage()


class SummedCall(msgspec.Struct, frozen=True):
    """The part of a call that its sums are made from; the id is as the storage keeps it."""

    id: KeptId
    user_id: str
    key_id: str
    app: str | None
    provider: str | None
    credential_id: str | None
    provider_model: str | None
    model: str
    operation: str
    ending: str | None
    complete: bool
    started_ms: int
    ended_ms: int | None
    first_byte_ms: int | None
    usage_source: str | None
    charge_nanos: int
    uncollected_nanos: int
    cost_nanos: int | None
    usage: Usage | None


_INPUT = [unit.name for unit in UNITS if unit.side == "in"]
_in = attrgetter(*_INPUT)
_out = attrgetter(*(unit.name for unit in UNITS if unit.side == "out"))
_cache_read = attrgetter(*(name for name in _INPUT if name.startswith("cache_read")))
_cache_write = attrgetter(*(name for name in _INPUT if name.startswith("cache_write")))
# Requests are counted as calls.
_pieces = attrgetter(*(unit.name for unit in UNITS if unit.side is None and unit.name != "requests"))


def sum_of_call(call: Call | SummedCall, writer: str) -> UsageSum:
    """The part of the sums that one call is, which has ended."""
    assert call.ended_ms is not None, "a call is summed when it ends"
    usage = call.usage or _NOTHING
    has_first_byte = call.complete and call.first_byte_ms is not None
    return UsageSum(
        **_key(call, writer),
        calls=1,
        completed=int(call.complete),
        estimated=int(call.usage_source == "estimated"),
        adjusted=int(call.usage_source == "adjusted"),
        charge_nanos=call.charge_nanos,
        uncollected_nanos=call.uncollected_nanos,
        cost_nanos=call.cost_nanos or 0,
        cost_unknown=int(call.cost_nanos is None),
        **_quantities(usage),
        duration_ms=call.ended_ms - call.started_ms if call.complete else 0,
        first_byte_ms=(call.first_byte_ms or 0) if has_first_byte else 0,
        first_bytes=int(has_first_byte),
    )


def sum_of_adjustment(call: Call | SummedCall, adjustment: Adjustment, writer: str) -> UsageSum:
    """The part of the sums that one adjustment of a call is, in the quarter of an hour of its call.

    Re-rating changes the charge alone; a late charge brings the usage of a call that had none.
    """
    usage = adjustment.late.usage if adjustment.late is not None else _NOTHING
    return UsageSum(**_key(call, writer), adjusted_nanos=adjustment.amount_nanos, **_quantities(usage))


def _key(call: Call | SummedCall, writer: str) -> dict[str, Any]:
    return {
        "user_id": call.user_id,
        "slot_ms": call.started_ms - call.started_ms % SLOT_MS,
        "key_id": call.key_id,
        "app": call.app or "",
        "provider": call.provider or "",
        "credential_id": call.credential_id or "",
        "model": call.provider_model or call.model,
        "operation": call.operation,
        "ending": call.ending or "",
        "writer": writer,
    }


def _quantities(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": sum(_in(usage)),
        "cache_read_tokens": sum(_cache_read(usage)),
        "cache_write_tokens": sum(_cache_write(usage)),
        "output_tokens": sum(_out(usage)),
        "reasoning_tokens": usage.reasoning_tokens,
        "pieces": sum(_pieces(usage)),
    }
