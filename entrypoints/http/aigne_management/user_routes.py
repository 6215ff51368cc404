"""AIGNE's routes of the caller's own account: profile, credit, and the link by which more is bought."""

from typing import Any

from domain.accounts.permissions import Permission
from domain.ledger.ledger import balance, usable
from domain.ledger.rows import Grant
from domain.pricing.money import format_credits
from domain.refusals import BadRequest
from entrypoints.http.aigne_management import call_routes, statistics, usage_routes
from entrypoints.http.aigne_management.access import Act, Visit, admins, users, wrong
from entrypoints.http.aigne_management.call_rows import profile
from entrypoints.http.aigne_management.spans import given_span
from entrypoints.http.aigne_management.transactions import transactions
from entrypoints.http.aigne_management.values import body_of, page_of
from entrypoints.http.api.models_and_health import CURRENCY
from entrypoints.http.wire import Route
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.credit import grant_view

_NAMES_MAX = 200
# Our words for a grant's state, and AIGNE's.
_STATES = {"active": "granted", "later": "pending", "spent": "depleted", "expired": "expired"}


OWN: dict[str, Act] = {
    "/api/user/credit/transactions": transactions,
    "/api/user/model-calls": call_routes.model_calls,
    "/api/user/model-calls/export": call_routes.export,
    "/api/user/usage-stats": statistics.own_statistics,
    "/api/user/weekly-comparison": statistics.comparison(statistics.week),
    "/api/user/monthly-comparison": statistics.comparison(statistics.month),
    "/api/usage/quota": usage_routes.quota,
    "/api/usage/projects": usage_routes.projects,
    "/api/usage/projects/calls": call_routes.project_calls,
    "/api/usage/projects/trends": usage_routes.project_trends,
    "/api/usage/projects/group-trends": usage_routes.group_trends,
}
FOR_ADMINS: tuple[tuple[str, str, Permission, Act], ...] = (
    ("GET", "/api/user/admin/user-stats", "see calls", statistics.all_statistics),
    ("GET", "/api/usage/trends", "see calls", usage_routes.trends),
    ("POST", "/api/usage/stats/backfill", "maintain the books", statistics.backfill),
    ("POST", "/api/user/cleanup-daily-stats", "maintain the books", statistics.clean_up),
    ("POST", "/api/user/recalculate-stats", "maintain the books", statistics.recalculate),
)


def aigne_user_routes(hub: CallContext) -> tuple[Route, ...]:
    """The routes of the caller's own account."""

    async def info(visit: Visit) -> Any:
        """`GET /api/user/info`: the caller's profile and balance."""
        now_ms = hub.clock.now_ms()
        grants = await hub.storage.wallet(visit.caller.user.id)
        now, spendable = balance(grants, now_ms), usable(grants, now_ms)
        credit = {
            "balance": format_credits(now.available_nanos),
            "total": format_credits(sum(grant.amount_nanos for grant in spendable)),
            "grantCount": len(spendable),
            "pendingCredit": format_credits(now.held_nanos),
        }
        return {
            "user": profile(visit.caller.user),
            "creditBalance": credit if hub.billed else None,
            "paymentLink": hub.payment_link if hub.billed else None,
            "currency": CURRENCY,
            "enableCredit": hub.billed,
            "profileLink": None,
            "creditPrefix": "",
        }

    async def grants(visit: Visit) -> Any:
        """`GET /api/user/credit/grants`: a page of the caller's grants, the newest first."""
        page, span = page_of(visit.request, 20), given_span(visit.request, ("start", "end"))
        if isinstance(page, BadRequest):
            return page
        if isinstance(span, BadRequest):
            return span
        found = [
            grant
            for grant in await hub.storage.wallet(visit.caller.user.id)
            if span.from_ms <= grant.created_ms < span.to_ms
        ]
        found.sort(key=lambda grant: (grant.created_ms, grant.id), reverse=True)
        listed = [_grant(grant, hub.clock.now_ms()) for grant in found[page.part]]
        return {"count": len(found), "list": listed, "paging": {"page": page.page, "pageSize": page.size}}

    async def payment_link(visit: Visit) -> Any:
        """`GET /api/user/credit/payment-link`: a JSON text, or null."""
        return hub.payment_link

    own = {"/api/user/info": info, "/api/user/credit/grants": grants, "/api/user/credit/payment-link": payment_link}
    return _table(hub, own | OWN)


def _table(hub: CallContext, own: dict[str, Act]) -> tuple[Route, ...]:
    return (
        *(Route(method="GET", template=template, handler=users(hub, act)) for template, act in own.items()),
        Route(method="POST", template="/api/user/admin/user-info", handler=admins(hub, "see accounts", _profiles(hub))),
        *(
            Route(method=method, template=template, handler=admins(hub, permission, act))
            for method, template, permission, act in FOR_ADMINS
        ),
    )


def _profiles(hub: CallContext) -> Act:
    async def user_info(visit: Visit) -> Any:
        """`POST /api/user/admin/user-info`: the profiles of users by their ids."""
        body = body_of(visit.request)
        if isinstance(body, BadRequest):
            return body
        ids = body.get("userDids")
        if not isinstance(ids, list) or not 1 <= len(ids) <= _NAMES_MAX or not all(isinstance(one, str) for one in ids):
            return wrong("userDids", f"Write a list of 1 to {_NAMES_MAX} ids of users.")
        known = {user.id: user for user in await hub.storage.users()}
        unknown = {"fullName": "Unknown User", "email": ""}
        return {"users": [profile(known[one]) if one in known else {"did": one, **unknown} for one in ids]}

    return user_info


def _grant(grant: Grant, now_ms: int) -> dict[str, Any]:
    """A grant in the shape of AIGNE's payments; amounts in nanocredits."""
    is_starter = grant.source == "starter"
    return {
        "id": grant.id,
        "object": "credit_grant",
        "amount": str(grant.amount_nanos),
        "remaining_amount": str(grant.available_nanos + grant.held_nanos),
        "currency_id": CURRENCY["id"],
        "category": "promotional" if is_starter else "paid",
        "customer_id": grant.user_id,
        "name": grant.source,
        "priority": grant.priority,
        "effective_at": grant.effective_ms // 1000,
        "expires_at": (grant.expires_ms or 0) // 1000,
        "status": _STATES[grant_view(grant, now_ms).state],
        "metadata": {"welcomeCredit": True} if is_starter else {},
        "created_via": "api",
        "created_at": grant.created_ms // 1000,
        "updated_at": grant.created_ms // 1000,
        "paymentCurrency": CURRENCY,
    }
