"""One call in full: its stages, quantities, ledger lines and attempts."""

import msgspec

from domain.pricing.rate import Rate
from domain.refusals import Refusal
from domain.usage import PRICE_OF_UNIT, UNITS
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.dashboard.pages.own_calls import one_call
from entrypoints.http.dashboard.pages.playground import KIND_OF_OPERATION
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.call_view import CallView, CallWithAdjustments
from entrypoints.usecases.public_types import Credits, CreditsEach


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A span of a call, in milliseconds since its start, as a bar of a thousand parts."""

    label: str
    start_ms: int
    duration_ms: int
    start: int
    length: int
    failed: bool = False


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that was used, and the price that its rate has for it."""

    label: str
    count: int
    price: Credits | CreditsEach | None
    per: str


async def call_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard/calls/{id}`."""
    call = await one_call(hub, visitor, request.path_values["id"])
    if not isinstance(call, CallWithAdjustments):
        return call
    rate = await _rate(hub, call)
    row = await hub.storage.call(call.id)
    values = {
        "call": call,
        "stages": stages_of(call),
        "quantities": quantities_of(call, rate),
        "rated": f"{rate.provider}/{rate.model}" if rate is not None else "",
        "kind": KIND_OF_OPERATION.get(row.operation) if row is not None else None,
        "sees_costs": visitor.may("see models"),
    }
    return View(template="call.html", title="Call", values=values)


def stages_of(call: CallView) -> list[Stage]:
    """The attempts one after another, and the answer from its first byte to its end."""
    whole = max(call.duration_ms or 0, sum(attempt.duration_ms for attempt in call.attempts), 1)
    stages, at = [], 0
    for number, attempt in enumerate(call.attempts, 1):
        label = f"attempt {number} at {attempt.provider}"
        stages.append(_stage(label, at, attempt.duration_ms, whole, attempt.outcome != "answered"))
        at += attempt.duration_ms
    if call.first_byte_ms is not None and call.duration_ms is not None:
        rest = max(0, call.duration_ms - call.first_byte_ms)
        stages.append(_stage("until the first byte", 0, min(call.first_byte_ms, whole), whole))
        stages.append(_stage("from the first byte to the end", call.first_byte_ms, rest, whole))
    return stages


def _stage(label: str, start_ms: int, duration_ms: int, whole: int, failed: bool = False) -> Stage:
    start = min(start_ms, whole) * 1000 // whole
    length = max(4, min(duration_ms, whole) * 1000 // whole)
    return Stage(label=label, start_ms=start_ms, duration_ms=duration_ms, start=start, length=length, failed=failed)


def quantities_of(call: CallView, rate: Rate | None) -> list[Quantity]:
    """The units that were used."""
    if call.usage is None:
        return []
    found = []
    for unit in UNITS:
        count = getattr(call.usage, unit.name)
        if not count:
            continue
        nanos = getattr(rate.prices, PRICE_OF_UNIT[unit.name]) if rate is not None else None
        kind = CreditsEach if unit.shown_each else Credits
        per = "each" if unit.shown_each else "per million"
        label = unit.name.replace("_", " ")
        found.append(Quantity(label=label, count=count, price=None if nanos is None else kind(nanos), per=per))
    return found


async def _rate(hub: CallContext, call: CallView) -> Rate | None:
    if call.rate_id is None or call.provider is None:
        return None
    catalog = await hub.current_catalog()
    every = (rate for versions in catalog.rates.values() for rate in versions)
    return next((rate for rate in every if rate.id == call.rate_id), None)
