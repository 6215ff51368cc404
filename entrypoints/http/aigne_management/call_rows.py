"""Calls as AIGNE shows them: one row for each call, whatever attempts it took, net of later adjustments."""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.accounts.rows import User
from domain.books.call_query import LoggedCall, served_model
from domain.books.rows import Call
from domain.books.statistics.sums import sum_of_call
from domain.books.statistics.usage_sum import UsageSum
from domain.catalog.rows import ProviderRow
from domain.usage import Usage
from entrypoints.http.aigne_management.access import Visit
from entrypoints.http.aigne_management.figures import credits_number, type_of_operation, used
from entrypoints.http.aigne_management.values import iso
from entrypoints.usecases.manage.call_view import error_for_users
from entrypoints.usecases.manage.providers import region_of

REASON_MAX = 1_000


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What ids stand for: users, providers, and the names of keys."""

    users: Mapping[str, User]
    providers: Mapping[str, ProviderRow]
    keys: Mapping[str, str]


async def names(visit: Visit) -> Names:
    """The names as they are now."""
    storage = visit.acting.hub.storage
    return Names(
        users={user.id: user for user in await storage.users()},
        providers={row.name: row for row in (await storage.catalog()).providers},
        keys={key.id: key.name for key in await storage.keys()},
    )


def profile(user: User) -> dict[str, Any]:
    """A user in AIGNE's shape."""
    return {"did": user.id, "fullName": user.display_name or user.name, "email": user.email or "", "avatar": ""}


def app_view(known: Names, app_id: str) -> dict[str, Any]:
    """An app, or a key in its place, in AIGNE's shape."""
    return {"appDid": app_id, "appName": known.keys.get(app_id) or app_id, "appLogo": "", "appUrl": ""}


def status_of(call: Call) -> str:
    """AIGNE's word for how a call ended: success where the caller got the whole answer."""
    if call.ending is None:
        return "processing"
    return "success" if call.complete else "failed"


def summed(logged: LoggedCall) -> UsageSum | None:
    """The call with its late usage as a sum; None while it runs."""
    if logged.call.ended_ms is None:
        return None
    return sum_of_call(msgspec.structs.replace(logged.call, usage=logged.usage), "")


def tenths(ms: int) -> msgspec.Raw:
    """Seconds with one decimal."""
    whole, rest = divmod((ms + 50) // 100, 10)
    return msgspec.Raw(f"{whole}.{rest}".encode())


def short_view(logged: LoggedCall) -> dict[str, Any]:
    """A call in a project's list."""
    call = logged.call
    one = summed(logged)
    return {
        "id": call.id,
        "callTime": call.started_ms // 1000,
        "createdAt": iso(call.started_ms),
        "traceId": call.trace_id,
        "model": served_model(call),
        "providerId": call.provider or "",
        "type": type_of_operation(call.operation),
        "status": status_of(call),
        "duration": None if call.ended_ms is None else tenths(call.ended_ms - call.started_ms),
        "totalUsage": 0 if one is None else used(one),
        "usageMetrics": _metrics(one, logged),
        "credits": credits_number(logged.net_nanos),
        "errorReason": _reason(error_for_users(call.error, call.attempts)),
        "appDid": call.app or call.key_id,
        "userDid": call.user_id,
        "ttfb": call.first_byte_ms,
    }


def call_row(logged: LoggedCall, known: Names, is_admin: bool) -> dict[str, Any]:
    """A call in full. The credential, the URL, and what a provider wrote about the credential are for admins only."""
    call = logged.call
    user = known.users.get(call.user_id)
    row = {
        **short_view(logged),
        "credentialId": call.credential_id if is_admin else None,
        "requestId": call.idempotency_key,
        "metadata": {
            "endpoint": call.dialect,
            "originalModel": call.model,
            "startTime": call.started_ms,
            "completedAt": call.ended_ms,
            "streaming": call.stream,
            "ending": call.ending,
            "runId": call.run_id,
        },
        "updatedAt": iso(call.ended_ms or call.started_ms),
        "providerTtfb": call.first_byte_ms,
        **({"errorReason": _reason(call.error)} if is_admin else {}),
        "provider": _provider(known, call.provider, is_admin),
        "appInfo": app_view(known, call.app or call.key_id),
    }
    return row if user is None else {**row, "userInfo": profile(user)}


def _provider(known: Names, name: str | None, is_admin: bool) -> dict[str, Any] | None:
    if name is None:
        return None
    row = known.providers.get(name)
    view: dict[str, Any] = {"id": name, "name": name, "displayName": row.shown_name if row else name}
    if row is None:
        return view
    view["enabled"] = row.disabled_ms is None
    return {**view, "baseUrl": row.base_url, "region": region_of(row)} if is_admin else view


def _reason(error: str | None) -> str | None:
    return None if error is None else error[:REASON_MAX]


def _metrics(one: UsageSum | None, logged: LoggedCall) -> dict[str, Any]:
    usage = logged.usage or Usage()
    if one is None:
        return {}
    found: dict[str, Any] = {
        "inputTokens": one.input_tokens,
        "outputTokens": one.output_tokens,
        "totalTokens": one.input_tokens + one.output_tokens,
        "cacheCreationInputTokens": one.cache_write_tokens,
        "cacheReadInputTokens": one.cache_read_tokens,
        "numberOfImageGeneration": usage.images,
    }
    if logged.call.size:
        found["imageSize"] = logged.call.size
    if logged.call.quality:
        found["imageQuality"] = logged.call.quality
    return found
