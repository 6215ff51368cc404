"""AIGNE's lists of calls: of a user or of all, as pages and as one CSV file, and of one project."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from domain.books.call_query import CallQuery, LoggedCall, Search, SearchField, State
from domain.refusals import BadRequest
from entrypoints.http.aigne_management.access import Problem, Visit, wrong
from entrypoints.http.aigne_management.call_rows import Names, call_row, names, short_view, status_of, summed, tenths
from entrypoints.http.aigne_management.figures import type_of_operation, used
from entrypoints.http.aigne_management.spans import given_span, recent_span
from entrypoints.http.aigne_management.values import OPERATION_TYPES, iso, page_of, type_of
from entrypoints.http.exports import file_reply
from entrypoints.usecases.line_formats import MEDIA_TYPES, csv_line, in_parts
from entrypoints.usecases.manage.call_log import every_call, users_found
from entrypoints.usecases.public_types import Credits, Dollars, written

HEAD = [
    "Timestamp",
    "Request ID",
    "User DID",
    "User Name",
    "User Email",
    "Model",
    "Provider",
    "Type",
    "Status",
    "Input Tokens",
    "Output Tokens",
    "Total Usage",
    "Credits",
    "Duration(s)",
    "App DID",
]
_MORE = ("Cost (USD)", "Usage Source", "Trace ID", "App Name")
NOT_ADMIN = Problem(403, "Insufficient permissions. Admin or owner role required.")

_TEXT_MAX, _FIELDS_MAX, _DIGITS_MAX = 100, 200, 9
_STATES: dict[str, State | None] = {"success": "succeeded", "failed": "failed", "processing": "running", "all": None}
_SEARCHED: dict[str, SearchField] = {"model": "model", "traceId": "trace_id", "id": "id", "userDid": "user"}


async def model_calls(visit: Visit) -> Any:
    """`GET /api/user/model-calls`: a page of the caller's calls, or with `allUsers` of everybody's."""
    query = await _query(visit)
    page = page_of(visit.request, 50)
    if not isinstance(query, CallQuery):
        return query
    if isinstance(page, BadRequest):
        return page
    storage, known = visit.acting.hub.storage, await names(visit)
    cursor = visit.request.query_value("cursor")
    place = {"beyond": cursor} if cursor else {"skip": page.part.start}
    found = await storage.call_log(msgspec.structs.replace(query, limit=page.size, **place))
    last = found[-1].call.id if len(found) == page.size else None
    return {
        "count": await storage.call_count(query),
        "list": [call_row(one, known, visit.is_admin) for one in found],
        "paging": {"page": page.page, "pageSize": page.size, "nextCursor": last},
    }


async def export(visit: Visit) -> Any:
    """`GET /api/user/model-calls/export`: every such call as CSV, the oldest first, without a limit."""
    query = await _query(visit)
    if not isinstance(query, CallQuery):
        return query
    hub, known = visit.acting.hub, await names(visit)
    if query.to_ms is None or query.to_ms > hub.clock.now_ms():
        query = msgspec.structs.replace(query, to_ms=hub.clock.now_ms() + 1)

    async def lines() -> AsyncIterator[str]:
        async for report in every_call(hub.storage, query):
            yield csv_line(_cells(report.logged, known, visit.is_admin))

    name = f"model-calls-{iso(hub.clock.now_ms())[:10]}.csv"
    return file_reply(visit.request, in_parts(lines(), csv_line((*HEAD, *_MORE))), MEDIA_TYPES["csv"], name)


async def project_calls(visit: Visit) -> Any:
    """`GET /api/usage/projects/calls`: a page of the calls of one app."""
    query = await _query(visit, is_recent=True)
    page = page_of(visit.request, 20)
    if not isinstance(query, CallQuery):
        return query
    if isinstance(page, BadRequest):
        return page
    storage = visit.acting.hub.storage
    found = await storage.call_log(msgspec.structs.replace(query, limit=page.size, skip=page.part.start))
    return {
        "list": [short_view(one) for one in found],
        "count": await storage.call_count(query),
        "page": page.page,
        "pageSize": page.size,
    }


def scope_of(visit: Visit) -> str | Problem | None:
    """The user whose calls are meant; None for all, which only admins may ask for."""
    is_all = any(visit.request.query_value(name) in ("true", "1") for name in ("allUsers", "allUser"))
    if not is_all:
        return visit.caller.user.id
    return None if visit.is_admin else NOT_ADMIN


async def _query(visit: Visit, is_recent: bool = False) -> CallQuery | BadRequest | Problem:
    request, user_id = visit.request, scope_of(visit)
    span = recent_span(visit) if is_recent else given_span(request)
    if isinstance(user_id, Problem):
        return user_id
    if isinstance(span, BadRequest):
        return span
    texts = {}
    for name, most in (("search", _TEXT_MAX), ("model", _TEXT_MAX), ("providerId", _TEXT_MAX), ("appDid", _FIELDS_MAX)):
        text = request.query_value(name)
        if text is not None and (len(text) > most or not text.isprintable()):
            return wrong(name, f"Write at most {most} printable characters.")
        texts[name] = text or None
    state = request.query_value("status") or "all"
    if state not in _STATES:
        return wrong("status", f"Write one of {', '.join(_STATES)}.")
    least_ms = _least_ms(visit)
    if isinstance(least_ms, BadRequest):
        return least_ms
    search = await _search(visit, texts["search"])
    if isinstance(search, BadRequest):
        return search
    return CallQuery(
        user_id=user_id,
        from_ms=span.from_ms or None,
        to_ms=span.to_ms,
        state=_STATES[state],
        model_part=texts["model"],
        provider=texts["providerId"],
        project=texts["appDid"],
        operations=_operations(request.query_value("type")),
        min_duration_ms=least_ms,
        search=search,
    )


def _operations(kind: str | None) -> tuple[str, ...] | None:
    """The operations of a type, in either spelling; an unknown one has none."""
    if not kind or kind == "all":
        return None
    wanted = type_of(kind)
    return tuple(name for name, of in OPERATION_TYPES.items() if of == wanted) or (wanted,)


def _least_ms(visit: Visit) -> int | BadRequest | None:
    text = visit.request.query_value("minDurationSeconds")
    if not text:
        return None
    whole, _, rest = text.partition(".")
    if not (f"{whole}{rest}".isascii() and f"{whole}{rest}".isdigit() and len(text) <= _DIGITS_MAX and whole):
        return wrong("minDurationSeconds", "Write a number of seconds from 0 on.")
    return int(whole) * 1000 + int(f"{rest:0<3}"[:3])


async def _search(visit: Visit, text: str | None) -> Search | BadRequest | None:
    given = visit.request.query_value("searchFields")
    if given is not None and len(given) > _FIELDS_MAX:
        return wrong("searchFields", f"Write at most {_FIELDS_MAX} characters.")
    if text is None:
        return None
    fields = [_SEARCHED[name] for name in (given or ",".join(_SEARCHED)).split(",") if name in _SEARCHED]
    if not fields:
        return wrong("searchFields", f"Write some of {', '.join(_SEARCHED)}, with commas between.")
    users = await users_found(visit.acting.hub.storage, text) if "user" in fields else ()
    return Search(text=text, fields=tuple(fields), user_ids=users)


def _cells(logged: LoggedCall, known: Names, is_admin: bool) -> list[Any]:
    call, one = logged.call, summed(logged)
    user, provider = known.users.get(call.user_id), known.providers.get(call.provider or "")
    cost = call.cost_nanos if is_admin else None
    return [
        iso(call.started_ms),
        call.id,
        call.user_id,
        (user.display_name or user.name) if user else "",
        (user.email or "") if user else "",
        call.provider_model or call.model,
        provider.shown_name if provider else call.provider or "-",
        type_of_operation(call.operation),
        status_of(call),
        0 if one is None else one.input_tokens,
        0 if one is None else one.output_tokens,
        0 if one is None else used(one),
        written(Credits(logged.net_nanos)),
        "" if call.ended_ms is None else bytes(tenths(call.ended_ms - call.started_ms)).decode(),
        call.app or call.key_id,
        "" if cost is None else written(Dollars(cost)),
        call.usage_source or "",
        call.trace_id or "",
        known.keys.get(call.key_id, "") if not call.app else call.app,
    ]
