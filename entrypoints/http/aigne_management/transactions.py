"""AIGNE's list of what calls have taken of a wallet: a row for each line of the journal that took it for good.

A hold is not such a line, since its rest is released. A call has one line for its charge, and one for each adjustment.
The time that is asked for is that in which the calls began, so the rows of a time add up to its statistics.
"""

from typing import Any

from domain.books.call_query import CallQuery, LineQuery, LoggedCall, served_model
from domain.ledger.rows import Transfer
from domain.refusals import BadRequest
from entrypoints.http.aigne_management.access import Visit
from entrypoints.http.aigne_management.spans import given_span
from entrypoints.http.aigne_management.values import page_of
from entrypoints.http.api.models_and_health import CURRENCY

_GIVES_BACK = frozenset(("refund", "forfeit"))


async def transactions(visit: Visit) -> Any:
    """`GET /api/user/credit/transactions`: a page of the caller's, those of the newest calls first; in nanocredits."""
    page, span = page_of(visit.request, 20), given_span(visit.request, ("start", "end"))
    if isinstance(page, BadRequest):
        return page
    if isinstance(span, BadRequest):
        return span
    storage = visit.acting.hub.storage
    query = LineQuery(
        user_id=visit.caller.user.id,
        from_ms=span.from_ms or None,
        to_ms=span.to_ms,
        limit=page.size,
        skip=page.part.start,
    )
    lines = await storage.call_lines(query)
    ids = tuple(dict.fromkeys(line.cause for line in lines))
    calls = {one.call.id: one for one in await storage.call_log(CallQuery(ids=ids, limit=len(ids)))} if ids else {}
    return {
        "count": await storage.call_line_count(query),
        "list": [_row(line, calls[line.cause]) for line in lines],
        "paging": {"page": page.page, "pageSize": page.size},
    }


def _row(line: Transfer, logged: LoggedCall) -> dict[str, Any]:
    call = logged.call
    grants = {line.grant_id} if line.grant_id else {part.grant_id for part in call.hold_lines}
    amount = str(-line.amount_nanos if line.kind in _GIVES_BACK else line.amount_nanos)
    return {
        "id": ":".join((line.cause, line.kind, str(line.step))),
        "call_id": call.id,
        "quantity": amount,
        "credit_amount": amount,
        "remaining_balance": None,
        "customer_id": call.user_id,
        "credit_grant_id": next(iter(grants)) if len(grants) == 1 else None,
        "meter_id": None,
        "meter_event_name": line.kind,
        "meter_unit": CURRENCY["name"],
        "source": call.id,
        "description": f"{call.operation} {served_model(call)}",
        "metadata": {"appId": call.app or call.key_id, "model": served_model(call), "kind": line.kind},
        "created_at": line.at_ms // 1000,
        "creditGrant": None,
        "paymentCurrency": CURRENCY,
    }
