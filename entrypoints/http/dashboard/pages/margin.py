"""Selling the models of the price book at a margin: first a preview of every change, then the change."""

from urllib.parse import urlencode

import msgspec

from domain.refusals import BadRequest, Refusal
from entrypoints.actions.action import find_action
from entrypoints.http.dashboard.action_pages import path_of
from entrypoints.http.dashboard.csv_files import csv_of
from entrypoints.http.dashboard.page import Download, View, Visitor
from entrypoints.http.dashboard.rendering import text_of
from entrypoints.http.errors import error_of
from entrypoints.http.management.requests import request_from
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.rate_actions import SoldView
from entrypoints.usecases.manage.rate_changes import AmountChange
from entrypoints.usecases.public_types import Dollars, Percent

PAGE = 100
FIELDS = ("margin", "credit_price", "provider", "model")


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What the terms would change, or why they are refused; neither before they are sent."""

    sold: list[SoldView] | None = None
    refusal: Refusal | None = None

    @property
    def field(self) -> str | None:
        """The field that is wrong; None if it is none of the form's."""
        refusal = self.refusal
        return refusal.field if isinstance(refusal, BadRequest) and refusal.field in FIELDS else None

    @property
    def error(self) -> str:
        """What is wrong, as the field or the page shows it."""
        if self.refusal is None:
            return ""
        if isinstance(self.refusal, BadRequest) and self.field:
            return self.refusal.problem
        return error_of(self.refusal).message

    @property
    def changes(self) -> list[AmountChange]:
        """Every amount that differs."""
        return [change for each in self.sold or () for change in each.changes]

    def count(self, what: str) -> int:
        """How many models are `sold`, `unchanged`, `kept` or `impossible`."""
        return sum(len(getattr(each, what)) for each in self.sold or ())


async def margin_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/models/margin`: the form, and the preview once it has a margin and a price of a credit."""
    terms = hub.policy.terms
    defaults = (
        {}
        if terms is None
        else {
            "margin": text_of(Percent(terms.margin_nanos)),
            "credit_price": text_of(Dollars(terms.credit_price_nanos)),
        }
    )
    is_sent = bool(request.query)
    given = _given(request) if is_sent else dict.fromkeys(FIELDS, "") | {"credit_price": "1"} | defaults
    preview = await _preview(hub, visitor, given) if is_sent else Preview()
    start = int(text) if (text := request.query_value("start") or "0").isdecimal() and len(text) < 7 else 0
    changes = preview.changes
    values = {
        "given": given,
        "preview": preview,
        "changes": changes[start : start + PAGE],
        "count": len(changes),
        "start": start,
        "next": start + PAGE if start + PAGE < len(changes) else None,
        "before": max(0, start - PAGE) if start else None,
        "query": urlencode({name: text for name, text in given.items() if text}),
        "providers": sorted((await hub.current_catalog()).providers),
        "post_to": path_of("rate bulk"),
    }
    return View(
        template="margin.html",
        title="Sell at a margin",
        values=values,
        status=error_of(preview.refusal).status if preview.refusal else 200,
    )


async def margin_csv(hub: CallContext, visitor: Visitor, request: Request) -> Download | Refusal:
    """`GET /dashboard/models/margin.csv`: every change of the preview."""
    preview = await _preview(hub, visitor, _given(request))
    if preview.refusal is not None:
        return preview.refusal
    head = AmountChange.__struct_fields__
    return csv_of("changes", head, ([getattr(change, name) for name in head] for change in preview.changes))


def _given(request: Request) -> dict[str, str]:
    return {name: (request.query_value(name) or "").strip() for name in FIELDS}


async def _preview(hub: CallContext, visitor: Visitor, given: dict[str, str]) -> Preview:
    action = find_action("rate bulk")
    assert action is not None
    sent = {name: text for name, text in given.items() if text}
    made = request_from(action, sent | {"dry_run": "true"}, hub.clock.now_ms())
    reply = made if isinstance(made, BadRequest) else await action.handler(visitor.acting(hub), made)
    return Preview(sold=reply) if isinstance(reply, list) else Preview(refusal=reply)
