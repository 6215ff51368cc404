"""AIGNE's routes of the caller's own account: profile, credit, and the link by which more is bought."""

from typing import Any

from domain.accounts.rows import User
from domain.ledger.ledger import balance, usable
from domain.ledger.rows import Grant
from domain.pricing.money import format_credits
from domain.refusals import BadRequest
from entrypoints.http.aigne_management.access import Act, Visit, admins, users, wrong
from entrypoints.http.aigne_management.values import body_of, page_of
from entrypoints.http.api.reads import CURRENCY
from entrypoints.http.wire import Request, Route
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.credit import grant_view

_NAMES_MAX = 200
_SECONDS_DIGITS = 12
# Our words for a grant's state, and AIGNE's.
_STATES = {"active": "granted", "later": "pending", "spent": "depleted", "expired": "expired"}


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
            "user": _profile(visit.caller.user),
            "creditBalance": credit if hub.billed else None,
            "paymentLink": hub.payment_link if hub.billed else None,
            "currency": CURRENCY,
            "enableCredit": hub.billed,
            "profileLink": None,
            "creditPrefix": "",
        }

    async def grants(visit: Visit) -> Any:
        """`GET /api/user/credit/grants`: a page of the caller's grants, the newest first."""
        page, span = page_of(visit.request, 20), _span(visit.request)
        if isinstance(page, BadRequest):
            return page
        if isinstance(span, BadRequest):
            return span
        found = [
            grant for grant in await hub.storage.wallet(visit.caller.user.id) if span[0] <= grant.created_ms < span[1]
        ]
        found.sort(key=lambda grant: (grant.created_ms, grant.id), reverse=True)
        listed = [_grant(grant, hub.clock.now_ms()) for grant in found[page.part]]
        return {"count": len(found), "list": listed, "paging": {"page": page.page, "pageSize": page.size}}

    async def payment_link(visit: Visit) -> Any:
        """`GET /api/user/credit/payment-link`: a JSON text, or null."""
        return hub.payment_link

    own = {"/api/user/info": info, "/api/user/credit/grants": grants, "/api/user/credit/payment-link": payment_link}
    return (
        *(Route(method="GET", template=template, handler=users(hub, act)) for template, act in own.items()),
        Route(method="POST", template="/api/user/admin/user-info", handler=admins(hub, "see accounts", _profiles(hub))),
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
        return {"users": [_profile(known[one]) if one in known else {"did": one, **unknown} for one in ids]}

    return user_info


def _profile(user: User) -> dict[str, Any]:
    return {"did": user.id, "fullName": user.display_name or user.name, "email": user.email or "", "avatar": ""}


def _span(request: Request) -> tuple[int, int] | BadRequest:
    """The `start` and `end` of the query in milliseconds; the end is included."""
    found = []
    for name, default in (("start", 0), ("end", 10**_SECONDS_DIGITS)):
        text = request.query_value(name)
        if text is not None and not (text.isascii() and text.isdigit() and len(text) <= _SECONDS_DIGITS):
            return wrong(name, "Write seconds since 1970.")
        found.append(int(text) if text is not None else default)
    return found[0] * 1000, (found[1] + 1) * 1000


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
